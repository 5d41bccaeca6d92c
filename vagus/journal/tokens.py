"""Control ids as they are stored: as text, or for some endpoints as a keyed hash."""

from __future__ import annotations

import base64
import hmac

from vagus.kernel.keys import Keyset

_MARK = "t:"
_LONGEST = 256  # characters of a control id kept as text: an index must be able to hold it


class Tokens:
    """Knows which endpoints' control ids must not be stored as text."""

    __slots__ = ("_endpoints", "_key")

    def __init__(self, keyset: Keyset) -> None:
        self._key = keyset.derive("journal control tokens")
        self._endpoints: set[int] = set()

    def hide(self, endpoint: int) -> None:
        """Store the control ids of this endpoint as keyed hashes from now on."""
        self._endpoints.add(endpoint)

    def stored(self, endpoint: int, control: str) -> str:
        """The control id as this endpoint's rows hold it."""
        if control and (endpoint in self._endpoints or len(control) > _LONGEST):
            return self.token(control)
        return control

    def token(self, control: str) -> str:
        """The keyed hash that stands for a control id."""
        digest = hmac.digest(self._key, control.encode("utf-8", "replace"), "sha256")
        return _MARK + base64.b32encode(digest[:15]).decode()

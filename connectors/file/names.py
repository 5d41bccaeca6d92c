"""File names that can be nothing but names, whatever the message says."""

from __future__ import annotations

import hashlib
import string
from datetime import UTC, datetime

from vagus.kernel import ids

_PLAIN = frozenset(string.ascii_letters + string.digits + "._-")
_DEVICES = frozenset(
    ["CON", "PRN", "AUX", "NUL"] + [f"{name}{n}" for name in ("COM", "LPT") for n in range(10)]
)
_ID_LENGTH = 13
_MAX_PART = 80


def file_name(template: str, suffix: str, key: str, kind: str) -> str:
    """The name of the file for one message, the same for every attempt."""
    name = template.format(id=_part(key), type=_part(kind), time=_accepted(key))
    if name.split(".", 1)[0].upper() in _DEVICES:
        name = "_" + name
    return name.rstrip(".") + suffix


def _part(text: str) -> str:
    """The text if it is plain, or else what is plain of it and a digest, so that no two meet."""
    plain = "".join(char if char in _PLAIN else "_" for char in text).lstrip(".")[:_MAX_PART]
    if plain == text and text:
        return plain
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"{plain}-{digest}" if plain else digest


def _accepted(key: str) -> str:
    """When the message was accepted, read from the id that its key begins with."""
    try:
        moment = ids.millis(ids.from_text(key[:_ID_LENGTH]))
    except ValueError:
        return "undated"
    at = datetime.fromtimestamp(moment / 1000, UTC)
    return f"{at:%Y%m%dT%H%M%S}{moment % 1000:03d}Z"

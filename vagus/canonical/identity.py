"""Ids and tokens made from business identifiers with the deployment's key.

The same parts give the same id on every replay, so a replay updates what is there; without the
key an id tells nothing, which a plain hash of a medical record number would not achieve.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence

_unpacked = struct.Struct(">IHHHHI").unpack
_SEPARATOR = "\x1f"
_MAX_KEY = 64
_MIN_KEY = 16


class Identity:
    """Derives ids with keyed BLAKE2b; `key` is 16 to 64 secret bytes of one deployment."""

    __slots__ = ("_ids", "_tokens")

    def __init__(self, key: bytes) -> None:
        if not _MIN_KEY <= len(key) <= _MAX_KEY:
            raise ValueError(f"an identity key has {_MIN_KEY} to {_MAX_KEY} bytes")
        self._ids = hashlib.blake2b(key=key, digest_size=16, person=b"vagus id")
        self._tokens = key

    def __repr__(self) -> str:
        return "Identity()"

    def resource_id(self, type: str, parts: Sequence[str]) -> str:
        """The id of a resource: a UUID of version 8 (RFC 9562 §5.8) as 36 characters."""
        text = f"{type}{_SEPARATOR}{_SEPARATOR.join(parts)}" if parts else type
        if text.count(_SEPARATOR) != len(parts):
            # A part holds the separator itself, so lengths keep ("a", "b") apart from ("a␟b",).
            text = f"{_SEPARATOR}{text}{_SEPARATOR}{[len(part) for part in parts]}"
        mac = self._ids.copy()
        mac.update(text.encode("utf-8", "surrogatepass"))
        low, middle, high, clock, node, rest = _unpacked(mac.digest())
        fields = (low, middle, high & 0xFFF, clock & 0x3FFF | 0x8000, node, rest)
        return "%08x-%04x-8%03x-%04x-%04x%08x" % fields  # noqa: UP031 - quicker than format

    def token(self, purpose: str, text: str, size: int = 16) -> bytes:
        """`size` bytes (1 to 64) that stand for a text, different for every purpose."""
        data = f"{len(purpose)}{_SEPARATOR}{purpose}{text}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(
            data, key=self._tokens, digest_size=size, person=b"vagus token"
        ).digest()

"""Bodies at rest: sealed with the key of their day and bound to their message.

AES-256-GCM; the nonce stands before the ciphertext. A body moved to another row, another endpoint
or another day does not open.
"""

from __future__ import annotations

import hashlib
import os
from struct import Struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vagus.kernel.errors import EngineFault
from vagus.kernel.keys import Keyset

_NONCE = 12
_BINDING = Struct(">qq")


class CorruptBody(EngineFault):
    """A stored body does not open: it was damaged or moved, or its day's key was destroyed."""


class Vault:
    """Seals and opens the bodies of one day."""

    __slots__ = ("_cipher", "_key_id", "_nonces", "_taken")

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)
        self._nonces, self._taken = b"", 0
        self._key_id = hashlib.sha256(key).digest()[:8]

    def __repr__(self) -> str:
        return "Vault()"

    def seal(self, message: int, endpoint: int, body: bytes) -> bytes:
        """The body as it is stored."""
        nonce = self._nonce()
        aad = _BINDING.pack(message, endpoint) + self._key_id
        return nonce + self._cipher.encrypt(nonce, body, aad)

    def open(self, message: int, endpoint: int, sealed: bytes | None) -> bytes:
        """The body as it was accepted; raises `CorruptBody`."""
        return self._open(sealed, _BINDING.pack(message, endpoint) + self._key_id)

    def check(self, message: int, endpoint: int, sealed: bytes | None, digest: bytes) -> bytes:
        """The body, compared with its SHA-256 as well; raises `CorruptBody`."""
        body = self.open(message, endpoint, sealed)
        if hashlib.sha256(body).digest() != digest:
            raise CorruptBody
        return body

    def seal_reply(self, message: int, endpoint: int, reply: bytes | None) -> bytes | None:
        """The reply as it is stored; bound so that it cannot pass for a body."""
        if reply is None:
            return None
        nonce = self._nonce()
        aad = _BINDING.pack(message, endpoint) + self._key_id + b"reply"
        return nonce + self._cipher.encrypt(nonce, reply, aad)

    def open_reply(self, message: int, endpoint: int, sealed: bytes | None) -> bytes | None:
        """The stored reply; raises `CorruptBody`."""
        if sealed is None:
            return None
        return self._open(sealed, _BINDING.pack(message, endpoint) + self._key_id + b"reply")

    def _nonce(self) -> bytes:
        """A random nonce; they are drawn many at a time, because the system call costs most."""
        start = self._taken
        if start == len(self._nonces):
            self._nonces, start = os.urandom(_NONCE * 256), 0
        self._taken = start + _NONCE
        return self._nonces[start : start + _NONCE]

    def _open(self, sealed: bytes | None, aad: bytes) -> bytes:
        if not isinstance(sealed, bytes) or len(sealed) < _NONCE + 16:
            raise CorruptBody
        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], aad)
        except InvalidTag:
            raise CorruptBody from None


def new_day_key(keyset: Keyset, day: str) -> bytes:
    """A random key for one day, wrapped for storing."""
    return keyset.seal(os.urandom(32), _purpose(day))


def day_vault(keyset: Keyset, day: str, wrapped: bytes | None) -> Vault:
    """The vault of a day; raises `CorruptBody` when its key is gone or is not ours."""
    return Vault(_unwrap(keyset, day, wrapped))


def rewrapped(keyset: Keyset, day: str, wrapped: bytes) -> bytes:
    """A day's key, wrapped with the keyset's current key; raises `CorruptBody`."""
    return keyset.seal(_unwrap(keyset, day, wrapped), _purpose(day))


def _unwrap(keyset: Keyset, day: str, wrapped: bytes | None) -> bytes:
    if wrapped is None:
        raise CorruptBody(f"the key of {day} was destroyed: its bodies cannot be read")
    try:
        return keyset.open(wrapped, _purpose(day))
    except EngineFault:
        raise CorruptBody(
            f"the key of {day} does not open with this key set: use the keys it was written with"
        ) from None


def _purpose(day: str) -> bytes:
    # A day that was set aside is called `2026-11-22.1`; its key stays the key of its day.
    return b"journal day " + day[:10].encode()

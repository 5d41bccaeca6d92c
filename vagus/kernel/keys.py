"""Keys: what bodies are encrypted with, and what pseudonyms are made from.

A keyset holds one root secret, from which stable purposes are derived, and any number of
AES-256 keys by id, of which one is current. Old keys open; only the current one seals.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import stat
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from vagus.kernel.errors import ConfigError, EngineFault

KEY_BYTES = 32
NONCE_BYTES = 12
_ID_BYTES = 4


class Unsealable(EngineFault):
    """Sealed bytes do not open: another key, another place, or they were altered."""


class Keyset:
    """The keys of one deployment. Its repr shows key ids, never keys."""

    def __init__(self, root: bytes, keys: dict[int, bytes], current: int) -> None:
        if len(root) != KEY_BYTES or any(len(key) != KEY_BYTES for key in keys.values()):
            raise ConfigError(f"every key of a keyset is {KEY_BYTES} bytes long")
        if current not in keys:
            raise ConfigError("the current key of the keyset is not in it")
        self._root = root
        self._keys = dict(keys)
        self._ciphers = {number: AESGCM(key) for number, key in keys.items()}
        self.current = current

    def __repr__(self) -> str:
        return f"Keyset(ids={sorted(self._keys)}, current={self.current})"

    @classmethod
    def generate(cls) -> Keyset:
        """A fresh keyset with one key."""
        return cls(secrets.token_bytes(KEY_BYTES), {1: secrets.token_bytes(KEY_BYTES)}, 1)

    @property
    def ids(self) -> list[int]:
        """The ids of all keys that can still open."""
        return sorted(self._keys)

    def seal(self, plain: bytes, aad: bytes) -> bytes:
        """Key id, nonce and AES-256-GCM of `plain`, bound to `aad`."""
        prefix = self.current.to_bytes(_ID_BYTES, "big")
        nonce = os.urandom(NONCE_BYTES)
        return prefix + nonce + self._ciphers[self.current].encrypt(nonce, plain, prefix + aad)

    def open(self, sealed: bytes, aad: bytes) -> bytes:
        """What was sealed with the same `aad`; raises `Unsealable`."""
        prefix, nonce = sealed[:_ID_BYTES], sealed[_ID_BYTES : _ID_BYTES + NONCE_BYTES]
        cipher = self._ciphers.get(int.from_bytes(prefix, "big"))
        if cipher is None or len(nonce) != NONCE_BYTES:
            raise Unsealable("the keyset has no key of that id")
        try:
            return cipher.decrypt(nonce, sealed[_ID_BYTES + NONCE_BYTES :], prefix + aad)
        except InvalidTag:
            raise Unsealable from None

    def derive(self, purpose: str, length: int = KEY_BYTES) -> bytes:
        """A secret for one purpose, the same after every rotation of the sealing keys."""
        kdf = HKDF(hashes.SHA256(), length, salt=None, info=b"vagus/" + purpose.encode())
        return kdf.derive(self._root)

    def dumps(self) -> str:
        """The keyset as the text of a key file."""
        keys = {str(number): _text(key) for number, key in sorted(self._keys.items())}
        return json.dumps({"root": _text(self._root), "current": self.current, "keys": keys})

    @classmethod
    def loads(cls, text: str) -> Keyset:
        """A keyset from the text of a key file; raises ConfigError, quoting nothing of it."""
        try:
            data = json.loads(text)
            keys = {int(number): _bytes(key) for number, key in data["keys"].items()}
            return cls(_bytes(data["root"]), keys, int(data["current"]))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise ConfigError("the key file is damaged: it does not hold a keyset") from None


def load(path: Path) -> Keyset:
    """The keyset of a key file, which nobody but its owner may read."""
    try:
        mode = path.stat().st_mode
        text = path.read_text("ascii")
    except (OSError, UnicodeDecodeError):
        raise ConfigError(f"{path}: the key file cannot be read") from None
    if stat.S_IMODE(mode) & 0o077:
        raise ConfigError(f"{path}: others may read the key file; run: chmod 600 {path}")
    return Keyset.loads(text)


def create(path: Path) -> Keyset:
    """Write a new key file, readable by its owner only; raises ConfigError if it exists."""
    keyset = Keyset.generate()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError:
        raise ConfigError(f"{path}: the key file cannot be made") from None
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(keyset.dumps())
        file.flush()
        os.fsync(file.fileno())
    return keyset


def _text(key: bytes) -> str:
    return base64.urlsafe_b64encode(key).decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text.encode())

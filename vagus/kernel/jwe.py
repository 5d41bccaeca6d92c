"""Compact JWE (RFC 7516) with AES-256-GCM, in a form that every JOSE library opens.

The key is a JWK (RFC 7517): a shared secret of 256 bits (`oct`, then `alg` is `dir`), or a public
key on P-256 or X25519 (`EC`, `OKP`, then `alg` is `ECDH-ES`, RFC 7518 §4.6). The content type in
the protected header says what the bytes belong to, so that they cannot be moved elsewhere.
"""

from __future__ import annotations

import json
import os
import stat
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash

from vagus.kernel.errors import ConfigError, MessageError

ENCRYPTION = "A256GCM"
_NONCE = 12
_TAG = 16
_KEY = 32
_COORDINATE = 32

Header = dict[str, Any]


class Key:
    """One JWK. Its repr shows its id, never the key."""

    def __init__(self, jwk: Mapping[str, Any]) -> None:
        """Raises ConfigError, quoting nothing of the key."""
        try:
            self.id = str(jwk.get("kid", ""))
            self._curve = _curve(jwk)
            self._secret = None if self._curve else _secret(jwk)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ConfigError(
                "a key is a JWK: kty oct with 256 bits, EC with crv P-256, or OKP with crv X25519"
            ) from None
        #: Whether it opens what was sealed with it.
        self.opens = self._curve is None or self._curve.private is not None
        named = {"kid": self.id} if self.id else {}
        self._fixed = {"enc": ENCRYPTION, **named}

    def __repr__(self) -> str:
        return f"Key({self.id!r})"

    def seal(self, plain: bytes, content_type: str) -> bytes:
        """The compact JWE of some bytes; `content_type` is its `cty`."""
        if self._secret is not None:
            header: Header = {"alg": "dir", **self._fixed, "cty": content_type}
            return _sealed(self._secret, header, plain)
        assert self._curve is not None
        ephemeral, shared = self._curve.agree()
        header = {"alg": "ECDH-ES", **self._fixed, "epk": ephemeral, "cty": content_type}
        return _sealed(AESGCM(_derived(shared)), header, plain)

    def open(self, header: Header, pieces: Sequence[bytes]) -> bytes:
        """What was sealed; MessageError `unopenable` when it was not for this key."""
        try:
            cipher = self._cipher(header)
            sealed = _decoded_bytes(pieces[3]) + _decoded_bytes(pieces[4])
            return cipher.decrypt(_decoded_bytes(pieces[2]), sealed, pieces[0])
        except (InvalidTag, ValueError, KeyError, TypeError):
            raise MessageError("unopenable") from None

    def _cipher(self, header: Header) -> AESGCM:
        if header.get("alg") == "dir" and self._secret is not None:
            return self._secret
        if header.get("alg") == "ECDH-ES" and self._curve is not None:
            return AESGCM(_derived(self._curve.shared(header["epk"])))
        raise ValueError("this key is of another kind")


class _Curve:
    """A public key, and the private one where it is known, on one of two curves."""

    def __init__(self, name: str, public: Any, private: Any) -> None:
        self._name = name
        self._public = public
        self.private = private

    def agree(self) -> tuple[Mapping[str, str], bytes]:
        """An ephemeral public key as a JWK, and the secret it shares with ours."""
        if self._name == "X25519":
            ours = X25519PrivateKey.generate()
            x = ours.public_key().public_bytes_raw()
            jwk = {"kty": "OKP", "crv": self._name, "x": _text(x)}
            return jwk, ours.exchange(self._public)
        point = ec.generate_private_key(ec.SECP256R1())
        numbers = point.public_key().public_numbers()
        x, y = (item.to_bytes(_COORDINATE, "big") for item in (numbers.x, numbers.y))
        jwk = {"kty": "EC", "crv": self._name, "x": _text(x), "y": _text(y)}
        return jwk, point.exchange(ec.ECDH(), self._public)

    def shared(self, jwk: Mapping[str, Any]) -> bytes:
        """The secret that our private key shares with somebody's public one."""
        other = _curve(jwk)
        if other is None or other._name != self._name or self.private is None:
            raise ValueError("the keys do not fit together")
        if self._name == "X25519":
            return bytes(self.private.exchange(other._public))
        return bytes(self.private.exchange(ec.ECDH(), other._public))


def load(path: Path) -> list[Key]:
    """The keys of a file: a JWK, or a JWK Set whose first key is the current one.

    Raises ConfigError; what holds a secret may be read by its owner only.
    """
    try:
        mode = path.stat().st_mode
        data = json.loads(path.read_text("utf-8"))
        listed = data.get("keys", [data])
        keys = [Key(item) for item in listed]
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    except (OSError, ValueError, TypeError, AttributeError):
        raise ConfigError(f"{path}: no JWK can be read there") from None
    if not keys:
        raise ConfigError(f"{path}: the JWK Set is empty")
    if any(key.opens for key in keys) and stat.S_IMODE(mode) & 0o077:
        raise ConfigError(f"{path}: others may read this secret key; run: chmod 600 {path}")
    return keys


def generate(key_id: str) -> str:
    """The text of a new JWK file: a shared secret."""
    return json.dumps({"kty": "oct", "kid": key_id, "k": _text(os.urandom(_KEY))})


def unseal(sealed: bytes, keys: Sequence[Key]) -> tuple[Header, bytes]:
    """The protected header and the bytes, by the first of the keys that opens it.

    MessageError `not-a-jwe` or `unopenable`.
    """
    pieces = sealed.split(b".")
    try:
        header = json.loads(_decoded_bytes(pieces[0]))
        fits = len(pieces) == 5 and header["enc"] == ENCRYPTION
    except (ValueError, KeyError, TypeError):
        fits = False
    if not fits:
        raise MessageError("not-a-jwe")
    named = [key for key in keys if key.id and key.id == header.get("kid")]
    for key in named or keys:
        try:
            return header, key.open(header, pieces)
        except MessageError:
            continue
    raise MessageError("unopenable")


def _sealed(cipher: AESGCM, header: Header, plain: bytes) -> bytes:
    protected = _b64(json.dumps(header, separators=(",", ":")).encode())
    nonce = os.urandom(_NONCE)
    sealed = cipher.encrypt(nonce, plain, protected)
    # Direct encryption and direct key agreement have no encrypted key: the second part is empty.
    return b".".join((protected, b"", _b64(nonce), _b64(sealed[:-_TAG]), _b64(sealed[-_TAG:])))


def _curve(jwk: Mapping[str, Any]) -> _Curve | None:
    """The curve key of a JWK, None for a shared secret; raises ValueError or KeyError."""
    kind, name = jwk["kty"], jwk.get("crv")
    if kind == "oct":
        return None
    x, d = _decoded(str(jwk["x"])), _decoded(str(jwk["d"])) if "d" in jwk else None
    if (kind, name) == ("OKP", "X25519"):
        secret = X25519PrivateKey.from_private_bytes(d) if d else None
        return _Curve("X25519", X25519PublicKey.from_public_bytes(x), secret)
    if (kind, name) != ("EC", "P-256"):
        raise ValueError("that curve is not used")
    curve = ec.SECP256R1()
    y = int.from_bytes(_decoded(str(jwk["y"])), "big")
    numbers = ec.EllipticCurvePublicNumbers(int.from_bytes(x, "big"), y, curve)
    public = numbers.public_key()
    private = ec.derive_private_key(int.from_bytes(d, "big"), curve) if d else None
    return _Curve("P-256", public, private)


def _secret(jwk: Mapping[str, Any]) -> AESGCM:
    """The cipher of a shared secret; raises ValueError or KeyError."""
    key = _decoded(str(jwk["k"]))
    if len(key) != _KEY:
        raise ValueError("AES-256 needs 256 bits")
    return AESGCM(key)


def _derived(shared: bytes) -> bytes:
    """The content key of an agreement, without party information (RFC 7518 §4.6.2)."""
    name = ENCRYPTION.encode()
    info = len(name).to_bytes(4, "big") + name + bytes(8) + (_KEY * 8).to_bytes(4, "big")
    return ConcatKDFHash(hashes.SHA256(), _KEY, info).derive(shared)


def _b64(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")


def _text(data: bytes) -> str:
    return _b64(data).decode()


def _decoded(text: str) -> bytes:
    return _decoded_bytes(text.encode())


def _decoded_bytes(data: bytes) -> bytes:
    return urlsafe_b64decode(data + b"=" * (-len(data) % 4))

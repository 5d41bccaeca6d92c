"""Sealed for one key: a stock library opens it, and ours opens what a stock library sealed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwe as stock
from joserfc.jwk import ECKey, OctKey, OKPKey

from vagus.kernel import jwe
from vagus.kernel.errors import ConfigError, MessageError

PLAIN = b'{"resourceType":"Bundle"}' * 40
CTY = "application/fhir+json;id=E1;type=org.vagus.patient.updated.v1"
PAIRS: list[tuple[Any, str]] = [(OctKey, ""), (ECKey, "P-256"), (OKPKey, "X25519")]


def pair(kind: Any, curve: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The private and the public JWK."""
    if kind is OctKey:
        made = json.loads(jwe.generate("k1"))
        return made, made
    key = kind.generate_key(curve, {"kid": "k1"}, private=True)
    return key.as_dict(private=True), key.as_dict(private=False)


@pytest.mark.parametrize(("kind", "curve"), PAIRS)
def test_both_libraries_open_each_others(kind: Any, curve: str) -> None:
    private, public = pair(kind, curve)
    sealed = jwe.Key(public).seal(PLAIN, CTY)
    found = stock.decrypt_compact(sealed, kind.import_key(private))
    assert found.plaintext == PLAIN
    assert found.headers()["cty"] == CTY and found.headers()["kid"] == "k1"
    header = {"alg": "dir" if kind is OctKey else "ECDH-ES", "enc": "A256GCM", "cty": CTY}
    theirs = stock.encrypt_compact(header, PLAIN, kind.import_key(public))
    for token in (sealed, theirs.encode()):
        opened, plain = jwe.unseal(token, [jwe.Key(private)])
        assert (opened["cty"], plain) == (CTY, PLAIN)


@pytest.mark.parametrize(("kind", "curve"), PAIRS)
def test_nobody_else_opens_it_and_nothing_in_it_can_change(kind: Any, curve: str) -> None:
    private, public = pair(kind, curve)
    sealed = jwe.Key(public).seal(PLAIN, CTY)
    for other in PAIRS:
        with pytest.raises(MessageError, match="unopenable"):
            jwe.unseal(sealed, [jwe.Key(pair(*other)[0])])
    pieces = sealed.split(b".")
    for position in (0, 2, 3, 4):
        middle = len(pieces[position]) // 2
        flipped = bytearray(pieces[position])
        flipped[middle] = ord("A") if flipped[middle] != ord("A") else ord("B")
        forged = b".".join([*pieces[:position], bytes(flipped), *pieces[position + 1 :]])
        with pytest.raises(MessageError, match=r"unopenable|not-a-jwe"):
            jwe.unseal(forged, [jwe.Key(private)])


@pytest.mark.parametrize("junk", [b"", b"a.b.c", b"....", b"e30.e30.e30.e30.e30", b"\xff.a.b.c.d"])
def test_junk_is_refused_by_a_word(junk: bytes) -> None:
    with pytest.raises(MessageError, match=r"not-a-jwe|unopenable"):
        jwe.unseal(junk, [jwe.Key(json.loads(jwe.generate("k")))])


def test_a_set_of_keys_opens_what_any_of_them_sealed(tmp_path: Path) -> None:
    old, new = (json.loads(jwe.generate(name)) for name in ("old", "new"))
    path = tmp_path / "keys.jwk"
    path.write_text(json.dumps({"keys": [new, old]}))
    path.chmod(0o600)
    keys = jwe.load(path)
    assert jwe.unseal(jwe.Key(old).seal(PLAIN, CTY), keys)[1] == PLAIN
    assert jwe.unseal(keys[0].seal(PLAIN, CTY), [jwe.Key(new)])[1] == PLAIN
    assert old["k"] not in repr(keys)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"kty": "RSA", "n": "AQAB"}', '{"kty": "oct", "k": "AAAA"}', '{"keys": []}',
     '{"kty": "EC", "crv": "P-521", "x": "AA", "y": "AA"}', '"text"',
     '{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}'],
)  # fmt: skip
def test_what_is_no_key_is_said_so_with_its_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "k.jwk"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"k\.jwk"):
        jwe.load(path)


def test_a_secret_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "k.jwk"
    path.write_text(jwe.generate("k"))
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        jwe.load(path)
    public = OKPKey.generate_key("X25519", private=True).as_dict(private=False)
    path.write_text(json.dumps(public))
    assert not jwe.load(path)[0].opens

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vagus.kernel import keys
from vagus.kernel.errors import ConfigError
from vagus.kernel.keys import Keyset, Unsealable

KEYSET = Keyset.generate()


@given(st.binary(max_size=200), st.binary(max_size=40))
def test_what_is_sealed_opens_in_its_place(plain: bytes, aad: bytes) -> None:
    sealed = KEYSET.seal(plain, aad)
    assert KEYSET.open(sealed, aad) == plain
    assert len(plain) < 8 or plain not in sealed
    with pytest.raises(Unsealable):
        KEYSET.open(sealed, aad + b"x")


@given(st.integers(0, 59), st.integers(1, 255))
def test_every_altered_byte_shows(at: int, by: int) -> None:
    sealed = bytearray(KEYSET.seal(b"y" * 28, b"place"))
    sealed[at] ^= by
    with pytest.raises(Unsealable):
        KEYSET.open(bytes(sealed), b"place")


@pytest.mark.parametrize("length", range(0, 33, 4))
def test_what_is_cut_off_does_not_open(length: int) -> None:
    with pytest.raises(Unsealable):
        KEYSET.open(KEYSET.seal(b"text", b"")[:length], b"")


def test_the_same_text_is_never_sealed_the_same() -> None:
    assert len({KEYSET.seal(b"text", b"") for _ in range(100)}) == 100


def test_rotation_opens_the_old_and_seals_with_the_new() -> None:
    old = secrets.token_bytes(32)
    root = secrets.token_bytes(32)
    before = Keyset(root, {1: old}, 1)
    after = Keyset(root, {1: old, 2: secrets.token_bytes(32)}, 2)
    sealed = before.seal(b"text", b"")
    assert after.open(sealed, b"") == b"text"
    with pytest.raises(Unsealable):
        before.open(after.seal(b"text", b""), b"")
    assert before.derive("identity") == after.derive("identity")
    assert after.ids == [1, 2]


def test_purposes_have_secrets_of_their_own() -> None:
    assert KEYSET.derive("a") == KEYSET.derive("a") != KEYSET.derive("b")
    assert len(KEYSET.derive("a", 12)) == 12
    assert Keyset.generate().derive("a") != KEYSET.derive("a")


def test_no_key_is_in_what_is_shown() -> None:
    data = json.loads(KEYSET.dumps())
    shown = repr(KEYSET) + str(KEYSET)
    assert shown.startswith("Keyset(ids=[1]")
    assert data["root"] not in shown
    assert not any(key in shown for key in data["keys"].values())


def test_a_key_file_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "vagus.key"
    made = keys.create(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert keys.load(path).derive("x") == made.derive("x")
    with pytest.raises(ConfigError, match="cannot be made"):
        keys.create(path)
    for mode in (0o640, 0o604, 0o610):
        os.chmod(path, mode)
        with pytest.raises(ConfigError, match="chmod 600"):
            keys.load(path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"root": "SECRET", "keys": {}, "current": 1}',
        '{"root": "U0VDUkVU", "keys": {"1": "U0VDUkVU"}, "current": 1}',
        '{"root": 5, "keys": {"x": 1}, "current": 1}',
        "[" * 10_000,
    ],
)
def test_a_damaged_key_file_says_nothing_of_itself(tmp_path: Path, text: str) -> None:
    path = tmp_path / "k"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(ConfigError) as caught:
        keys.load(path)
    assert "SECRET" not in str(caught.value)
    assert "U0VD" not in str(caught.value)


def test_a_current_key_that_is_missing_is_said() -> None:
    with pytest.raises(ConfigError, match="current key"):
        Keyset(secrets.token_bytes(32), {1: secrets.token_bytes(32)}, 2)


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_key_file_that_cannot_be_read(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "k"
    if content is not None:
        path.write_bytes(content)
        path.chmod(0o600)
    with pytest.raises(ConfigError, match="cannot be read"):
        keys.load(path)


def test_a_current_id_has_room() -> None:
    wide = Keyset(secrets.token_bytes(32), {(1 << 32) - 1: secrets.token_bytes(32)}, (1 << 32) - 1)
    assert wide.open(wide.seal(b"x", b""), b"") == b"x"

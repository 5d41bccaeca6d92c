from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vagus.canonical.identity import Identity

KEY = bytes(range(32))
PARTS = st.lists(st.text(max_size=6), max_size=4)


def test_the_same_parts_give_the_same_id_and_the_key_matters() -> None:
    first = Identity(KEY).resource_id("Patient", ["urn:oid:1.2.3", "12345"])
    assert Identity(KEY).resource_id("Patient", ("urn:oid:1.2.3", "12345")) == first
    assert Identity(KEY[::-1]).resource_id("Patient", ["urn:oid:1.2.3", "12345"]) != first
    assert Identity(KEY).resource_id("Person", ["urn:oid:1.2.3", "12345"]) != first


def test_ids_do_not_change_between_releases() -> None:
    made = Identity(KEY).resource_id("Patient", ["urn:oid:1.2.3", "12345"])
    assert made == "e5a82db8-1e41-85ac-95d2-5d2df40b5389"


@given(PARTS)
def test_an_id_is_a_uuid_of_version_8(parts: list[str]) -> None:
    text = Identity(KEY).resource_id("Patient", parts)
    parsed = uuid.UUID(text)
    assert str(parsed) == text
    assert parsed.version == 8 and parsed.variant == uuid.RFC_4122


@given(PARTS, PARTS)
def test_different_parts_give_different_ids(first: list[str], second: list[str]) -> None:
    identity = Identity(KEY)
    same = identity.resource_id("A", first) == identity.resource_id("A", second)
    assert same == (first == second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (["a", "b"], ["a\x1fb"]),
        (["a\x1f", "b"], ["a", "\x1fb"]),
        (["a\x1fb", "c"], ["a", "b\x1fc"]),
        ([], [""]),
        (["a"], ["a", ""]),
    ],
)
def test_parts_cannot_be_pushed_together(first: list[str], second: list[str]) -> None:
    identity = Identity(KEY)
    assert identity.resource_id("A", first) != identity.resource_id("A", second)


def test_tokens_have_their_size_and_purpose() -> None:
    identity = Identity(KEY)
    assert len(identity.token("lane", "12345", 8)) == 8
    assert identity.token("lane", "12345") == identity.token("lane", "12345")
    assert identity.token("lane", "12345") != identity.token("pseudonym", "12345")
    assert identity.token("lane", "12345") != identity.token("lane1", "2345")


@pytest.mark.parametrize("key", [b"", b"short", bytes(65)])
def test_a_key_that_is_none_is_refused(key: bytes) -> None:
    with pytest.raises(ValueError, match="identity key"):
        Identity(key)


def test_the_key_shows_nowhere() -> None:
    assert repr(Identity(KEY)) == "Identity()"

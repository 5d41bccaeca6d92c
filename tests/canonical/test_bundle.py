from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vagus.canonical import bundle
from vagus.canonical.validation import Validator
from vagus.kernel.errors import DecodeError

HEADER = {
    "resourceType": "MessageHeader",
    "id": "h",
    "eventUri": "urn:x:y",
    "source": {"endpoint": "urn:x:y"},
}
NOW = "2026-03-04T05:06:07Z"


def patient(**values: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": "p", **values}


def test_the_header_comes_first_and_the_others_keep_their_order() -> None:
    account = {"resourceType": "Account", "id": "a", "status": "active"}
    made = bundle.message_bundle([patient(), account, HEADER], timestamp=NOW)
    assert [entry["fullUrl"] for entry in made["entry"]] == [
        "urn:uuid:h",
        "urn:uuid:p",
        "urn:uuid:a",
    ]
    assert (made["type"], made["timestamp"]) == ("message", NOW)
    assert "identifier" not in made and "id" not in made


def test_it_is_valid_and_identified(
    validator: Validator, admission: Callable[[], dict[str, Any]]
) -> None:
    made = admission()
    assert validator.valid(made)
    assert made["identifier"] == {"system": "urn:x-vagus:mercy:ADT1", "value": "MSG00001"}
    assert list(made) == ["resourceType", "id", "identifier", "type", "timestamp", "entry"]


def test_without_a_header_there_is_no_message() -> None:
    for resources in ([], [patient()]):
        with pytest.raises(ValueError, match="MessageHeader"):
            bundle.message_bundle(resources, timestamp=NOW)


def test_one_resource_given_twice_becomes_one_and_loses_nothing() -> None:
    first = patient(gender="male", name=[{"family": "A"}])
    second = patient(gender="other", birthDate="1980", name=[{"family": "A"}, {"family": "B"}])
    made = bundle.message_bundle([HEADER, first, second], timestamp=NOW)
    assert made["entry"][1:] == [
        {
            "fullUrl": "urn:uuid:p",
            "resource": patient(
                birthDate="1980", gender="male", name=[{"family": "A"}, {"family": "B"}]
            ),
        }
    ]
    assert first == patient(gender="male", name=[{"family": "A"}])


def test_references_to_what_changed_its_id_follow_it() -> None:
    coverage = {
        "resourceType": "Coverage",
        "id": "c",
        "beneficiary": {"reference": "Patient/1"},
        "payor": [{"reference": "Organization/1"}],
    }
    made = bundle.message_bundle(
        [HEADER, patient(), coverage], timestamp=NOW, moved={"Patient/1": "urn:uuid:p"}
    )
    assert made["entry"][2]["resource"]["beneficiary"] == {"reference": "urn:uuid:p"}
    assert made["entry"][2]["resource"]["payor"] == [{"reference": "Organization/1"}]
    assert coverage["beneficiary"] == {"reference": "Patient/1"}


DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, places=None)


@given(DECIMALS)
def test_a_decimal_comes_back_digit_for_digit(value: Decimal) -> None:
    again = bundle.loads(bundle.dumps({"v": value}))["v"]
    assert again == value
    if "." in str(value) or "E" in str(value):
        assert str(again) == str(value)


def test_money_keeps_its_zeros() -> None:
    data = b'{"value":1.10,"big":12345678901234567890.123456789012345678901,"n":-0.00}'
    assert bundle.dumps(bundle.loads(data)) == data


def test_whole_numbers_are_int_and_others_decimal() -> None:
    value = bundle.loads(b'{"a":1,"b":1.0,"c":1e2,"d":9007199254740993}')
    assert value == {"a": 1, "b": Decimal("1.0"), "c": Decimal("1E+2"), "d": 9007199254740993}
    assert isinstance(value["a"], int) and isinstance(value["b"], Decimal)


def test_the_same_bundle_gives_the_same_bytes(admission: Callable[[], dict[str, Any]]) -> None:
    data = bundle.dumps(admission())
    assert bundle.dumps(admission()) == data
    assert bundle.loads(data) == admission()
    assert bundle.dumps(bundle.loads(data)) == data


@pytest.mark.parametrize(
    "value", [Decimal("NaN"), Decimal("-Infinity"), object(), {1, 2}, b"x", {1: 2}]
)
def test_what_json_cannot_hold_is_not_written(value: object) -> None:
    with pytest.raises(TypeError):
        bundle.dumps({"v": value})


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b'{"a":NaN}', "not-a-number"),
        (b'{"a":-Infinity}', "not-a-number"),
        (b'{"a":1,"a":1}', "duplicate-name"),
        (b'{"b":{"a":1,"c":2,"a":3}}', "duplicate-name"),
        (b'{"a":"\\ud800"}', "lone-surrogate"),
        (b'{"\\udc00":1}', "lone-surrogate"),
        (b'{"a":"\xff"}', "not-utf8"),
        (b"", "not-json"),
        (b"{} {}", "not-json"),
        (b'{"a":01}', "not-json"),
        (b"{'a':1}", "not-json"),
        (b'{"a":"\x01"}', "not-json"),
        (b'\xef\xbb\xbf{"a":1}', "not-json"),
        (b'{"a":' + b"9" * 5000 + b"}", "not-json"),
        (b"[]", "not-a-resource"),
        (b'"x"', "not-a-resource"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "too-deep"),
        (b'{"q":"\\"}}}}","a":' + b"[" * 64 + b"]" * 64 + b"}", "too-deep"),
        (b'{"q":"}}}}}}","a":' + b"[" * 64 + b"]" * 64 + b"}", "too-deep"),
        (b"[" * 100_000, "too-deep"),
    ],
)
def test_bad_bytes_are_refused_by_a_word(data: bytes, code: str) -> None:
    with pytest.raises(DecodeError) as caught:
        bundle.loads(data)
    assert caught.value.code == code


def test_the_deepest_that_is_allowed_and_brackets_in_text() -> None:
    assert bundle.loads(b'{"a":' * 64 + b"1" + b"}" * 64)
    assert bundle.loads(b'{"a":"' + b"[{" * 100 + b'"}')
    assert bundle.loads(b'{"a":"\\\\","b":"\\"' + b"[{" * 100 + b'"}')


def test_escaped_pairs_are_text() -> None:
    assert bundle.loads(b'{"a":"\\ud83d\\ude00"}') == {"a": "\U0001f600"}


def test_an_error_holds_nothing_of_the_bytes() -> None:
    for data in (b'{"Zyzzyva":1,"Zyzzyva":2', b'{"Zyzzyva":1,"Zyzzyva":2}', b'"Zyzzyva\xff'):
        with pytest.raises(DecodeError) as caught:
            bundle.loads(data)
        assert "Zyzzyva" not in repr(caught.value) + str(caught.value)
        assert caught.value.__cause__ is None and caught.value.__context__ is None

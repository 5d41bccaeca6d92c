from __future__ import annotations

import pytest

from vagus.formats.format import Answer, Terms, Verdict
from vagus.kernel.errors import DecodeError, EngineFault


def head(kind: str = "ADT^A01", control: str = "1", processing: str = "P", version: str = "2.5"):
    return f"MSH|^~\\&|A||||||{kind}|{control}|{processing}|{version}\r"


@pytest.mark.parametrize(
    ("text", "terms", "expected"),
    [
        (head(), Terms(), None),
        (head("ADT^A40^ADT_A39"), Terms(), None),
        (head("ORU^R01"), Terms(), None),
        (head("ZZZ^Z99"), Terms(), None),
        (head("ADT^Z01"), Terms(), None),
        (head("ACK"), Terms(), None),
        (head(version="2.3.1^USA"), Terms(), None),
        (head(processing="T"), Terms(), None),
        (head(processing="P^A"), Terms(processing="P"), None),
        (head(), Terms(versions=("2.3", "2.5")), None),
        (head(""), Terms(), ("rejected", "200", "MSH-9.1")),
        (head("QQQ^A01"), Terms(), ("rejected", "200", "MSH-9.1")),
        (head("adt^a01"), Terms(), ("rejected", "200", "MSH-9.1")),
        (head("ADT"), Terms(), ("rejected", "201", "MSH-9.2")),
        (head("ADT^A57"), Terms(), ("rejected", "201", "MSH-9.2")),
        (head("ADT^S12"), Terms(), ("rejected", "201", "MSH-9.2")),
        (head("SIU^S25"), Terms(), ("rejected", "201", "MSH-9.2")),
        (head(version=""), Terms(), ("rejected", "203", "MSH-12")),
        (head(version="3.0"), Terms(), ("rejected", "203", "MSH-12")),
        (head(version="two"), Terms(), ("rejected", "203", "MSH-12")),
        (head(version="2.3"), Terms(versions=("2.5",)), ("rejected", "203", "MSH-12")),
        (head(processing="T"), Terms(processing="P"), ("rejected", "202", "MSH-11")),
        (head(processing=""), Terms(processing="P"), ("rejected", "202", "MSH-11")),
        (head(control=""), Terms(), ("error", "101", "MSH-10")),
        (head(control='""'), Terms(), ("error", "101", "MSH-10")),
    ],
)
def test_what_an_endpoint_cannot_take(hl7, text, terms, expected):
    found = hl7.objection(hl7.decode(text.encode(), terms), terms)
    assert found == (expected and Answer(Verdict(expected[0]), *expected[1:]))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", ("rejected", "100", "MSH")),
        (b"MSH|abcd|", ("rejected", "102", "MSH-2")),
        (b"MSH|^~\\&|\xff\r", ("error", "102", "MSH-18")),
        (b"MSH|^~\\&|A\rnot a segment\r", ("error", "100", "segment 2")),
    ],
)
def test_what_unreadable_bytes_are_told(hl7, body, expected):
    with pytest.raises(DecodeError) as caught:
        hl7.decode(body, Terms())
    assert hl7.refusal(caught.value) == Answer(Verdict(expected[0]), *expected[1:])


def test_anything_else_is_our_own_fault(hl7):
    assert hl7.refusal(EngineFault()) == Answer(Verdict.REJECTED, "207")
    assert hl7.refusal(DecodeError("novel", "PID-3")).code == "207"

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vagus.formats.format import Answer, Stage, Terms, Verdict
from vagus.formats.hl7v2 import HL7V2
from vagus.formats.hl7v2.escapes import unescape_counting
from vagus.formats.hl7v2.separators import DEFAULT
from vagus.kernel.errors import DecodeError

BIG = 2_000_000
HEAD = "MSH|^~\\&|EHR||||||ADT^A01|1|P|2.5\r"


@pytest.mark.parametrize("mark", ["~", "^", "&", "\\", "\\X", "\\.br", "\\X41\\", "\\XC3\\", "A"])
def test_floods_inside_a_field_are_read_in_linear_time(decode, mark):
    message = decode(f"{HEAD}PID|1||{mark * (BIG // len(mark))}\r")
    assert isinstance(message.get("PID-3(2).2.2"), str)
    assert isinstance(message.get("PID-3"), str)


@pytest.mark.parametrize("flood", ["|" * BIG, "\rPID" * (BIG // 2)])
def test_floods_of_fields_and_segments_are_refused(decode, flood):
    with pytest.raises(DecodeError, match="too-many-fields"):
        decode(f"{HEAD}PID|1{flood}\r")


@pytest.mark.parametrize(
    "flood", ["\r", "\n", " ", "\r \r", "M", "\rMSH", "\rMSH|^~\\&", "\rBHS|^~\\&"]
)
def test_splitting_floods_is_linear(hl7, flood):
    frame = (HEAD + flood * (BIG // 4 // len(flood))).encode()
    assert b"".join(hl7.split(frame)).startswith(HEAD.encode())


def test_splitting_a_flood_of_trailers_is_linear(hl7):
    with pytest.raises(DecodeError, match="batch-count"):
        hl7.split((HEAD + "BTS|1\r" * (BIG // 8)).encode())


def test_answering_unreadable_floods_is_linear(hl7):
    refused = Answer(Verdict.REJECTED, "100", "MSH")
    for body in (b"\r" * BIG, b"MSH" * BIG, b"\rMSH" * (BIG // 4), b"MSH|" + b"A" * BIG):
        assert hl7.reply(body, None, refused, Stage.STORED, "R1", 0.0).endswith(b"|E\r")


def test_an_unterminated_escape_in_a_long_text_is_found_once():
    text, unknown = unescape_counting("A" * BIG + "\\" + "B" * BIG, DEFAULT)
    assert len(text) == 2 * BIG + 1 and unknown == 1


heads = st.sampled_from(
    [b"", b"MSH|^~\\&|", HEAD.encode(), b"MSH*:+/%*", b"\xef\xbb\xbfMSH|^~\\&|"]
)
tails = st.binary(max_size=80) | st.text("|^~\\&\r\nMSHBTP ID1X.br", max_size=80).map(str.encode)


@given(heads, tails, st.sampled_from(["", "8859/1", "BIG-5", "ISO IR87", "ASCII"]))
def test_any_bytes_are_read_or_refused_and_answered(head, tail, charset):
    hl7, terms = HL7V2(), Terms(charset=charset)
    try:
        bodies = hl7.split(head + tail)
    except DecodeError:
        return
    for body in bodies:
        message = None
        try:
            message = hl7.decode(body, terms)
            answer = hl7.objection(message, terms) or Answer(Verdict.ACCEPTED)
            hl7.lane_keys(message)
        except DecodeError as error:
            answer = hl7.refusal(error)
        sent = hl7.reply(body, message, answer, Stage.STORED, "R", 0.0)
        assert sent is None or (sent.startswith(b"MSH") and sent.count(b"\r") in (2, 3))

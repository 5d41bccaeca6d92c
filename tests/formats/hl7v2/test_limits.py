from __future__ import annotations

import pytest

from vagus.formats.format import Answer, Stage, Verdict
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

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vagus.formats.format import Terms
from vagus.formats.hl7v2.escapes import unescape
from vagus.formats.hl7v2.message import State
from vagus.formats.hl7v2.reader import decode
from vagus.formats.hl7v2.separators import DEFAULT, Separators
from vagus.formats.hl7v2.writer import NULL, write
from vagus.kernel.errors import MessageError

MSH = ["MSH", "|", "^~\\&", "A", "B", "C", "D", "2026", "", [["ADT", "A01"]], "1", "P", "2.5"]


def test_writes_every_level():
    body = write([MSH, ["PID", "1", "", [["7", "", "", ["H", "1.2", "ISO"]], "8"], "", NULL, ""]])
    assert body == (b'MSH|^~\\&|A|B|C|D|2026||ADT^A01|1|P|2.5\rPID|1||7^^^H&1.2&ISO~8||""\r')
    message = decode(body, Terms())
    assert message.get("PID-3.4.2") == "1.2" and message.state("PID-5") is State.NULL


def test_values_open_no_field_and_no_segment():
    evil = 'x|y^z~q&\\F\\\rOBX|1|\nZZZ|\x0b\x1c\r""'
    message = decode(write([MSH, ["NTE", "1", "", evil], ["PV1", "1"]]), Terms())
    assert [segment[0] for segment in message.segments] == ["MSH", "NTE", "PV1"]
    assert message.get("NTE-3") == evil and len(message.first("NTE")) == 4


def test_delimiters_of_the_receiver_are_used():
    others = Separators("*", ":", "+", "/", "%", "!")
    body = write([MSH, ["PID", "1", "", [["a:b", ["c", "d*"]], "e!"]]], others)
    assert body.endswith(b"\rPID*1**a/S/b:c%d/F/+e/P/\r") and body.startswith(b"MSH*:+/%!*A")


def test_the_charset_of_the_receiver_is_used():
    assert b"Andr\xe9" in write([MSH, ["PID", "André"]], charset="iso8859-1")
    with pytest.raises(MessageError) as caught:
        write([MSH, ["PID", "日本"]], charset="iso8859-1")
    assert (caught.value.code, caught.value.where) == ("charset", "PID")
    assert caught.value.__cause__ is None and "日" not in str(caught.value)


@pytest.mark.parametrize(
    ("segment", "separators", "code", "where"),
    [
        ([], DEFAULT, "segment-name", "segment 2"),
        (["pid"], DEFAULT, "segment-name", "segment 2"),
        (["PID\rX"], DEFAULT, "segment-name", "segment 2"),
        ([["PID"]], DEFAULT, "segment-name", "segment 2"),
        (["PID", "1", [[[["too"]]]]], DEFAULT, "cannot-escape", "PID-2"),
        (["PID", "a|b"], Separators(escape=""), "cannot-escape", "PID-1"),
        (["PID", [[["a", "b"]]]], Separators(subcomponent=""), "cannot-escape", "PID-1"),
    ],
)
def test_what_cannot_be_written_is_refused_with_its_place(segment, separators, code, where):
    with pytest.raises(MessageError) as caught:
        write([MSH, segment], separators)
    assert (caught.value.code, caught.value.where) == (code, where)


leaves = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    ["|", "^~\\&", "\r", '""', "\\F\\", "\\X0D\\", "\\", "a\nb", "\x1c\r"]
)
fields = st.lists(
    st.lists(st.lists(leaves, min_size=1, max_size=3), min_size=1, max_size=3),
    min_size=1,
    max_size=3,
)
segments = st.lists(
    st.tuples(st.sampled_from(["PID", "NTE", "ZZ1"]), st.lists(fields, max_size=4)), max_size=4
)


@given(segments)
def test_what_is_written_is_read_back_the_same(model):
    body = write([MSH, *([name, *values] for name, values in model)])
    message = decode(body, Terms())
    assert len(message.segments) == 1 + len(model)
    for segment, (name, values) in zip(message.segments[1:], model, strict=True):
        assert segment[0] == name
        assert _trimmed([_read(raw) for raw in segment[1:]]) == _trimmed(values)


def _read(raw: str) -> list[list[list[str]]]:
    return [
        [[unescape(leaf, DEFAULT) for leaf in part.split("&")] for part in repetition.split("^")]
        for repetition in raw.split("~")
    ]


def _trimmed(value):
    """The value without what is empty at the end of each level, which ER7 does not keep."""
    if isinstance(value, str):
        return value
    parts = [_trimmed(part) for part in value]
    while parts and not parts[-1]:
        parts.pop()
    return parts

from __future__ import annotations

import pytest

from vagus.formats.hl7v2.message import State, getter
from vagus.kernel.errors import DecodeError


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("MSH-1", "|"),
        ("MSH-2", "^~\\&"),
        ("MSH-3", "EHR"),
        ("MSH-9.2", "A01"),
        ("MSH-12", "2.5.1"),
        ("PID-3", "12345"),
        ("PID-3.1", "12345"),
        ("PID-3.4", "MERCY"),
        ("PID-3.4.1", "MERCY"),
        ("PID-3.4.2", "1.2.3"),
        ("PID-3.4.9", ""),
        ("PID-3(2).1", "999"),
        ("PID-3(2).4.1", "STATE"),
        ("PID-3(3).1", ""),
        ("PID-5", "O&Neil"),
        ("PID-5(2).1", "Smith"),
        ("PID-7", "19800102"),
        ("PID-7.1.1", "19800102"),
        ("PID-7.2", ""),
        ("PID-7(2)", ""),
        ("PID-11.1.2", "Main"),
        ("PID-11.2", ""),
        ("PID-13", ""),
        ("PID-13.4", ""),
        ("PID-99", ""),
        ("IN1-3", "PAYER1"),
        ("IN1", "IN1"),
        ("ZZZ", ""),
        ("ZZZ-1", ""),
    ],
)
def test_reads_the_first_value_at_a_path(decode, adt, path, value):
    assert decode(adt).get(path) == value


@pytest.mark.parametrize(
    ("path", "state"),
    [
        ("PID-5.1", State.VALUE),
        ("PID-6", State.ABSENT),
        ("PID-90", State.ABSENT),
        ("NK1-2", State.ABSENT),
        ("PID-11.2", State.NULL),
        ("PID-13", State.NULL),
        ("PID-13.4", State.NULL),
        ("PID-13(2)", State.ABSENT),
    ],
)
def test_tells_absent_null_and_value_apart(decode, adt, path, state):
    assert decode(adt).state(path) is state


@pytest.mark.parametrize(
    "path",
    [
        *("", "pid-3", "PID-", "PID-0", "PID-3.0", "PID-3()", "PID-3[2]", "PID3", "PID-3.1.1.1"),
        *("PIDX-3", "PID-3(0)", "IN1/IN2-3", " PID-3", "PID-3\n", "PID-" + "9" * 5000),
    ],
)
def test_a_bad_path_is_refused_when_compiled(path):
    with pytest.raises(ValueError, match="is not a place"):
        getter(path)


def test_header_facts(decode, adt):
    message = decode(adt)
    assert (message.type, message.code, message.trigger) == ("ADT^A01", "ADT", "A01")
    assert (message.structure, message.version, message.processing) == ("ADT_A01", "2.5.1", "P")
    assert (message.control, message.sender, message.charset) == ("C-1", "EHR|MERCY", "utf-8")
    assert message.has_escapes and message.has_nulls
    assert "Neil" not in repr(message) and "12345" not in repr(message)


@pytest.mark.parametrize(
    ("msh9", "kind", "structure"),
    [
        ("ADT^A04", "ADT^A04", "ADT_A01"),
        ("ADT^A04^ADT_A04", "ADT^A04", "ADT_A01"),
        ("SIU^S26^SIU_S26", "SIU^S26", "SIU_S12"),
        ("ADT^A47", "ADT^A47", "ADT_A30"),
        ("ACK", "ACK", "ACK"),
        ("ACK^A01", "ACK^A01", "ACK"),
        ("OML^O21^OML_O21", "OML^O21", "OML_O21"),
        ("ZZZ^Z01", "ZZZ^Z01", ""),
        ("", "unknown", ""),
        ("adt^a01", "unknown", ""),
        ("John Smith^A01", "unknown", ""),
        ("ADT^<script>", "unknown", ""),
        ("A" * 90, "unknown", ""),
    ],
)
def test_the_type_is_made_of_safe_words_and_the_trigger_decides_the_structure(
    decode, msh9, kind, structure
):
    message = decode(f"MSH|^~\\&|||||||{msh9}|1|P|2.5\r")
    assert (message.type, message.structure) == (kind, structure)


def test_a_version_that_cannot_be_one_is_not_repeated(decode):
    assert decode("MSH|^~\\&||||||||1|P|Smith^USA\r").version == "unknown"
    assert decode("MSH|^~\\&||||||||1|P|2.5^USA\r").version == "2.5"
    assert decode("MSH|^~\\&||||||||1|P\r").version == ""


def test_a_message_declares_its_own_delimiters(decode):
    message = decode("MSH*:+/%*EHR***\rPID*1**7:::H%1.2%ISO+8::: /S/ | ^\r")
    assert message.separators[:5] == ("*", ":", "+", "/", "%")
    assert message.get("PID-3.4.2") == "1.2"
    assert message.get("PID-3(2).4") == " : | ^"


def test_fewer_encoding_characters_leave_the_others_as_text(decode):
    message = decode("MSH|^~|EHR\rPID|1||A&B\\T\\^x\r")
    assert message.separators == ("|", "^", "~", "", "", "")
    assert message.get("PID-3.1") == "A&B\\T\\" and message.get("PID-3.2") == "x"
    assert message.has_escapes is False


def test_the_truncation_character_is_the_fifth(decode):
    message = decode("MSH|^~\\&#|EHR\rPID|1||A\\P\\B\r")
    assert message.separators.truncation == "#" and message.get("PID-3") == "A#B"


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", "\r\n\r\n"])
def test_line_ends_are_tolerated(decode, adt, end):
    other = adt.replace(b"\r", end.encode())
    assert decode(other).segments == decode(adt).segments


def test_segments_hold_raw_fields_by_number(decode, adt):
    message = decode(adt)
    assert message.segments[0][:4] == ["MSH", "|", "^~\\&", "EHR"]
    assert message.segments[0][12] == "2.5.1" and len(message.segments[0]) == 13
    assert message.first("PID")[5] == "O\\T\\Neil^Ann^Q~Smith^Ann"
    assert [segment[2] for segment in message.all("IN1")] == ["PLAN1", "PLAN2"]
    assert message.first("OBX") is None and message.all("OBX") == []


@pytest.mark.parametrize(
    ("body", "code", "where"),
    [
        (b"", "no-msh", "MSH"),
        (b"\r\n", "no-msh", "MSH"),
        (b"PID|1\r", "no-msh", "MSH"),
        (b"FHS|^~\\&\r", "no-msh", "MSH"),
        (b"MSH", "separators", "MSH-1"),
        (b"MSH\rPID|1", "separators", "MSH-1"),
        (b"MSHA^~\\&A", "separators", "MSH-1"),
        (b"MSH ^~\\& X", "separators", "MSH-1"),
        (b"MSH||EHR|", "separators", "MSH-2"),
        (b"MSH|", "separators", "MSH-2"),
        (b"MSH|abcd|EHR", "separators", "MSH-2"),
        (b"MSH|^^\\&|EHR", "separators", "MSH-2"),
        (b'MSH|^~\\"|EHR', "separators", "MSH-2"),
        (b"MSH|^~\\&#!|EHR", "separators", "MSH-2"),
        (b"MSH|^~\\&#!%$@*|EHR", "separators", "MSH-2"),
        (b"MSH|^~\\&|A\rJohn was here\r", "segment-name", "segment 2"),
        (b"MSH|^~\\&|A\rPID|1\rpv1|1\r", "segment-name", "segment 3"),
        (b"MSH|^~\\&|A\rNTE|1||one\ntwo\r", "segment-name", "segment 3"),
        (b"MSH|^~\\&|A\rMSH|^~\\&|B\r", "several-messages", "segment 2"),
        (b"MSH|^~\\&|A\rBTS|1\r", "several-messages", "segment 2"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(decode, body, code, where):
    with pytest.raises(DecodeError) as caught:
        decode(body)
    assert (caught.value.code, caught.value.where) == (code, where)


def test_unknown_segments_and_blank_lines_do_no_harm(decode):
    message = decode("\r\nMSH|^~\\&|A\r\rZPI|1||gold\r \t\r\x1a\r")
    assert [segment[0] for segment in message.segments] == ["MSH", "ZPI"]
    assert message.get("ZPI-3") == "gold"


def test_two_quotes_written_as_text_are_a_value(decode):
    message = decode('MSH|^~\\&|A\rNTE|1||\\X22\\\\X22\\|""\r')
    assert message.get("NTE-3") == '""' and message.state("NTE-3") is State.VALUE
    assert message.get("NTE-4") == "" and message.state("NTE-4") is State.NULL

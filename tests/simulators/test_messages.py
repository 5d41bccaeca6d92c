"""Numbering anew, telling patients apart, sharing out: what keeps the story in order."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from vagus.simulators.messages import Message, control, field, read, renumbered, shares, wire

ADT = (
    b"MSH|^~\\&|A|B|C|D|20261006090005-0500||ADT^A04^ADT_A01|X1|P|2.5.1\rPID|1||7^^^H^MR~8^^^S^SS\r"
)


def test_renumbering_changes_the_control_id_and_the_time_and_nothing_else() -> None:
    changed = renumbered(ADT, "-ab-3", 1_800_000_000)
    assert control(changed) == b"X1-ab-3"
    assert field(changed, 6) == b"20270115080000+0000"
    assert (
        changed.replace(b"X1-ab-3", b"X1").replace(b"20270115080000+0000", b"20261006090005-0500")
        == ADT
    )


def test_every_message_of_a_batch_is_renumbered_and_its_envelope_is_not() -> None:
    batch = b"FHS|^~\\&|A|||||||F1\r" + ADT + ADT.replace(b"X1", b"X2") + b"FTS|1\r"
    changed = renumbered(batch, "-m", 0)
    assert b"|X1-m|" in changed and b"|X2-m|" in changed and b"|F1\r" in changed


def test_a_time_without_offset_is_left_to_the_zone_of_the_receiver() -> None:
    assert field(renumbered(ADT.replace(b"-0500", b""), "-m", 0), 6) == b"20261006090005"


def test_what_has_no_header_or_no_control_id_stays_as_it_is() -> None:
    for body in (b"", b"PID|1", b"MSH", b"MSH|^~\\&|A", ADT.replace(b"|X1|", b"||")):
        assert control(renumbered(body, "-m", 0)) == b""
    assert renumbered(b"not HL7 at all", "-m", 0) == b"not HL7 at all"


@given(st.binary(max_size=200))
def test_any_bytes_can_be_renumbered(data: bytes) -> None:
    for body in (data, b"MSH" + data, b"MSH|" + data):
        assert renumbered(body, "", 0).count(b"\r") == body.count(b"\r")


def test_files_go_out_with_segments_ended_by_cr(tmp_path: Path) -> None:
    (tmp_path / "a.hl7").write_bytes(ADT.replace(b"\r", b"\r\n"))
    (tmp_path / "b.hl7").write_bytes(ADT.replace(b"\r", b"\n").replace(b"PID|1||7", b"PID|1||9"))
    first, second = read([tmp_path / "a.hl7", tmp_path / "b.hl7"])
    assert first == Message(ADT, "ADT", (b"7",))
    assert second.patients == (b"9",)
    assert wire(b"a\rb") == b"a\rb"


def test_patients_are_found_under_any_delimiters(tmp_path: Path) -> None:
    other = ADT.translate(bytes.maketrans(b"|^~&", b"#@*!"))
    assert other.startswith(b"MSH#@*\\!")
    (tmp_path / "a.hl7").write_bytes(other)
    [message] = read([tmp_path / "a.hl7"])
    assert message == Message(other, "ADT", (b"7",))


def test_all_of_one_patient_travels_on_one_connection_in_order() -> None:
    stories = [(b"a",), (b"b",), (b"c",), (b"b",), (b"a", b"c"), (b"c",), (b"d",), ()]
    messages = [Message(b"%d" % at, "ADT", patients) for at, patients in enumerate(stories)]
    parts = shares(messages, 3)
    assert sorted(m.body for part in parts for m in part) == [b"%d" % at for at in range(8)]
    bodies = [[message.body for message in part] for part in parts]
    assert all(part == sorted(part) for part in bodies)
    merged = next(part for part in bodies if b"4" in part)
    assert {b"0", b"2", b"4", b"5"} <= set(merged)
    assert any({b"1", b"3"} <= set(part) for part in bodies)

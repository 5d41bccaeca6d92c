from __future__ import annotations

from pathlib import Path

import pytest
from cli.given import adt

FIELDS = {
    "format", "version", "type", "event", "control_id", "sender", "receiver", "bytes", "findings"
}  # fmt: skip


def test_a_message_is_one_json_line(call, message):
    done = call("inspect", message)
    assert done.code == 0 and done.err == ""
    (line,) = done.lines
    assert line == {
        "format": "hl7v2",
        "version": "2.5.1",
        "type": "ADT^A04",
        "event": "encounter.registered",
        "control_id": "C1",
        "sender": "EHR|RIVER",
        "receiver": "VAGUS|HUB",
        "bytes": len(adt()),
        "findings": [],
    }


def test_standard_input_through_a_pipe(shell):
    done = shell("inspect", "-", stdin=adt("A") + adt("B"))
    assert done.code == 0
    assert [line["control_id"] for line in done.lines] == ["A", "B"]


def test_mllp_frames_are_taken_off(shell):
    framed = b"".join(b"\x0b" + adt(name) + b"\x1c\r" for name in "XYZ")
    done = shell("inspect", "-", stdin=framed)
    assert [line["control_id"] for line in done.lines] == ["X", "Y", "Z"]
    assert [line["bytes"] for line in done.lines] == [len(adt("X"))] * 3


def test_a_batch_is_opened(call, tmp_path: Path):
    batch = tmp_path / "batch.hl7"
    batch.write_bytes(b"FHS|^~\\&\rBHS|^~\\&\r" + adt("1") + adt("2") + b"BTS|2\rFTS|1\r")
    assert [line["control_id"] for line in call("inspect", batch).lines] == ["1", "2"]


@pytest.mark.parametrize(
    ("content", "code", "where"),
    [
        (b"MSH|^~\\&|A|B|C|D|2026||ADT^A04||P|2.5\r", "hl7-101", "MSH-10"),
        (b"MSH|^~\\&|A|B|C|D|2026||ADT^A99|1|P|2.5\r", "hl7-201", "MSH-9.2"),
        (b"MSH|^~\\&|A|B|C|D|2026||ADT^A04|1|P|9.9\r", "hl7-203", "MSH-12"),
        (b"PID|1||5\r", "no-msh", "MSH"),
        (b"BHS|^~\\&\r" + adt() + b"BTS|7\r", "batch-count", "BTS-1"),
        (b'{"resourceType": "Patient"}', "unsupported-format", ""),
    ],
)
def test_what_is_wrong_has_a_code_and_a_place(call, tmp_path, content, code, where):
    path = tmp_path / "wrong"
    path.write_bytes(content)
    done = call("inspect", path)
    assert done.code == 1
    (line,) = done.lines
    assert line.keys() == FIELDS
    (finding,) = line["findings"]
    assert (finding["severity"], finding["code"], finding["where"]) == ("error", code, where)
    assert finding["text"]


def test_one_bad_message_does_not_hide_the_others(call, tmp_path):
    path = tmp_path / "mixed.hl7"
    path.write_bytes(adt("1") + adt("2").replace(b"ADT^A04^ADT_A01", b"ADT^A99") + adt("3"))
    done = call("inspect", path)
    assert done.code == 1
    assert [bool(line["findings"]) for line in done.lines] == [False, True, False]


def test_as_text_it_is_columns(call, message):
    done = call("inspect", "--format", "text", message)
    head, row = done.out.splitlines()
    assert head.split()[0] == "FORMAT" and "ADT^A04" in row
    assert "MARKED-NAME" not in done.out

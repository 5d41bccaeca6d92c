"""X12 on the command line: what a file holds, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from formats.x12.samples import BODIES, interchange

COLUMNS = {
    "format", "version", "type", "event", "control_id", "sender", "receiver", "bytes", "findings"
}  # fmt: skip


@pytest.fixture
def given(tmp_path: Path):
    def write(content: bytes) -> Path:
        path = tmp_path / "file.x12"
        path.write_bytes(content)
        return path

    return write


def test_an_interchange_is_one_json_line(call, given):
    content = interchange("270", copies=3)
    done = call("inspect", given(content))
    (line,) = done.lines
    assert done.code == 0 and done.err == ""
    assert line == {
        "format": "x12",
        "version": "005010X279A1",
        "type": "270",
        "event": "eligibility.requested",
        "control_id": "000000012",
        "sender": "ZZ/RIVERSIDE",
        "receiver": "ZZ/PAYER",
        "bytes": len(content.rstrip()),
        "findings": [],
    }


def test_each_interchange_is_a_line_and_standard_input_is_read(shell):
    done = shell("inspect", "-", stdin=interchange("271") + interchange("835"))
    assert [line["type"] for line in done.lines] == ["271", "835"]
    assert all(set(line) == COLUMNS for line in done.lines)


def test_inspect_tells_of_service_segments_and_validate_of_everything(call, given):
    path = given(interchange("270").replace(b"IEA*1*", b"IEA*2*").replace(b"DMG*D8", b"DMG*D9"))
    (line,) = call("inspect", path).lines
    assert [item["code"] for item in line["findings"]] == ["iea-count"]
    done = call("validate", path)
    assert done.code == 1
    assert [item["code"] for item in done.lines] == ["bad-code", "iea-count"]


def test_findings_have_a_level_and_a_place_and_no_value(call, given):
    path = given(interchange("270").replace(b"*19800102*F", b"*19809902*Q"))
    done = call("validate", path)
    where = "ISA 000000012, GS 7, ST 0001, segment 17, 2100C/DMG"
    assert [(item["level"], item["code"], item["where"]) for item in done.lines] == [
        (1, "bad-date", f"{where}-02"),
        (2, "bad-code", f"{where}-03"),
    ]
    keys = {"message", "severity", "code", "level", "where", "text"}
    assert all(set(item) == keys for item in done.lines)
    assert "19809902" not in done.out and "MARKED" not in done.out


@pytest.mark.parametrize("transaction", BODIES)
def test_clean_files_validate(call, given, transaction):
    done = call("validate", given(interchange(transaction)))
    assert (done.code, done.out, done.err) == (0, "", "")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"ISA*00*          *00*", "no-interchange"),
        (interchange("270")[:400], "se-missing"),
        (interchange("270").replace(b"*", b"A"), "no-interchange"),
        (b"UNA:+.? 'UNB+UNOA:1+A+B+260105:1030+1'", "edifact"),
    ],
)
def test_bad_files_are_told_without_a_traceback(call, given, content, code):
    for verb in ("inspect", "validate"):
        done = call(verb, given(content))
        assert done.code == 1 and "Traceback" not in done.err
        assert code in done.out and "MARKED" not in done.out


def test_text_is_for_people(call, given):
    path = given(interchange("835").replace(b"IEA*1*", b"IEA*2*"))
    assert "iea-count" in call("inspect", "--format", "text", path).out
    assert "IEA-01" in call("validate", "--format", "text", path).out


def test_no_acknowledgement_is_claimed(call, given):
    done = call("validate", "--ack", given(interchange("270")))
    assert done.code == 2 and "HL7 v2 only" in done.err

"""`vagus map --loss` over many messages: what a new feed would lose, at one glance."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli.given import adt

CORPORA = Path(__file__).parents[3] / "shared/corpora"


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    """Four messages in three files of a folder: two with a ZZZ, one nobody maps."""
    folder = tmp_path / "feed"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.hl7").write_bytes(adt("1") + adt("2") + b"ZZZ|1|MARKED-NAME\r")
    changed = adt("3").replace(b"ADT^A04", b"ADT^A08") + b"ZZZ|1|MARKED-NAME\r"
    (folder / "deep/b.hl7").write_bytes(changed)
    (folder / "c.hl7").write_bytes(adt("4").replace(b"ADT^A04^ADT_A01", b"ORU^R01^ORU_R01"))
    (folder / ".hidden").write_bytes(b"not looked at")
    return folder


def test_each_field_once_with_its_count_types_and_a_place(call, feed):
    done = call("map", "--loss", "--format", "json", feed)
    assert done.code == 1  # one message is mapped by nothing
    rows = {f"{row['segment']}-{row['field']}": row for row in done.lines}
    assert rows["ZZZ-2"] == {
        "segment": "ZZZ",
        "field": 2,
        "name": None,
        "messages": 2,
        "of": 3,
        "types": {"ADT^A04": 1, "ADT^A08": 1},
        "file": str(feed / "a.hl7"),
        "message": 2,
        "reason": None,
    }
    left = rows["MSH-12"]
    assert (left["name"], left["messages"], left["types"]) == (
        "version id",
        3,
        {"ADT^A04": 2, "ADT^A08": 1},
    )
    assert "travels" in left["reason"]
    reasons = [bool(row["reason"]) for row in done.lines]
    assert reasons == sorted(reasons), "what is lost comes first"
    assert "MARKED-NAME" not in done.out + done.err


def test_findings_are_counted_too(call, feed):
    findings = call("map", "--loss", "--format", "json", feed).findings
    error = findings[0]
    assert (error["code"], error["types"], error["messages"]) == ("no-mapping", {"ORU^R01": 1}, 1)
    assert error["file"] == str(feed / "c.hl7")
    (unknown,) = [item for item in findings if item["where"] == "PID-3.4"]
    assert (unknown["severity"], unknown["messages"]) == ("warning", 3)


def test_for_people_it_is_tables(call, feed):
    done = call("map", "--loss", feed)
    lines = done.out.splitlines()
    assert lines[0] == f"4 messages in 3 files of {feed}: 3 mapped, 1 not mapped"
    (row,) = [line for line in lines if line.startswith("ZZZ-2 ")]
    assert "67 %" in row and "ADT^A04 1, ADT^A08 1" in row and row.endswith("a.hl7#2")
    assert done.err == ""


def test_several_files_and_one_file_as_text_are_a_table_too(call, feed):
    both = call("map", "--loss", feed / "a.hl7", feed / "deep/b.hl7")
    assert both.code == 0 and "3 messages in 2 files" in both.out
    one = call("map", "--loss", "--format", "text", feed / "a.hl7")
    assert "2 messages in 1 file:" in one.out and "ZZZ-2" in one.out


def test_the_bundles_of_a_folder_name_the_file_of_each_finding(call, feed):
    done = call("map", feed)
    assert done.code == 1 and len(done.lines) == 3
    assert {item["file"] for item in done.findings} == {str(p) for p in feed.rglob("*.hl7")}


def test_an_empty_folder_and_what_does_not_go_together(call, tmp_path):
    done = call("map", "--loss", tmp_path)
    assert done.code == 1 and done.out.startswith("0 messages in 0 files")
    assert call("map", "--loss", "--trace", tmp_path).code == 2
    assert call("map", tmp_path / "nowhere").code == 2


@pytest.mark.skipif(not CORPORA.is_dir(), reason="the corpora are not here")
def test_a_folder_of_real_messages(call):
    done = call("map", "--loss", "--format", "json", CORPORA / "hl7-microsoft-fhir-converter")
    assert done.code in (0, 1)
    assert len(done.lines) > 20
    assert all(row["messages"] >= 1 and row["message"] >= 1 for row in done.lines)
    assert all(Path(row["file"]).is_file() for row in done.lines)

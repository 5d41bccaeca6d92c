"""Every published X12 file: read without a fault of ours, with the verdict that the table says."""

from __future__ import annotations

from pathlib import Path

from formats.x12.corpora_table import files, rows

TABLE = Path(__file__).with_name("corpora.txt")
#: What we have no guide for: 4010, enrolment, attachments, and the acknowledgement before 999.
_NO_GUIDE = ("version-unknown", "set-unsupported")


def table() -> list[list[str]]:
    return [line.split(" | ") for line in TABLE.read_text("utf-8").splitlines()]


def test_the_table_is_what_is_read_today(corpora: Path) -> None:
    assert [row.rstrip() for row in rows(corpora)] == [
        row.rstrip() for row in TABLE.read_text("utf-8").splitlines()
    ]
    assert len(files(corpora)) == len(table()) > 130


def test_what_publishers_call_broken_is_rejected() -> None:
    broken = [row for row in table() if row[1] == "invalid"]
    assert len(broken) >= 11
    assert all(row[2] == "rejected" for row in broken), broken


def test_what_publishers_call_valid_is_accepted_or_has_a_reason() -> None:
    valid = [row for row in table() if row[1] == "valid" and not row[3].startswith(_NO_GUIDE)]
    accepted = [row for row in valid if row[2] == "accepted"]
    assert len(accepted) >= 50
    assert all(row[3] for row in valid if row[2] == "rejected")

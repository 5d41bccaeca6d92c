"""The register of official rows that the library follows in another way, or not at all, and why."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from map_conformance.matching import implementing
from map_conformance.official import Row, datatype_sheets, rows, segment_sheets

FILE = Path(__file__).with_name("register.yaml")
IMPLEMENTED, DIFFERENT, NOT_CARRIED, MISSING = "implemented", "different", "not carried", "missing"
STATES = (IMPLEMENTED, DIFFERENT, NOT_CARRIED, MISSING)


@dataclass(frozen=True)
class Entry:
    """Fields of some tables (all of a table for `*`) whose rows are not followed, with a reason."""

    state: str
    reason: str
    fields: tuple[tuple[str, str], ...]  # table, field

    def covers(self, row: Row) -> bool:
        """Whether it speaks of a row."""
        return (row.sheet, row.place) in self.fields or (row.sheet, "*") in self.fields


@cache
def entries() -> tuple[Entry, ...]:
    """The register as written."""
    return tuple(
        Entry(
            item["state"],
            " ".join(item["reason"].split()),
            tuple((line.split()[0], field) for line in item["rows"] for field in line.split()[1:]),
        )
        for item in yaml.safe_load(FILE.read_text("utf-8"))
    )


@cache
def states(sheet: str) -> tuple[tuple[Row, str], ...]:
    """Each row of a table with what is known of it."""
    return tuple((row, _state(row)) for row in rows(sheet))


@cache
def datatypes() -> tuple[str, ...]:
    """The tables of the data types that rows ask for, those of rows not followed left out."""
    found: set[str] = set()
    pending = list(segment_sheets())
    while pending:
        rows_ = [row for row, state in states(pending.pop()) if state in (IMPLEMENTED, MISSING)]
        new = datatype_sheets(rows_) - found
        found |= new
        pending += new
    return tuple(sorted(found))


def _state(row: Row) -> str:
    if implementing(row) is not None:
        return IMPLEMENTED
    return next((entry.state for entry in entries() if entry.covers(row)), MISSING)


def stale() -> list[str]:
    """Fields in the register of which every row is implemented, or that no table counted has."""
    counted = {*segment_sheets(), *datatypes()}
    found = []
    for entry in entries():
        for sheet, word in entry.fields:
            rows_ = states(sheet) if sheet in counted else ()
            if not any(word in ("*", row.place) for row, state in rows_ if state != IMPLEMENTED):
                found.append(f"{sheet} {word}")
    return found

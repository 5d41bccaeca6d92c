"""What many messages lose: one row for each field that nothing read, the commonest first."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from vagus.cli import output
from vagus.cli.applying import Mapped
from vagus.cli.findings import Finding
from vagus.formats.hl7v2 import dictionary

_SHOWN_TYPES = 3


@dataclass(slots=True)
class Seen:
    """In how many messages of which types something was met, and the place of the first."""

    file: str
    message: int
    types: Counter[str] = field(default_factory=Counter)

    @property
    def messages(self) -> int:
        """In how many messages it was met."""
        return self.types.total()


Key = tuple[str, Any, str]  # segment, field, and the reason why it is left alone or ''


class Tally:
    """Counts over many messages what is lost, left alone, and wrong with them."""

    def __init__(self) -> None:
        self.total = self.failed = self._mapped = 0
        self._files: set[str] = set()
        self._fields: dict[Key, Seen] = {}
        self._problems: dict[tuple[str, str, str], tuple[Finding, Seen]] = {}

    def add(self, file: str, number: int, mapped: Mapped) -> None:
        """Count one message; `number` is its place in the file."""
        self.total += 1
        self._files.add(file)
        self.failed += mapped.failed
        kind = mapped.message.type if mapped.message is not None else ""
        result = mapped.result
        if result is not None:
            self._mapped += 1
            keys: set[Key] = {(item.segment, n, "") for item in result.loss for n in item.fields}
            keys |= {(item.segment, item.field, item.why) for item in result.left}
            for key in keys:
                self._fields.setdefault(key, Seen(file, number)).types[kind] += 1
        problems = {(p["severity"], p["code"], p["where"]): p for p in mapped.problems}
        for place, problem in problems.items():
            _, seen = self._problems.setdefault(place, (problem, Seen(file, number)))
            seen.types[kind] += 1

    def rows(self) -> list[dict[str, object]]:
        """The fields: what is lost before what is left alone, the commonest first."""
        ordered = sorted(
            self._fields.items(),
            key=lambda item: (bool(item[0][2]), -item[1].messages, item[0][0], str(item[0][1])),
        )
        return [self._row(key, seen) for key, seen in ordered]

    def _row(self, key: Key, seen: Seen) -> dict[str, object]:
        segment, number, why = key
        return {
            "segment": segment,
            "field": number,
            "name": name_of(segment, number),
            "messages": seen.messages,
            "of": self._mapped,
            "types": dict(seen.types.most_common()),
            "file": seen.file,
            "message": seen.message,
            "reason": why or None,
        }

    def problems(self) -> list[Finding]:
        """What is wrong with the messages, each code and place once, errors first."""
        ordered = sorted(
            self._problems.values(), key=lambda item: (item[0]["severity"], -item[1].messages)
        )
        return [
            {
                **problem,
                "messages": seen.messages,
                "types": dict(seen.types.most_common()),
                "file": seen.file,
                "message": seen.message,
            }
            for problem, seen in ordered
        ]

    def show(self, form: str) -> None:
        """Print the fields, and the findings; for people, tables under a line that sums up."""
        if form == output.JSON:
            for row in self.rows():
                output.line(row)
            for problem in self.problems():
                output.finding(problem)
            return
        common = os.path.commonpath([os.path.dirname(file) for file in self._files] or [""])
        rows = [_cells(row, common) for row in self.rows()]
        lost = [row for row in rows if not row["reason"]]
        left = [row for row in rows if row["reason"]]
        output.say(self._summary(common))
        output.say(f"\n{_counted(len(lost), 'field')} lost: populated, and nothing reads them")
        output.rows(lost, ("field", "name", "messages", "share", "types", "example"), form)
        output.say(f"\n{_counted(len(left), 'field')} left alone on purpose")
        output.rows(left, ("field", "name", "messages", "share", "reason"), form)
        found = [_cells(item, common) for item in map(dict, self.problems())]
        output.say(f"\n{_counted(len(found), 'finding')}")
        output.rows(found, ("severity", "code", "where", "messages", "types", "example"), form)

    def _summary(self, common: str) -> str:
        messages, files = _counted(self.total, "message"), _counted(len(self._files), "file")
        place = f" of {common}" if common and len(self._files) > 1 else ""
        return (
            f"{messages} in {files}{place}:"
            f" {self._mapped} mapped, {self.total - self._mapped} not mapped"
        )


def name_of(segment: str, number: Any) -> str | None:
    """What the standard calls a field; None when it knows none."""
    known = dictionary.segment(segment)
    found = known.field(number) if known and isinstance(number, int) else None
    return found.name if found else None


def _cells(row: dict[str, Any], common: str) -> dict[str, object]:
    """A row as people read it; paths begin below the common folder."""
    types: dict[str, int] = row["types"]
    shown = [f"{name or 'no type'} {count}" for name, count in [*types.items()][:_SHOWN_TYPES]]
    more = len(types) - len(shown)
    file = os.path.relpath(row["file"], common) if common else row["file"]
    return {
        **row,
        "field": f"{row.get('segment')}-{row.get('field')}",
        "share": _share(row["messages"], row["of"]) if "of" in row else "-",
        "types": ", ".join([*shown, *([f"{more} more"] if more > 0 else [])]),
        "example": f"{file}#{row['message']}",
    }


def _share(part: int, whole: int) -> str:
    return f"{part * 100 / whole:.0f} %" if part * 200 >= whole else "< 1 %"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"

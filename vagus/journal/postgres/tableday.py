"""A day in tables of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from vagus.journal.day import Day, Who
from vagus.journal.entries import Accept
from vagus.journal.postgres.dialect import day_suffix, rendered
from vagus.journal.postgres.session import Session, Tables
from vagus.journal.statements import POSTGRES, QUERIES

#: The statements that are run for many rows, with what PostgreSQL runs once for all of them.
_MANY = {
    QUERIES[name]: POSTGRES[name]
    for name in ("insert_message", "insert_body", "insert_delivery", "bump")
}
_APPLY = {QUERIES[name]: POSTGRES[name] for name in ("settle_message", "delivered")}
_SEEN = POSTGRES["seen"]


@dataclass(slots=True)
class TableDay(Day):
    """A day whose rows are written over one connection and read over another."""

    node: int
    writing: Session
    reading: Session
    opened: bool = field(default=False, init=False)
    _seen: dict[tuple[Who, bytes], tuple[int, bytes | None] | bool] = field(
        default_factory=dict, init=False
    )

    @property
    def suffix(self) -> str:
        """What its tables end in."""
        return day_suffix(self.name, self.node)

    @property
    def where(self) -> str:
        """Its first table."""
        return f"message_{self.suffix}"

    @property
    def writable(self) -> bool:
        """Whether its head is known."""
        return self.opened

    @property
    def reader(self) -> Tables:
        """Sees what is committed."""
        return Tables(self.reading, self.suffix)

    @property
    def writer(self) -> Tables:
        """Runs statements in the transaction under way."""
        return Tables(self.writing, self.suffix)

    def begin(self) -> None:
        """Begin the batch's one transaction, unless another day of it has."""
        self.writing.begin()

    def commit(self) -> None:
        """Make the batch durable, unless another day of it has."""
        self.writing.commit()

    def roll_back(self) -> None:
        """Undo the batch."""
        self.writing.roll_back()

    def many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """One statement for all rows, where there is one."""
        if not rows:
            return
        if sql in _MANY:
            self._run(_MANY[sql], rows)
            return
        for row in rows:
            self.writer.execute(sql, row)

    def apply(self, sql: str, rows: Sequence[tuple[Any, ...]], key: int) -> list[bool]:
        """One statement for all rows; of several rows for one thing the first counts."""
        first: dict[tuple[Any, ...], int] = {}
        for place, row in enumerate(rows):
            first.setdefault(row[-key:], place)
        places = list(first.values())
        found = [False] * len(rows)
        if places:
            for (n,) in self._run(_APPLY[sql], [rows[place] for place in places]).fetchall():
                found[places[n - 1]] = True
        return found

    def expect(self, entries: Sequence[tuple[Accept, Who]], other: Day) -> None:
        """Look all of them up at once."""
        self._seen.clear()
        if not entries:
            return
        keys = [(who, entry.hash) for entry, who in entries]
        for n, message, reply in self._run(_SEEN, [(*who, digest) for who, digest in keys]):
            self._seen[keys[n - 1]] = True if message is None else (message, reply)

    def seen(self, entry: Accept, who: Who, other: Day) -> tuple[int, bytes | None] | bool:
        """What `expect` found."""
        return self._seen.get((who, entry.hash), False)

    def _run(self, sql: str, rows: Sequence[Sequence[Any]]) -> Any:
        columns = [list(column) for column in zip(*rows, strict=True)]
        return self.writing.run(rendered(sql, self.suffix), columns)

    def close(self, *, checkpoint: bool = True) -> None:
        """Forget what it knows; the connections belong to all days."""
        self.opened = False
        self.forget_tallies()

"""One day of the journal: its key, its counters, and the head of its seal chain."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from vagus.journal.days import day_name
from vagus.journal.entries import Accept
from vagus.journal.seam import Connection
from vagus.journal.statements import QUERIES, VERIFY
from vagus.journal.tally import OPEN, SLOT, Tally
from vagus.journal.vault import Vault

Counter = tuple[str, int]
#: Endpoint, sender and control id of a message.
Who = tuple[int, int, str]
#: Tallies kept in memory for each day; beyond it they are read back from the rows.
_TALLIES = 32_768


@dataclass(slots=True)
class Day(ABC):
    """A day that can be read, and written while it is `writable`."""

    number: int
    vault: Vault
    counts: dict[Counter, int] = field(default_factory=dict, init=False)
    head: tuple[int, bytes] = field(default=(0, b""), init=False)
    last: int = field(default=0, init=False)  # the newest id stored when the day was loaded
    _tallies: dict[int, Tally] = field(default_factory=dict, init=False)

    @property
    def name(self) -> str:
        """The day as `2026-11-22`."""
        return day_name(self.number)

    @property
    def pending(self) -> int:
        """How many of its messages are not finished."""
        return sum(n for (what, _), n in self.counts.items() if what == "pending")

    # What the database offers.

    @property
    @abstractmethod
    def where(self) -> str:
        """What the day is called there, for people."""

    @property
    @abstractmethod
    def writable(self) -> bool:
        """Whether it can be written at once."""

    @property
    @abstractmethod
    def reader(self) -> Connection:
        """Reads what is committed; on the loop."""

    @property
    @abstractmethod
    def writer(self) -> Connection:
        """Runs statements in the transaction under way."""

    @abstractmethod
    def begin(self) -> None:
        """Begin a transaction that shuts out every other writer of this day."""

    @abstractmethod
    def commit(self) -> None:
        """Make it durable; on the commit thread."""

    @abstractmethod
    def roll_back(self) -> None:
        """Undo it, if there is one."""

    @abstractmethod
    def many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run a statement for each row."""

    @abstractmethod
    def apply(self, sql: str, rows: Sequence[tuple[Any, ...]], key: int) -> list[bool]:
        """Run an UPDATE for each row and say which found theirs.

        The last `key` columns of a row name what is updated; what is, does not fit again.
        """

    @abstractmethod
    def expect(self, entries: Sequence[tuple[Accept, Who]], other: Day) -> None:
        """These will be asked for with `seen`, while `other` is written."""

    @abstractmethod
    def seen(self, entry: Accept, who: Who, other: Day) -> tuple[int, bytes | None] | bool:
        """The very message with its sealed reply, or whether its control id was used."""

    @abstractmethod
    def close(self, *, checkpoint: bool = True) -> None:
        """Close everything that is open on this day."""

    # What is kept in memory.

    def load(self) -> None:
        """Read back what is kept in memory; raises what the database raises."""
        con = self.reader
        self.counts = {(what, number): n for what, number, n in con.execute(VERIFY["counters"])}
        self.last = con.execute(QUERIES["newest"]).fetchone()[0]
        self.head = tuple(con.execute(QUERIES["last_seal"]).fetchone() or (0, b""))

    def span(self) -> tuple[int | None, int | None]:
        """The first and the last id stored."""
        row = self.reader.execute(QUERIES["span"]).fetchone()
        return row[0], row[1]

    def tally(self, message: int) -> Tally | None:
        """The deliveries of a message as this transaction sees them; None: no such message.

        The caller gets a list of its own.
        """
        kept = self._tallies.get(message)
        if kept is not None:
            return kept.copy()
        row = self.writer.execute(QUERIES["message_state"], (message,)).fetchone()
        if row is None:
            return None
        tally = [row[0], 0, 0, 0, 0]
        for state, count in self.writer.execute(QUERIES["delivery_states"], (message,)):
            tally[SLOT[state]] += count
        return tally

    def keep_tallies(self, tallies: dict[int, Tally]) -> None:
        """Take over the tallies of a transaction that is durable."""
        kept = self._tallies
        for message, tally in tallies.items():
            if tally[OPEN] and (message in kept or len(kept) < _TALLIES):
                kept[message] = tally
            else:
                kept.pop(message, None)

    def forget_tallies(self) -> None:
        """Count from the rows again."""
        self._tallies.clear()

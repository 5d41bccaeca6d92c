"""Has this very message been accepted before? Looked up while a batch is being written.

The batch in hand is asked first, then the message's own day, then the days of the window: a closed
day by its key file, a day not yet closed by its index.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from enum import Enum

from vagus.journal.day import Day
from vagus.journal.entries import Accept
from vagus.journal.keyfile import key_of
from vagus.journal.statements import QUERIES
from vagus.journal.vault import CorruptBody

_KNOWN, _SAME, _USED = (QUERIES[name] for name in ("control_known", "same_message", "control_used"))


class Verdict(Enum):
    """What is known of a control id."""

    NEW = 0
    REUSED = 1
    DUPLICATE = 2


class Dedupe:
    """The look-ups of one batch; `window` gives the other days in which to look."""

    def __init__(self, window: Callable[[int], Iterable[Day]]) -> None:
        self._window = window
        self._batch: dict[tuple[int, int, str], list[Accept]] = {}
        self._others: dict[int, list[Day]] = {}

    def judge(self, entry: Accept, control: str, sender: int, day: Day) -> Verdict:
        """Say what the message is; for a duplicate, fill in which one and its reply."""
        who = (entry.endpoint, sender, control)
        earlier = self._batch.get(who)
        if earlier is None:
            self._batch[who] = [entry]
            verdict = Verdict.NEW
        else:
            for first in earlier:
                if first.hash == entry.hash:
                    entry.duplicate = first.id if first.duplicate is None else first.duplicate
                    entry.reply = first.reply
                    return Verdict.DUPLICATE
            earlier.append(entry)
            verdict = Verdict.REUSED
        assert day.writer is not None
        found = _look(day.writer, day, entry, who)
        if found is not Verdict.NEW:
            return found
        others = self._others.get(day.number)
        if others is None:
            others = self._others[day.number] = list(self._window(day.number))
        return self._elsewhere(others, entry, who, verdict) if others else verdict

    def _elsewhere(
        self, days: list[Day], entry: Accept, who: tuple[int, int, str], verdict: Verdict
    ) -> Verdict:
        key = key_of(*who)
        for day in days:
            if day.keys is not None and key not in day.keys:
                continue
            found = _look(day.reader, day, entry, who)
            if found is Verdict.DUPLICATE:
                return found
            if found is Verdict.REUSED:
                verdict = found
        return verdict


def _look(con: sqlite3.Connection, day: Day, entry: Accept, who: tuple[int, int, str]) -> Verdict:
    endpoint, sender, control = who
    if con.execute(_KNOWN, (control,)).fetchone() is None:
        return Verdict.NEW
    values = (control, entry.hash[:8], entry.hash, endpoint, sender)
    row = con.execute(_SAME, values).fetchone()
    if row is None:
        used = con.execute(_USED, (control, endpoint, sender)).fetchone()
        return Verdict.NEW if used is None else Verdict.REUSED
    entry.duplicate = row[0]
    try:
        entry.reply = day.vault.open_reply(row[0], endpoint, row[1])
    except CorruptBody:
        entry.reply = None
    return Verdict.DUPLICATE

"""Has this very message been accepted before? Looked up while a batch is being written.

The batch in hand is asked first, then the message's own day, then the other days of the window.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import Enum

from vagus.journal.day import Day, Who
from vagus.journal.entries import Accept
from vagus.journal.vault import CorruptBody


class Verdict(Enum):
    """What is known of a control id."""

    NEW = 0
    REUSED = 1
    DUPLICATE = 2


class Dedupe:
    """The look-ups of one batch; `window` gives the other days in which to look."""

    def __init__(self, window: Callable[[int], Iterable[Day]]) -> None:
        self._window = window
        self._batch: dict[Who, list[Accept]] = {}
        self._others: dict[int, list[Day]] = {}

    def expect(self, entries: Sequence[tuple[Accept, Who]], day: Day) -> None:
        """These are about to be judged: look them up all at once where that is quicker."""
        for other in (day, *self._days(day)):
            other.expect(entries, day)

    def judge(self, entry: Accept, who: Who, day: Day) -> Verdict:
        """Say what the message is; for a duplicate, fill in which one and its reply."""
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
        found = _look(day, entry, who, day)
        if found is not Verdict.NEW:
            return found
        for other in self._days(day):
            found = _look(other, entry, who, day)
            if found is Verdict.DUPLICATE:
                return found
            if found is Verdict.REUSED:
                verdict = found
        return verdict

    def _days(self, day: Day) -> list[Day]:
        others = self._others.get(day.number)
        if others is None:
            others = self._others[day.number] = list(self._window(day.number))
        return others


def _look(day: Day, entry: Accept, who: Who, written: Day) -> Verdict:
    seen = day.seen(entry, who, written)
    if isinstance(seen, bool):
        return Verdict.REUSED if seen else Verdict.NEW
    entry.duplicate = seen[0]
    try:
        entry.reply = day.vault.open_reply(seen[0], who[0], seen[1])
    except CorruptBody:
        entry.reply = None
    return Verdict.DUPLICATE

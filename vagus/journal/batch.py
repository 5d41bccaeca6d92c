"""A batch: what was put during the last commit; one transaction for each day it touches."""

from __future__ import annotations

from collections.abc import Callable

from vagus.journal.accepting import accept, answer
from vagus.journal.day import Day
from vagus.journal.days import DAY_MS, day_of
from vagus.journal.dedupe import Dedupe
from vagus.journal.entries import Accept, Delivered, Died, Entry, Filtered, Replied, Routed
from vagus.journal.exceptions import Exceptional, Replayed, record
from vagus.journal.outcomes import Outcome, deliver, settle
from vagus.journal.seals import Sealer
from vagus.journal.share import Share
from vagus.journal.tokens import Tokens

Row = Entry | Replayed


_BY_ID = (Accept, Replied, Routed, Filtered, Died)
_OUTCOMES = (Routed, Filtered, Died)


class Batch:
    """Entries on their way to the disk, by day; those of a committed day are done."""

    __slots__ = ("accepting", "days", "entries", "shares")

    def __init__(self, entries: list[Entry]) -> None:
        self.entries = entries
        self.days: dict[int, list[Row]] = {}
        self.shares: list[Share] = []
        #: The days that get new messages.
        self.accepting: set[int] = set()
        days = self.days
        for entry in entries:
            day = (entry.id if isinstance(entry, _BY_ID) else entry.message) >> 21
            day //= DAY_MS
            rows = days.get(day)
            if rows is None:
                rows = days[day] = []
            rows.append(entry)
            if type(entry) is Accept:
                self.accepting.add(day)
                if entry.cause is not None:
                    mark = Replayed(entry.cause, entry.endpoint, entry.id)
                    days.setdefault(day_of(entry.cause), []).append(mark)

    def in_use(self) -> set[int]:
        """The days this batch is writing or is about to write."""
        return {share.day.number for share in self.shares} | set(self.days)

    def forget(self, day: int) -> None:
        """Leave out a day that does not exist any more: nothing of it can change."""
        self.days.pop(day, None)

    def write(
        self, find: Callable[[int], Day], now: int, dedupe: Dedupe, sealer: Sealer, tokens: Tokens
    ) -> None:
        """Run every statement, on the loop; newest day first. Raises sqlite3.Error."""
        self.shares = []
        for number in sorted(self.days, reverse=True):
            share = Share(find(number), now)
            self.shares.append(share)
            share.begin()
            _fill(share, self.days[number], dedupe, tokens)
            share.finish(sealer)

    def commit(self) -> None:
        """Make each day durable, on the commit thread, newest first.

        A replay is thus durable before the mark on what it replays, never the other way round.
        """
        for share in self.shares:
            share.commit()
            del self.days[share.day.number]

    def settle(self) -> None:
        """Take over into memory the days that are durable."""
        for share in self.shares:
            if share.day.number not in self.days:
                share.settle()
        self.shares = [share for share in self.shares if share.day.number in self.days]

    def roll_back(self) -> None:
        """Undo the days that are not durable, so that they can be written again."""
        self.settle()
        for share in self.shares:
            share.roll_back()
        self.shares = []
        for rows in self.days.values():
            for row in rows:
                if type(row) is Accept:
                    row.duplicate, row.reused = None, False


def _fill(share: Share, rows: list[Row], dedupe: Dedupe, tokens: Tokens) -> None:
    accepts: list[Accept] = []
    replies: list[Replied] = []
    outcomes: list[Outcome] = []
    rest: list[Delivered | Exceptional] = []
    for row in rows:
        if isinstance(row, Accept):
            accepts.append(row)
        elif isinstance(row, _OUTCOMES):
            outcomes.append(row)
        elif isinstance(row, Replied):
            replies.append(row)
        else:
            rest.append(row)
    if accepts:
        accept(share, accepts, dedupe, tokens)
    if replies:
        answer(share, replies)
    if outcomes:
        settle(share, outcomes)
    _after(share, rest)


def _after(share: Share, rows: list[Delivered | Exceptional]) -> None:
    """Deliveries and exceptions in the order they were put; runs of deliveries go together."""
    run: list[Delivered] = []
    for row in rows:
        if isinstance(row, Delivered):
            run.append(row)
            continue
        if run:
            deliver(share, run)
            run = []
        record(share, row)
    if run:
        deliver(share, run)

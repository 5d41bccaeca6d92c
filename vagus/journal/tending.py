"""What the journal does by itself now and then: close yesterday, let go, drop old days."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable

from vagus.journal import closing, retention
from vagus.journal.audit import Audit
from vagus.journal.batch import Batch
from vagus.journal.calendar import Calendar
from vagus.journal.day import Day, checkpoint_and_close
from vagus.journal.settings import JournalSettings
from vagus.journal.state import Partition, State
from vagus.kernel.log import get_logger

log = get_logger(__name__)
Current = Callable[[], Batch | None]


class Tender:
    """Looks after the days of one journal; its steps run on the loop, the work on a thread."""

    def __init__(
        self, calendar: Calendar, state: State, audit: Audit, settings: JournalSettings
    ) -> None:
        self._calendar = calendar
        self._state = state
        self._audit = audit
        self._settings = settings
        self._round = asyncio.Lock()

    async def tend(self, current: Current) -> None:
        """One round; what `current` says is being written is left alone until the next."""
        async with self._round:
            for day in self._due():
                try:
                    await self._close(day, current)
                except (OSError, ValueError, sqlite3.Error) as error:
                    log.warning("day_not_closed", name=day.name, error=error)
            for day in self._calendar.ordered():
                if not self._calendar.in_window(day.number):
                    self._calendar.drop_keys(day.number)
            for con in self._released(_in_use(current)):
                await asyncio.to_thread(checkpoint_and_close, con)
            for day in list(retention.expired(self._calendar, self._state, self._settings)):
                if day.number not in _in_use(current) and not day.pending:
                    await retention.drop(self._calendar, self._state, self._audit, day)

    def _due(self) -> list[Day]:
        newest, now = self._calendar.newest, self._calendar.now_ms()
        grace = self._settings.grace * 1000
        known = self._state.partitions()
        return [
            day
            for day in self._calendar.ordered()
            if day.number < newest
            and retention.ended_ms(day) + grace <= now
            and self._unfinished(day, known.get(day.name))
        ]

    def _unfinished(self, day: Day, partition: Partition | None) -> bool:
        if self._calendar.in_window(day.number):
            return day.keys is None
        return partition is not None and partition.state == "open"

    async def _close(self, day: Day, current: Current) -> None:
        if self._calendar.in_window(day.number) and not await self._write_keys(day, current):
            return
        await asyncio.to_thread(closing.analyze, day.path)
        self._calendar.anchor(day)
        self._state.set_partition_state(day.name, "closed")
        log.info("day_closed", name=day.name)

    async def _write_keys(self, day: Day, current: Current) -> bool:
        """False when a message came late: the next round writes the keys again."""
        before = _accepted(day)
        keys = await asyncio.to_thread(closing.write_day_keys, day.path)
        batch = current()
        if _accepted(day) != before or (batch is not None and day.number in batch.accepting):
            keys.close()
            return False
        day.keys = keys
        return True

    def _released(self, in_use: set[int]) -> list[sqlite3.Connection]:
        """The connections of days in which nothing is left to write."""
        newest = self._calendar.newest
        found = []
        for day in self._calendar.ordered():
            idle = day.number < newest and day.number not in in_use and not day.pending
            if idle and day.writer is not None:
                self._calendar.anchor(day)
                found.append(day.release_writer())
        return found


def _accepted(day: Day) -> int:
    return sum(n for (what, _), n in day.counts.items() if what == "accepted")


def _in_use(current: Current) -> set[int]:
    batch = current()
    return set() if batch is None else batch.in_use()

"""What the journal does by itself now and then: close yesterday, let go, drop old days."""

from __future__ import annotations

import asyncio
from typing import Any

from vagus.journal import retention
from vagus.journal.audit import Audit
from vagus.journal.calendar import Calendar, Current
from vagus.journal.day import Day
from vagus.journal.seam import FAILURES
from vagus.journal.settings import JournalSettings
from vagus.journal.state import State
from vagus.kernel.log import get_logger

log = get_logger(__name__)


class Tender:
    """Looks after the days of one journal; its steps run on the loop, the work on a thread."""

    def __init__(
        self, calendar: Calendar[Any], state: State, audit: Audit, settings: JournalSettings
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
                except (OSError, ValueError, *FAILURES) as error:
                    log.warning("day_not_closed", name=day.name, error=error)
            await self._calendar.release(self._idle(_in_use(current)))
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
            and self._calendar.unfinished(day, known.get(day.name))
        ]

    async def _close(self, day: Day, current: Current) -> None:
        if await self._calendar.finish(day, current):
            self._calendar.anchor(day)
            self._state.set_partition_state(day.name, "closed")
            log.info("day_closed", name=day.name)

    def _idle(self, in_use: set[int]) -> list[Day]:
        """The writable days in which nothing is left to write, with their seals anchored."""
        newest = self._calendar.newest
        found = []
        for day in self._calendar.ordered():
            idle = day.number < newest and day.number not in in_use and not day.pending
            if idle and day.writable:
                self._calendar.anchor(day)
                found.append(day)
        return found


def _in_use(current: Current) -> set[int]:
    batch = current()
    return set() if batch is None else batch.in_use()

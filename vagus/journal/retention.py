"""Dropping a day: its key is destroyed, its rows removed, and the audit says so.

A day goes as a whole, when it is past `keep` and nothing of it is left to do: no message pending,
no dead letter that was not replayed, redriven or discarded, no hold. A day with unresolved dead
letters is kept, never thinned out: a message's rows stay in its day for ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vagus.journal.audit import Audit
from vagus.journal.calendar import Calendar
from vagus.journal.day import Day
from vagus.journal.days import DAY_MS
from vagus.journal.settings import JournalSettings
from vagus.journal.state import State
from vagus.journal.statements import QUERIES
from vagus.kernel.ids import EPOCH_MS
from vagus.kernel.log import get_logger

log = get_logger(__name__)


def ended_ms(day: Day) -> int:
    """When a day was over, in unix ms."""
    return EPOCH_MS + (day.number + 1) * DAY_MS


def expired(calendar: Calendar[Any], state: State, settings: JournalSettings) -> Iterator[Day]:
    """The days that may be dropped now, oldest first."""
    known = state.partitions()
    keep = max(settings.keep, settings.window) * 1000
    for day in calendar.ordered():
        if day.number == calendar.newest or ended_ms(day) + keep > calendar.now_ms():
            return
        partition = known.get(day.name)
        held = partition is not None and partition.held is not None
        if not held and not day.pending and not unresolved(day):
            yield day


def unresolved(day: Day) -> bool:
    """Whether the day has dead letters that nobody has dealt with."""
    return bool(day.reader.execute(QUERIES["unresolved"]).fetchone()[0])


async def drop(
    calendar: Calendar[Any], state: State, audit: Audit, day: Day, actor: str = "engine"
) -> None:
    """Make a day unreadable for ever, then remove it. Its counters go on in the state."""
    calendar.anchor(day)
    state.drop(day.name, day.counts)
    calendar.forget(day)
    await calendar.remove(day)
    audit.append(actor, "drop-day", day.name)
    log.info("day_dropped", name=day.name)


def write_off(state: State, audit: Audit, name: str, actor: str) -> None:
    """Settle a damaged day (`2026-11-22.1`) for good, once somebody has accounted for it.

    Its key is destroyed; the file that was set aside is left to whoever wrote it off.
    Raises KeyError when there is no such day, or when it is not damaged.
    """
    partition = state.partitions()[name]
    if partition.state != "damaged":
        raise KeyError(name)
    audit.append(actor, "write-off-day", name)
    state.drop(name, {})

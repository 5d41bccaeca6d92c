"""What a start after a crash puts right."""

from __future__ import annotations

from typing import Any

from vagus.journal import connect
from vagus.journal.calendar import Calendar
from vagus.journal.day import Day
from vagus.journal.days import day_of
from vagus.journal.exceptions import Replayed, record
from vagus.journal.seam import FAILURES
from vagus.journal.share import Share
from vagus.journal.statements import QUERIES
from vagus.kernel.log import get_logger

log = get_logger(__name__)


def mend_replays(calendar: Calendar[Any]) -> None:
    """Mark messages whose replay was committed just before a crash, of another day."""
    newest = calendar.days[calendar.newest]
    try:
        _mend(calendar, newest)
    except FAILURES as error:
        if not connect.is_damage(error):
            raise
        # A mark that is missing does no harm; the next start looks through every file concerned.
        log.warning("replays_not_marked", error=error)
        calendar.suspect(calendar.ordered())


def _mend(calendar: Calendar[Any], newest: Day) -> None:
    for cause, endpoint, by in newest.reader.execute(QUERIES["replays"]).fetchall():
        number = day_of(cause)
        day = calendar.days.get(number)
        if day is None or number == newest.number:
            continue
        if day.reader.execute(QUERIES["unmarked"], (cause, endpoint, by)).fetchone() is None:
            continue
        calendar.prepare(number)
        share = Share(day, calendar.now_ms())
        share.begin()
        record(share, Replayed(cause, endpoint, by))
        share.finish(calendar.sealer)
        share.commit()
        share.settle()

"""What a start after a crash puts right."""

from __future__ import annotations

import sqlite3

from vagus.journal import connect
from vagus.journal.calendar import Calendar
from vagus.journal.day import Day
from vagus.journal.days import day_of
from vagus.journal.exceptions import Replayed, record
from vagus.journal.share import Share
from vagus.kernel.log import get_logger

log = get_logger(__name__)
_REPLAYS = """
SELECT cause, endpoint, max(id) FROM message INDEXED BY m_cause
WHERE cause IS NOT NULL GROUP BY cause, endpoint
"""
_UNMARKED = "SELECT 1 FROM message WHERE id = ? AND endpoint = ? AND coalesce(replayed, 0) < ?"


def mend_replays(calendar: Calendar) -> None:
    """Mark messages whose replay was committed just before a crash, in another day's file."""
    newest = calendar.days[calendar.newest]
    try:
        _mend(calendar, newest)
    except sqlite3.DatabaseError as error:
        if not connect.is_damage(error):
            raise
        # A mark that is missing does no harm; the next start looks through every file concerned.
        log.warning("replays_not_marked", error=error)
        calendar.suspect(calendar.ordered())


def _mend(calendar: Calendar, newest: Day) -> None:
    for cause, endpoint, by in newest.reader.execute(_REPLAYS).fetchall():
        number = day_of(cause)
        day = calendar.days.get(number)
        if day is None or number == newest.number:
            continue
        if day.reader.execute(_UNMARKED, (cause, endpoint, by)).fetchone() is None:
            continue
        calendar.prepare(number)
        share = Share(day, calendar.now_ms())
        share.begin()
        record(share, Replayed(cause, endpoint, by))
        share.finish(calendar.sealer)
        share.commit()
        share.settle()

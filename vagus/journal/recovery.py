"""What a start after a crash puts right."""

from __future__ import annotations

from vagus.journal.calendar import Calendar
from vagus.journal.days import day_of
from vagus.journal.exceptions import Replayed, record
from vagus.journal.share import Share

_REPLAYS = """
SELECT cause, endpoint, max(id) FROM message INDEXED BY m_cause
WHERE cause IS NOT NULL GROUP BY cause, endpoint
"""
_UNMARKED = "SELECT 1 FROM message WHERE id = ? AND endpoint = ? AND coalesce(replayed, 0) < ?"


def mend_replays(calendar: Calendar) -> None:
    """Mark messages whose replay was committed just before a crash, in another day's file."""
    newest = calendar.days[calendar.newest]
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

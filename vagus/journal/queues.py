"""The queues, read back from rows: what is stored and not processed, what is owed to whom.

Everything here reads what is committed, in pages, through read-only connections on the loop.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vagus.journal import connect
from vagus.journal.calendar import Calendar
from vagus.journal.day import Day
from vagus.journal.days import day_of
from vagus.journal.rows import Fate, Open, Stored
from vagus.journal.seam import FAILURES
from vagus.journal.statements import QUERIES
from vagus.journal.tally import DeliveryState, MessageState
from vagus.journal.vault import CorruptBody
from vagus.kernel.errors import EngineFault


class Queues:
    """Cursors over the open rows of all days, oldest first."""

    def __init__(self, calendar: Calendar[Any]) -> None:
        self._calendar = calendar

    def stored(self, after: int, limit: int) -> list[Stored]:
        """Messages in state stored with an id above `after`."""
        found: list[Stored] = []
        for day in self._busy_days(after):
            rows = self._read(day, "stored", (after, limit - len(found)))
            found += [_stored(day, row) for row in rows]
            if len(found) >= limit:
                break
        return found

    def waiting(self, destination: int, after: tuple[int, int], limit: int) -> list[Open]:
        """Open deliveries of a destination."""
        return self._open("waiting", (destination,), after, limit)

    def lane_waiting(
        self, destination: int, lane: bytes, after: tuple[int, int], limit: int
    ) -> list[Open]:
        """Open deliveries of a lane."""
        return self._open("lane_waiting", (destination, lane), after, limit)

    def dead(self, destination: int, after: tuple[int, int], limit: int) -> list[Open]:
        """Deliveries of a destination that were given up and that nobody has dealt with."""
        found: list[Open] = []
        for day in self._calendar.ordered():
            some = day.writable or day.counts.get(("d_dead", destination))
            if day.number < day_of(after[0]) or not some:
                continue
            rows = self._read(day, "dead", (destination, *after, limit - len(found)))
            found += [_open(row) for row in rows]
            if len(found) >= limit:
                break
        return found

    def fate(self, message_id: int) -> Fate | None:
        """How far a message has come; None when it is not known."""
        day = self._calendar.days.get(day_of(message_id))
        rows = self._read(day, "fate", (message_id,)) if day is not None else []
        if not rows:
            return None
        state, override, waiting, dead = rows[0]
        stored = state == MessageState.STORED
        return Fate(stored, waiting, bool(dead) or state == MessageState.DEAD, override)

    def body(self, message_id: int) -> bytes:
        """The verified body of a message."""
        day = self._calendar.days.get(day_of(message_id))
        if day is None:
            raise KeyError(message_id)
        rows = self._read(day, "body", (message_id,))
        if not rows:
            raise KeyError(message_id)
        endpoint, digest, sealed = rows[0]
        body: bytes = day.vault.check(message_id, endpoint, sealed, digest)
        return body

    def _read(self, day: Day, query: str, values: tuple[object, ...]) -> list[Any]:
        try:
            return day.reader.execute(QUERIES[query], values).fetchall()
        except FAILURES as error:
            if connect.is_passing(error):
                raise connect.JournalAway(f"{day.where}: cannot be read for now") from error
            if connect.is_damage(error):
                self._calendar.suspect([day])
            raise EngineFault(
                f"{day.where}: cannot be read ({type(error).__name__}); restart the engine, which"
                " sets a damaged file aside"
            ) from error

    def _open(
        self, query: str, values: tuple[object, ...], after: tuple[int, int], limit: int
    ) -> list[Open]:
        found: list[Open] = []
        for day in self._busy_days(after[0]):
            left = limit - len(found)
            rows = self._read(day, query, (*values, *after, left))
            found += [_open(row) for row in rows]
            if len(found) >= limit:
                break
        return found

    def _busy_days(self, after: int) -> Iterator[Day]:
        first = day_of(after)
        for day in self._calendar.ordered():
            if day.number >= first and (day.pending or day.writable):
                yield day


def _open(row: tuple[int, int, int, bytes, int, int, int | None]) -> Open:
    message, part, destination, lane, state, attempts, due = row
    return Open(message, part, destination, lane, DeliveryState(state), attempts, due)


def _stored(
    day: Day, row: tuple[int, int, str, str, int | None, str | None, bytes, bytes | None]
) -> Stored:
    message, endpoint, kind, control, cause, override, digest, sealed = row
    body: bytes | None
    try:
        body = day.vault.check(message, endpoint, sealed, digest)
    except CorruptBody:
        body = None
    return Stored(message, endpoint, kind, control, cause, override, digest, body)

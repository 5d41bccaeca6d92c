"""Replaying the seal chain of one day from its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from struct import error as StructError
from typing import Any

from vagus.journal import seals
from vagus.journal.seals import Sealer
from vagus.journal.seam import Connection
from vagus.journal.statements import VERIFY
from vagus.journal.tally import MessageState

_UNREADABLE = b"?"
Found = Iterator[str]


class _Rows:
    """Sealed rows of one kind, handed out seal by seal."""

    def __init__(
        self, con: Connection, query: str, record: Callable[[tuple[Any, ...]], bytes]
    ) -> None:
        self._cursor = con.execute(VERIFY[query])
        self._record = record
        self._row = self._cursor.fetchone()
        self.strays = 0

    def take(self, n: int) -> list[bytes]:
        """The records of seal `n`; rows that claim a seal that is not there are strays."""
        records = []
        row = self._row
        while row is not None and not (isinstance(row[0], int) and row[0] > n):
            if row[0] != n:
                if isinstance(row[0], str | bytes):
                    break
                self.strays += 1
            else:
                records.append(self._safe(row[1:]))
            row = self._cursor.fetchone()
        self._row = row
        return records

    def rest(self) -> int:
        """How many rows claim no seal, or one that is not there."""
        while self._row is not None:
            self.strays += 1
            self._row = self._cursor.fetchone()
        return self.strays

    def _safe(self, row: tuple[Any, ...]) -> bytes:
        try:
            return self._record(row)
        except (AttributeError, TypeError, ValueError, StructError):
            return _UNREADABLE


def replay(con: Connection, sealer: Sealer, day: str, link: bytes) -> Found:
    """What is wrong with the chain of a day, one sentence for each break; nothing when whole."""
    streams = (
        _Rows(con, "sealed_accepts", _accepted),
        _Rows(con, "sealed_outcomes", lambda row: _settled(con, row)),
        _Rows(con, "sealed_deliveries", lambda row: seals.delivered(*row)),
        _Rows(con, "sealed_events", _event),
    )
    previous, expected = b"", 0
    for n, at, first, last, count, digest in con.execute(VERIFY["seals"]):
        if n != expected:
            yield f"the seals between {expected - 1} and {n} are missing"
        records = [record for stream in streams for record in stream.take(n)]
        try:
            if n == 0:
                whole = digest == sealer.start(day, at, link) and (first, last, count) == (0, 0, 0)
            else:
                sealed = b"".join(records)
                whole = digest == sealer.link(previous, (n, at, first, last, count), sealed)
                whole = whole and len(records) == count
        except (StructError, TypeError):
            whole = False
        if not whole:
            yield f"seal {n} does not agree with its rows"
        previous = digest if isinstance(digest, bytes) else b""
        expected = n + 1
    if expected == 0:
        yield "there is no seal at all"
    if strays := sum(stream.rest() for stream in streams):
        yield f"{strays} rows are under no seal"


def _accepted(row: tuple[Any, ...]) -> bytes:
    message, endpoint, kind, control, subject, sender, digest, cause, override = row
    return seals.accepted(
        (message, endpoint, kind, control, subject, sender, digest, cause, override)
    )


def _settled(con: Connection, row: tuple[Any, ...]) -> bytes:
    message, state, fanout, mapping, stage, reason, where = row
    if state == MessageState.ROUTED:
        if (stage, reason, where) != (None, None, None):
            return _UNREADABLE
        targets = con.execute(VERIFY["targets"], (message,)).fetchall()
        return seals.routed(message, fanout, mapping, targets)
    if (fanout, mapping) != (None, None):
        return _UNREADABLE
    return seals.ended(message, state, stage, reason, where)


def _event(row: tuple[Any, ...]) -> bytes:
    message, n, at, kind, actor, detail, part, destination, attempts, due = row
    return seals.event((message, n, at, kind, actor, detail, part, destination, attempts, due))

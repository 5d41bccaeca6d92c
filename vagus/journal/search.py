"""Finding messages: control id, patient, state, type, time; newest first, through all days.

Each query names the index it is driven by, because SQLite without statistics picks the wrong one.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from vagus.journal.counts import Counts, name_counts
from vagus.journal.days import day_at, day_of
from vagus.journal.found import DeadLetter, FoundDelivery, FoundMessage, Moment, Word
from vagus.journal.history import history
from vagus.journal.place import Place, placed
from vagus.journal.query import Query, dead_filters, filters, message_query
from vagus.journal.seam import FAILURES, Connection
from vagus.journal.statements import QUERIES, SEARCH, VERIFY
from vagus.journal.tally import DeliveryState, MessageState, word
from vagus.journal.tokens import Tokens
from vagus.kernel.errors import EngineFault
from vagus.kernel.ids import millis
from vagus.kernel.keys import Keyset

_TOP = (1 << 63) - 1
_P = ParamSpec("_P")
_R = TypeVar("_R")


def _readable(method: Callable[_P, _R]) -> Callable[_P, _R]:
    """Say of a broken file what it is and what to do."""

    @functools.wraps(method)
    def reading(*values: _P.args, **named: _P.kwargs) -> _R:
        try:
            return method(*values, **named)
        except FAILURES as error:
            raise EngineFault(
                f"the journal cannot be read ({type(error).__name__}): run `vagus ledger` to see"
                " which day is damaged"
            ) from error

    return reading


class Reader:
    """Reads a journal beside the engine that writes it; made by `open`, used by one thread."""

    def __init__(self, where: Place | Path, keyset: Keyset) -> None:
        self._files = placed(where).archive(keyset)
        self._tokens = Tokens(keyset)

    @classmethod
    def open(cls, where: Place | Path, keyset: Keyset) -> Reader:
        """A reader; raises EngineFault when there is no journal."""
        return cls(where, keyset)

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every file."""
        self._files.close()

    @_readable
    def messages(
        self, query: Query, limit: int = 50, before: int | None = None
    ) -> list[FoundMessage]:
        """Messages, newest first; `before` is the last id of the page before."""
        names = self._names()
        source, conditions, values = message_query(query, names, self._tokens)
        found: list[FoundMessage] = []
        top = _TOP if before is None else before
        sql = SEARCH["messages"].format(source=source, conditions=conditions)
        for day in self._days(query, top):
            rows = [
                _message(row, names["endpoint"])
                for con in day
                for row in con.execute(sql, (*values, top, limit - len(found)))
            ]
            found += _newest(rows, limit - len(found), lambda row: row.id)
            if len(found) >= limit:
                break
        return found

    @_readable
    def dead_letters(
        self,
        query: Query | None = None,
        limit: int = 50,
        before: tuple[int, int, int] | None = None,
    ) -> list[DeadLetter]:
        """What nobody has dealt with, newest first; `before` is the `place` of the last one seen.

        Left out: what was replayed, redriven or discarded.
        """
        query = query or Query()
        names = self._names()
        conditions, values = filters(query, names, self._tokens)
        top = (_TOP, 0, 0) if before is None else before
        died, undelivered = dead_filters(query, names)
        died += " AND (m.id, -1, -1) < (?, ?, ?)"
        undelivered += " AND (m.id, d.part, d.destination) < (?, ?, ?)"
        sql = SEARCH["dead_letters"].format(
            died=died, undelivered=undelivered, conditions=conditions
        )
        found: list[DeadLetter] = []
        for day in self._days(query, top[0] + 1 if top[0] < _TOP else _TOP):
            arguments = (*top, *values, *top, *values, limit - len(found))
            rows = [_dead_letter(row, names) for con in day for row in con.execute(sql, arguments)]
            found += _newest(rows, limit - len(found), lambda row: row.place)
            if len(found) >= limit:
                break
        return found

    @_readable
    def message(self, message_id: int) -> FoundMessage | None:
        """One message, or None."""
        con = self._day_of(message_id)
        if con is None:
            return None
        sql = SEARCH["messages"].format(source="message AS m", conditions="m.id = ?")
        row = con.execute(sql, (message_id, 1)).fetchone()
        return None if row is None else _message(row, self._names()["endpoint"])

    @_readable
    def deliveries(self, message_id: int) -> list[FoundDelivery]:
        """What a message owed and what became of it, by part and destination."""
        con = self._day_of(message_id)
        if con is None:
            return []
        names = self._names()["destination"]
        return [
            FoundDelivery(
                names.get(destination, str(destination)), part, DeliveryState(state), *rest
            )
            for part, destination, state, *rest in con.execute(SEARCH["deliveries"], (message_id,))
        ]

    @_readable
    def history(self, message_id: int) -> list[Moment]:
        """Everything that happened to a message, in order; empty when it is not known."""
        con, message = self._day_of(message_id), self.message(message_id)
        if con is None or message is None:
            return []
        later = [day for day in self._files.days() if day >= day_of(message_id)]
        effects = [
            row
            for day in later
            for other in self._files.on(day)
            for row in other.execute(SEARCH["effects"], (message_id,)).fetchall()
        ]
        names = self._names()
        cause = None if message.cause is None else self.message(message.cause)
        return history(con, message, cause, effects, names)

    @_readable
    def body(self, message_id: int) -> bytes:
        """A message as it was accepted; raises CorruptBody, or KeyError for an unknown id."""
        con = self._day_of(message_id)
        row = None if con is None else con.execute(QUERIES["body"], (message_id,)).fetchone()
        if row is None:
            raise KeyError(message_id)
        endpoint, digest, sealed = row
        return self._files.vault(message_id).check(message_id, endpoint, sealed, digest)

    @_readable
    def reply(self, message_id: int) -> bytes | None:
        """The reply its sender got, or None; raises CorruptBody, KeyError."""
        con = self._day_of(message_id)
        row = None if con is None else con.execute(SEARCH["reply"], (message_id,)).fetchone()
        if row is None:
            raise KeyError(message_id)
        endpoint, sealed = row
        return self._files.vault(message_id).open_reply(message_id, endpoint, sealed)

    @_readable
    def counts(self) -> Counts:
        """The ledger's counters, as `Journal.counts` gives them."""
        total = dict(self._files.past())
        for con in (con for day in self._files.days() for con in self._files.on(day)):
            for what, number, n in con.execute(VERIFY["counters"]):
                total[what, number] = total.get((what, number), 0) + n
        names = self._names()
        return name_counts(total, names["endpoint"], names["destination"])

    def _names(self) -> dict[str, dict[int, str]]:
        return {
            "endpoint": self._files.names("endpoint"),
            "destination": self._files.names("destination"),
        }

    def _days(self, query: Query, top: int) -> Iterator[list[Connection]]:
        first = 0 if query.since is None else day_at(query.since)
        last = day_of(top - 1)
        if query.until is not None:
            last = min(last, day_at(query.until))
        for day in self._files.days():
            if first <= day <= last:
                yield self._files.on(day)

    def _day_of(self, message_id: int) -> Connection | None:
        return self._files.of(message_id)


def _newest(rows: list[_R], limit: int, key: Callable[[_R], Any]) -> list[_R]:
    """The newest of rows that were found in one place after the other."""
    return sorted(rows, key=key, reverse=True)[:limit]


def _message(row: tuple[Any, ...], names: dict[int, str]) -> FoundMessage:
    message, endpoint, kind, control, state, fanout, *rest, open_, dead, delivered = row
    return FoundMessage(
        message,
        names.get(endpoint, str(endpoint)),
        kind,
        control,
        _word(state, [endpoint, open_ or 0, delivered or 0, dead or 0, 0]),
        state == MessageState.STORED,
        fanout or 0,
        *rest,
    )


def _word(state: int, tally: list[int]) -> Word:
    if state == MessageState.STORED:
        return Word.PENDING
    if state == MessageState.ROUTED:
        return Word(word(tally))
    return Word.DEAD if state == MessageState.DEAD else Word.FILTERED


def _dead_letter(row: tuple[Any, ...], names: dict[str, dict[int, str]]) -> DeadLetter:
    message, endpoint, kind, control, part, destination, stage, reason, where, attempts, at = row
    whole = destination is None
    return DeadLetter(
        message,
        names["endpoint"].get(endpoint, str(endpoint)),
        kind,
        control,
        part,
        None if whole else names["destination"].get(destination, str(destination)),
        stage or "",
        reason or "",
        where or None,
        attempts,
        at or millis(message),
        (message, -1, -1) if whole else (message, part, destination),
    )

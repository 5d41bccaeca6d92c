"""The ledger: what was accepted is delivered, filtered, dead or pending, recounted from the rows.

`verify` needs no engine and disturbs none: every day is read in one snapshot of its own, in which
rows and counters were written by the same transactions.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vagus.journal import chain, connect
from vagus.journal.counts import Counts, name_counts
from vagus.journal.day import Counter
from vagus.journal.seals import Sealer
from vagus.journal.state import FILE, Partition, read_names, read_partitions, read_past
from vagus.journal.statements import VERIFY
from vagus.journal.vault import CorruptBody, Vault, day_vault
from vagus.kernel.errors import EngineFault
from vagus.kernel.ids import to_text
from vagus.kernel.keys import Keyset

_KEPT = ("open", "closed")
_NO_ROWS = "duplicates"


@dataclass(frozen=True, slots=True, order=True)
class Difference:
    """Something that is not as it was written, or does not add up."""

    day: str
    text: str

    def __str__(self) -> str:
        return f"{self.day}: {self.text}"


@dataclass(frozen=True, slots=True)
class LedgerReport:
    """What was counted, and every difference found."""

    counts: Counts
    differences: list[Difference] = field(default_factory=list)
    days: int = 0

    @property
    def clean(self) -> bool:
        """Whether everything adds up."""
        return not self.differences


def verify(folder: Path, keyset: Keyset, *, bodies: bool = True) -> LedgerReport:
    """Recount every day, compare with its counters, check conservation, replay the seals.

    With `bodies` every body is opened and compared with its hash, and every index with its
    table. Works beside a running engine. Raises EngineFault when there is no journal to read.
    """
    path = folder / FILE
    if not path.exists():
        raise EngineFault(f"{folder}: there is no journal here; has the project ever run?")
    with closing(connect.reader(path)) as con:
        con.execute("BEGIN")
        partitions = read_partitions(con)
        total = read_past(con)
        endpoints, destinations = read_names(con, "endpoint"), read_names(con, "destination")
    found: list[Difference] = []
    checker = _Checker(folder, keyset, partitions, bodies=bodies)
    for partition in partitions.values():
        found += [Difference(partition.day, text) for text in checker.day(partition)]
    for key, n in checker.total.items():
        total[key] = total.get(key, 0) + n
    known = {f"{day}.db" for day in partitions}
    for stray in sorted(folder.glob("????-??-??.db")):
        if stray.name not in known:
            found.append(Difference(stray.stem, "its key is unknown: it cannot be read"))
    counts = name_counts(total, endpoints, destinations)
    found += [Difference("total", text) for text in _conserved(total, "in total")]
    return LedgerReport(counts, sorted(found), checker.days)


class _Checker:
    """Goes through the days and adds up what they hold."""

    def __init__(
        self, folder: Path, keyset: Keyset, partitions: dict[str, Partition], *, bodies: bool
    ) -> None:
        self.total: dict[Counter, int] = {}
        self.days = 0
        self._folder = folder
        self._keyset = keyset
        self._sealer = Sealer(keyset)
        self._partitions = partitions
        self._bodies = bodies

    def day(self, partition: Partition) -> Iterator[str]:
        """What is wrong with one day."""
        if partition.state == "damaged":
            yield "the file was found damaged and set aside; recover it or account for it by hand"
            return
        if partition.state not in _KEPT:
            return
        path = self._folder / f"{partition.day}.db"
        if not path.exists():
            yield "the file is missing"
            return
        self.days += 1
        try:
            with closing(connect.reader(path)) as con:
                con.execute("BEGIN")
                if self._bodies and con.execute("PRAGMA integrity_check(1)").fetchone()[0] != "ok":
                    yield "the file is damaged: its tables and indexes disagree"
                yield from self._rows(con)
                yield from chain.replay(con, self._sealer, partition.day, partition.link or b"")
                yield from self._anchors(con, partition)
                if self._bodies:
                    yield from self._open_all(con, partition)
        except sqlite3.DatabaseError as error:
            yield f"the file cannot be read through: {type(error).__name__}"

    def _rows(self, con: sqlite3.Connection) -> Iterator[str]:
        counters = {(what, number): n for what, number, n in con.execute(VERIFY["counters"])}
        recounted = _recount(con)
        for key in sorted(counters.keys() | recounted.keys(), key=str):
            what, number = key
            kept, rows = counters.get(key, 0), recounted.get(key, 0)
            if what != _NO_ROWS and kept != rows:
                yield f"counter {what} of {number} says {kept}, the rows say {rows}"
        yield from _conserved(counters, "by its counters")
        for what, count in con.execute(VERIFY["strays"]):
            if count:
                yield f"{what}: {count}"
        yield from _each(con, "unfinished", _agrees, "delivery and its newest event disagree")
        yield from _each(con, "replays", _replayed, "replay and its event disagree")
        for key, n in counters.items():
            self.total[key] = self.total.get(key, 0) + n

    def _anchors(self, con: sqlite3.Connection, partition: Partition) -> Iterator[str]:
        expected = [(partition.seal_n, partition.seal)]
        expected += [
            (item.link_n, item.link)
            for item in self._partitions.values()
            if item.previous == partition.day
        ]
        for n, digest in expected:
            if n is None:
                continue
            row = con.execute("SELECT digest FROM seal WHERE n = ?", (n,)).fetchone()
            if row is None or row[0] != digest:
                yield f"seal {n} is not the one that state.db remembers"

    def _open_all(self, con: sqlite3.Connection, partition: Partition) -> Iterator[str]:
        try:
            vault = day_vault(self._keyset, partition.day, partition.wrapped_key)
        except CorruptBody:
            yield "its key does not open with this key set"
            return
        for message, *row in con.execute(VERIFY["bodies"]):
            if not _opens(vault, message, row):
                yield f"the body or the reply of {to_text(message)} is corrupt"


def _recount(con: sqlite3.Connection) -> dict[Counter, int]:
    found: dict[Counter, int] = {}

    def add(what: str, number: int, n: int) -> None:
        found[what, number] = found.get((what, number), 0) + n

    for endpoint, word, n in con.execute(VERIFY["recount_messages"]):
        add("accepted", endpoint, n)
        add(word, endpoint, n)
    for destination, word, n in con.execute(VERIFY["recount_deliveries"]):
        add("d_owed", destination, n)
        add(word, destination, n)
    return found


def _conserved(counters: dict[Counter, int], where: str) -> Iterator[str]:
    for number in sorted({number for _, number in counters}, key=str):

        def n(what: str, number: int = number) -> int:
            return counters.get((what, number), 0)

        ends = sum(n(word) for word in ("delivered", "filtered", "dead", "pending"))
        if n("accepted") != ends:
            yield f"endpoint {number} {where}: accepted {n('accepted')}, accounted for {ends}"
        ends = sum(n(word) for word in ("d_open", "d_delivered", "d_dead", "d_discarded"))
        if n("d_owed") != ends:
            yield f"destination {number} {where}: owed {n('d_owed')}, accounted for {ends}"


def _each(
    con: sqlite3.Connection, query: str, good: Callable[..., bool], text: str
) -> Iterator[str]:
    for message, *row in con.execute(VERIFY[query]):
        if not good(*row):
            yield f"{to_text(message)}: {text}"


def _agrees(*row: Any) -> bool:
    state, attempts, due, done, reason, kind, attempts_, due_, at, detail = row
    match state:
        case 0:
            at_rest = (attempts, due, done, reason) == (0, None, None, None)
            return at_rest and kind in (None, "redriven")
        case 1:
            told = (attempts_, due_, None, detail)
            return bool(kind == "parked" and (attempts, due, done, reason or "") == told)
        case 3:
            told = (attempts_, None, at, detail)
            return bool(kind == "buried" and (attempts, due, done, reason or "") == told)
        case 4:
            told = (attempts_, None, at, None)
            return bool(kind == "discarded" and (attempts, due, done, reason) == told)
    return False


def _replayed(replayed: Any, detail: Any) -> bool:
    return isinstance(replayed, int) and bool(to_text(replayed) == detail)


def _opens(vault: Vault, message: int, row: list[Any]) -> bool:
    endpoint, digest, reply, sealed = row
    try:
        vault.check(message, endpoint, sealed, digest)
        vault.open_reply(message, endpoint, reply)
    except (CorruptBody, TypeError):
        return False
    return True

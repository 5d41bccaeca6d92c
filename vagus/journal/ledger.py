"""The ledger: what was accepted is delivered, filtered, dead or pending, recounted from the rows.

`verify` needs no engine and disturbs none: every day is read in one snapshot of its own, in which
rows and counters were written by the same transactions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vagus.journal import chain
from vagus.journal.book import Book
from vagus.journal.counts import Counts, name_counts
from vagus.journal.day import Counter
from vagus.journal.place import Place, placed
from vagus.journal.seals import Sealer
from vagus.journal.seam import FAILURES, Connection
from vagus.journal.state import Partition
from vagus.journal.statements import VERIFY
from vagus.journal.vault import CorruptBody, Vault, day_vault
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


def verify(where: Place | Path, keyset: Keyset, *, bodies: bool = True) -> LedgerReport:
    """Recount every day, compare with its counters, check conservation, replay the seals.

    With `bodies` every body is opened and compared with its hash, and every index with its
    table. Works beside a running engine. Raises EngineFault when there is no journal to read.
    """
    total: dict[Counter, int] = {}
    names: dict[str, dict[int, str]] = {"endpoint": {}, "destination": {}}
    found: list[Difference] = []
    days = 0
    for book in placed(where).books():
        checker = _Checker(book, keyset, bodies=bodies)
        with closing(book):
            found += checker.differences()
        days += checker.days
        for kind, known in book.names.items():
            names[kind] |= known
        for counts in (book.past, checker.total):
            for key, n in counts.items():
                total[key] = total.get(key, 0) + n
    counts_ = name_counts(total, names["endpoint"], names["destination"])
    found += [Difference("total", text) for text in _conserved(total, "in total")]
    return LedgerReport(counts_, sorted(found), days)


class _Checker:
    """Goes through the days of one book and adds up what they hold."""

    def __init__(self, book: Book, keyset: Keyset, *, bodies: bool) -> None:
        self.total: dict[Counter, int] = {}
        self.days = 0
        self._book = book
        self._keyset = keyset
        self._sealer = Sealer(keyset)
        self._bodies = bodies

    def differences(self) -> Iterator[Difference]:
        """Everything that is wrong."""
        book = self._book
        for partition in book.partitions.values():
            for text in self._day(partition):
                yield Difference(f"{partition.day} {book.owner}".strip(), text)
        for day in book.strays():
            yield Difference(day, "its key is unknown: it cannot be read")

    def _day(self, partition: Partition) -> Iterator[str]:
        """What is wrong with one day."""
        if partition.state == "damaged":
            yield "the file was found damaged and set aside; recover it or account for it by hand"
            return
        if partition.state not in _KEPT:
            return
        if not self._book.has(partition.day):
            yield "the file is missing"
            return
        self.days += 1
        try:
            with self._book.reading(partition.day) as con:
                if self._bodies and not self._book.is_whole(con):
                    yield "the file is damaged: its tables and indexes disagree"
                yield from self._rows(con)
                yield from chain.replay(con, self._sealer, partition.day, partition.link or b"")
                yield from self._anchors(con, partition)
                if self._bodies:
                    yield from self._open_all(con, partition)
        except FAILURES as error:
            yield f"the file cannot be read through: {type(error).__name__}"

    def _rows(self, con: Connection) -> Iterator[str]:
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

    def _anchors(self, con: Connection, partition: Partition) -> Iterator[str]:
        expected = [(partition.seal_n, partition.seal)]
        expected += [
            (item.link_n, item.link)
            for item in self._book.partitions.values()
            if item.previous == partition.day
        ]
        for n, digest in expected:
            if n is None:
                continue
            row = con.execute(VERIFY["seal_at"], (n,)).fetchone()
            if row is None or row[0] != digest:
                yield f"seal {n} is not the one that was remembered"

    def _open_all(self, con: Connection, partition: Partition) -> Iterator[str]:
        try:
            vault = day_vault(self._keyset, partition.day, partition.wrapped_key)
        except CorruptBody:
            yield "its key does not open with this key set"
            return
        for message, *row in con.execute(VERIFY["bodies"]):
            if not _opens(vault, message, row):
                yield f"the body or the reply of {to_text(message)} is corrupt"


def _recount(con: Connection) -> dict[Counter, int]:
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


def _each(con: Connection, query: str, good: Callable[..., bool], text: str) -> Iterator[str]:
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

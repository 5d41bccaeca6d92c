"""The journals of all nodes, read from beside their engines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from vagus.journal.archive import Archive
from vagus.journal.book import Book
from vagus.journal.days import day_name, day_number, day_of
from vagus.journal.postgres.dialect import day_suffix, rendered, state_suffix
from vagus.journal.postgres.session import Session, Tables, Use
from vagus.journal.postgres.settings import Postgres
from vagus.journal.seam import Connection, Cursor, StoreFault
from vagus.journal.state import Kind, Partition, read_names, read_partitions, read_past
from vagus.journal.vault import CorruptBody, Vault, day_vault
from vagus.kernel.errors import EngineFault
from vagus.kernel.ids import node_of
from vagus.kernel.keys import Keyset

_READ = Use("reader", patience=2.0)
_PAGE = 2_000
_STATES = (
    "SELECT c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
    " WHERE n.nspname = current_schema() AND c.relkind = 'r' AND c.relname LIKE 'partition\\_n%'"
)
_DAYS = _STATES.replace("partition\\_n%", "message\\_%")
_DAY = re.compile(r"message_(\d{4})(\d\d)(\d\d)_n(\d+)$")


def nodes_of(session: Session) -> list[int]:
    """The nodes that ever ran; raises StoreFault."""
    rows = session.run(_STATES).fetchall()
    return sorted(int(row[0].removeprefix("partition_n")) for row in rows)


def days_of(session: Session) -> dict[int, set[str]]:
    """The days whose tables are there, for each node; raises StoreFault."""
    found: dict[int, set[str]] = {}
    for (table,) in session.run(_DAYS).fetchall():
        if match := _DAY.match(table):
            found.setdefault(int(match[4]), set()).add("-".join(match.groups()[:3]))
    return found


class TableArchive(Archive):
    """Opens days as they are asked for."""

    def __init__(self, settings: Postgres, keyset: Keyset) -> None:
        self._session = Session(settings, _READ)
        self._keyset = keyset
        try:
            nodes = nodes_of(self._session)
        except StoreFault:
            self.close()
            raise
        if not nodes:
            self.close()
            raise EngineFault(f"{settings.name}: there is no journal here")

    def _known(self) -> Iterator[tuple[int, str, Partition]]:
        there = days_of(self._session)
        for node in nodes_of(self._session):
            for day, partition in self._partitions(node).items():
                if partition.state in ("open", "closed") and day in there.get(node, ()):
                    yield node, day, partition

    def _partitions(self, node: int) -> dict[str, Partition]:
        return read_partitions(Tables(self._session, state_suffix(node)))

    def days(self) -> list[int]:
        """The days of all nodes, newest first."""
        return sorted({day_number(day) for _, day, _ in self._known()}, reverse=True)

    def on(self, number: int) -> list[Connection]:
        """The tables of a day, of each node that wrote on it."""
        return [
            Tables(self._session, day_suffix(day, node))
            for node, day, _ in self._known()
            if day == day_name(number)
        ]

    def of(self, message_id: int) -> Connection | None:
        """The tables a message is in, or None."""
        node, day = node_of(message_id), day_name(day_of(message_id))
        if day in days_of(self._session).get(node, ()):
            return Tables(self._session, day_suffix(day, node))
        return None

    def vault(self, message_id: int) -> Vault:
        """What opens a message's body; raises CorruptBody when its key is gone."""
        day = day_name(day_of(message_id))
        partition = self._partitions(node_of(message_id)).get(day)
        if partition is None or partition.wrapped_key is None:
            raise CorruptBody(f"the key of {day} was destroyed: its bodies cannot be read")
        return day_vault(self._keyset, day, partition.wrapped_key)

    def names(self, kind: Kind) -> dict[int, str]:
        """Every name of a kind by its number."""
        return read_names(Tables(self._session, ""), kind)

    def past(self) -> dict[tuple[str, int], int]:
        """The counters of all days of all nodes that were dropped."""
        total: dict[tuple[str, int], int] = {}
        for node in nodes_of(self._session):
            for key, n in read_past(Tables(self._session, state_suffix(node))).items():
                total[key] = total.get(key, 0) + n
        return total

    def close(self) -> None:
        """Close the connection."""
        self._session.close()


class TableBook(Book):
    """The journal of one node."""

    def __init__(self, settings: Postgres, node: int) -> None:
        self.owner = f"node {node}"
        self._node = node
        self._session = Session(settings, _READ)
        tables = Tables(self._session, state_suffix(node))
        self.partitions = read_partitions(tables)
        self.past = read_past(tables)
        self.names = {
            "endpoint": read_names(tables, "endpoint"),
            "destination": read_names(tables, "destination"),
        }
        self._days = days_of(self._session).get(node, set())

    def has(self, day: str) -> bool:
        """Whether its tables are there."""
        return day in self._days

    @contextmanager
    def reading(self, day: str) -> Iterator[Connection]:
        """A transaction in which nothing that others commit is seen."""
        self._session.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try:
            yield _Pages(self._session, day_suffix(day, self._node))
        finally:
            self._session.run("ROLLBACK")

    def is_whole(self, con: Connection) -> bool:
        """PostgreSQL looks after its own files."""
        return True

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def strays(self) -> list[str]:
        """Tables of days without a key."""
        return sorted(self._days - self.partitions.keys())


class _Pages:
    """Runs a query page by page when it goes through a whole table."""

    def __init__(self, session: Session, suffix: str) -> None:
        self._session = session
        self._suffix = suffix
        self._cursors = 0

    def execute(self, sql: str, values: Sequence[Any] = (), /) -> Cursor:
        """Run one statement; raises StoreFault."""
        text = rendered(sql, self._suffix)
        if values:
            return self._session.run(text, values)
        self._cursors += 1
        return _Paged(self._session.pages(f"c{self._cursors}", text, _PAGE))


class _Paged:
    """The rows of a cursor of the server."""

    rowcount = -1

    def __init__(self, rows: Iterator[Any]) -> None:
        self._rows = rows

    def fetchone(self) -> Any:
        """The next row, or None."""
        return next(self._rows, None)

    def fetchall(self) -> list[Any]:
        """All rows that are left."""
        return list(self._rows)

    def __iter__(self) -> Iterator[Any]:
        return self._rows

"""What outlives the days: names, the days' keys and anchors, control numbers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal

from vagus.journal.seam import Connection

Kind = Literal["endpoint", "destination"]
REMEMBER = (
    "INSERT INTO meta(key, value) VALUES(?, ?)"
    " ON CONFLICT(key) DO UPDATE SET value = excluded.value"
)


@dataclass(frozen=True, slots=True)
class Partition:
    """What is kept about a day: its wrapped key, its place in the seal chain, its anchor."""

    day: str
    wrapped_key: bytes | None
    state: str
    previous: str | None
    link_n: int | None
    link: bytes | None
    first: int | None
    last: int | None
    seal_n: int | None
    seal: bytes | None
    held: str | None


class State(ABC):
    """What one engine keeps beside its days; safe from any thread."""

    @abstractmethod
    def writing(self) -> AbstractContextManager[Connection]:
        """A transaction that shuts out every other writer; durable when it is left."""

    @abstractmethod
    def reading(self) -> AbstractContextManager[Connection]:
        """A connection, for a query."""

    @abstractmethod
    def version(self) -> int:
        """A number that is another one when a request may have come; costs microseconds."""

    @abstractmethod
    def keys_changed(self) -> None:
        """Keys were destroyed or replaced: the old ones must not live on in a log."""

    @abstractmethod
    def close(self) -> None:
        """Close the connection."""

    def name_id(self, kind: Kind, name: str) -> int:
        """The number of a name, given at its first use and kept for ever."""
        with self.writing() as con:
            row = con.execute(
                "SELECT id FROM name WHERE kind = ? AND name = ?", (kind, name)
            ).fetchone()
            if row is None:
                row = con.execute(
                    "INSERT INTO name(kind, id, name) SELECT ?, coalesce(max(id), 0) + 1, ?"
                    " FROM name WHERE kind = ? RETURNING id",
                    (kind, name, kind),
                ).fetchone()
        return int(row[0])

    def names(self, kind: Kind) -> dict[int, str]:
        """Every name of a kind by its number."""
        with self.reading() as con:
            return read_names(con, kind)

    def meta(self, key: str) -> bytes | None:
        """A remembered value."""
        with self.reading() as con:
            row = con.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else bytes(row[0])

    def remember(self, key: str, value: bytes) -> None:
        """Keep a value."""
        with self.writing() as con:
            con.execute(REMEMBER, (key, value))

    def partitions(self) -> dict[str, Partition]:
        """Every day ever begun, oldest first."""
        with self.reading() as con:
            return read_partitions(con)

    def add_partition(self, partition: Partition) -> None:
        """Remember a new day."""
        with self.writing() as con:
            con.execute(
                "INSERT INTO partition(day, wrapped_key, state, previous, link_n, link)"
                " VALUES(?, ?, ?, ?, ?, ?)",
                (
                    partition.day,
                    partition.wrapped_key,
                    partition.state,
                    partition.previous,
                    partition.link_n,
                    partition.link,
                ),
            )

    def anchor(self, day: str, n: int, digest: bytes, span: tuple[int | None, int | None]) -> None:
        """Remember the newest seal of a day, and its first and last id."""
        with self.writing() as con:
            con.execute(
                "UPDATE partition SET seal_n = ?, seal = ?, first = ?, last = ? WHERE day = ?",
                (n, digest, *span, day),
            )

    def set_partition_state(self, day: str, state: str) -> None:
        """Mark a day as closed, dropped or damaged."""
        with self.writing() as con:
            con.execute("UPDATE partition SET state = ? WHERE day = ?", (state, day))

    def rename_partition(self, day: str, name: str) -> None:
        """Give a damaged day another name, so that its key is kept and the day can begin anew."""
        with self.writing() as con:
            renamed = con.execute(
                "UPDATE partition SET day = ?, state = 'damaged' WHERE day = ?", (name, day)
            )
            if not renamed.rowcount:
                con.execute("INSERT INTO partition(day, state) VALUES(?, 'damaged')", (name,))

    def drop(self, day: str, counts: dict[tuple[str, int], int]) -> None:
        """Destroy a day's key, and take its counters over, in one step."""
        with self.writing() as con:
            con.execute(
                "UPDATE partition SET wrapped_key = NULL, state = 'dropped' WHERE day = ?", (day,)
            )
            for (what, number), n in counts.items():
                con.execute(
                    "INSERT INTO past(what, id, n) VALUES(?, ?, ?)"
                    " ON CONFLICT(what, id) DO UPDATE SET n = past.n + excluded.n",
                    (what, number, n),
                )
        self.keys_changed()

    def set_wrapped(self, wrapped: dict[str, bytes]) -> None:
        """Replace the wrapped keys of days, all of them or none."""
        with self.writing() as con:
            for day, key in wrapped.items():
                con.execute(
                    "UPDATE partition SET wrapped_key = ? WHERE day = ?"
                    " AND wrapped_key IS NOT NULL",
                    (key, day),
                )
        self.keys_changed()

    def hold(self, day: str, reason: str | None) -> None:
        """Keep a day from being dropped, or with None let it go."""
        with self.writing() as con:
            con.execute("UPDATE partition SET held = ? WHERE day = ?", (reason, day))

    def past(self) -> dict[tuple[str, int], int]:
        """The counters of all days that were dropped."""
        with self.reading() as con:
            return read_past(con)

    def allocate(self, scope: str, count: int = 100, first: int = 1) -> range:
        """A block of control numbers of a scope; numbers never come back, gaps are allowed."""
        with self.writing() as con:
            row = con.execute(
                "SELECT next FROM control_number WHERE scope = ?", (scope,)
            ).fetchone()
            start = first if row is None else int(row[0])
            con.execute(
                "INSERT INTO control_number(scope, next) VALUES(?, ?)"
                " ON CONFLICT(scope) DO UPDATE SET next = excluded.next",
                (scope, start + count),
            )
        return range(start, start + count)


def read_names(con: Connection, kind: Kind) -> dict[int, str]:
    """Every name of a kind by its number."""
    return dict(con.execute("SELECT id, name FROM name WHERE kind = ? ORDER BY id", (kind,)))


def read_partitions(con: Connection) -> dict[str, Partition]:
    """Every day ever begun."""
    rows = con.execute(
        "SELECT day, wrapped_key, state, previous, link_n, link, first, last, seal_n, seal, held"
        " FROM partition ORDER BY day"
    )
    return {row[0]: Partition(*row) for row in rows}


def read_past(con: Connection) -> dict[tuple[str, int], int]:
    """The counters of dropped days."""
    return {(what, number): n for what, number, n in con.execute("SELECT what, id, n FROM past")}

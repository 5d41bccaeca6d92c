"""A day in a SQLite file of its own."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vagus.journal import connect
from vagus.journal.day import Day, Who
from vagus.journal.entries import Accept
from vagus.journal.keyfile import KeyFile, key_of
from vagus.journal.statements import QUERIES, script

_NEW = ".new"
_KNOWN, _SAME, _USED = (QUERIES[name] for name in ("control_known", "same_message", "control_used"))


@dataclass(slots=True)
class FileDay(Day):
    """A day in a file; writable while it has a connection that writes."""

    path: Path
    keys: KeyFile | None = field(default=None, init=False)
    con: sqlite3.Connection | None = field(default=None, init=False)
    _reader: sqlite3.Connection | None = field(default=None, init=False)

    @property
    def where(self) -> str:
        """Its file."""
        return str(self.path)

    @property
    def writable(self) -> bool:
        """Whether it can be written at once."""
        return self.con is not None

    @property
    def reader(self) -> sqlite3.Connection:
        """A read-only connection, which sees what is committed."""
        if self._reader is None:
            self._reader = connect.reader(self.path)
        return self._reader

    @property
    def writer(self) -> sqlite3.Connection:
        """The connection that writes."""
        assert self.con is not None
        return self.con

    def open_writer(self, factory: type[sqlite3.Connection], cache_kib: int) -> None:
        """Make the day writable; raises sqlite3.Error."""
        if self.con is not None:
            return
        con = connect.writer(self.path, cache_kib=cache_kib, factory=factory)
        try:
            row = con.execute(QUERIES["last_seal"]).fetchone()
        except sqlite3.Error:
            con.close()
            raise
        self.head = (row[0], row[1]) if row else (0, b"")
        self.con = con

    def begin(self) -> None:
        """Take the write lock; raises sqlite3.OperationalError when another holds it."""
        self.writer.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Make it durable; runs on the commit thread."""
        self.writer.execute("COMMIT")

    def roll_back(self) -> None:
        """Undo everything."""
        if self.writer.in_transaction:
            self.writer.execute("ROLLBACK")

    def many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run a statement for each row."""
        self.writer.executemany(sql, rows)

    def apply(self, sql: str, rows: Sequence[tuple[Any, ...]], key: int) -> list[bool]:
        """All at once when every row is found, as is usual; otherwise again, one by one."""
        if not rows:
            return []
        con = self.writer
        con.execute("SAVEPOINT many")
        if con.executemany(sql, rows).rowcount == len(rows):
            con.execute("RELEASE many")
            return [True] * len(rows)
        con.execute("ROLLBACK TO many")
        con.execute("RELEASE many")
        return [con.execute(sql, row).rowcount == 1 for row in rows]

    def expect(self, entries: Sequence[tuple[Accept, Who]], other: Day) -> None:
        """Nothing to prepare: a look-up costs microseconds."""

    def seen(self, entry: Accept, who: Who, other: Day) -> tuple[int, bytes | None] | bool:
        """The very message with its sealed reply, or whether its control id was used."""
        endpoint, sender, control = who
        if other is not self and self.keys is not None and key_of(*who) not in self.keys:
            return False
        con = self.writer if other is self else self.reader
        if con.execute(_KNOWN, (control,)).fetchone() is None:
            return False
        values = (control, entry.hash[:8], entry.hash, endpoint, sender)
        row = con.execute(_SAME, values).fetchone()
        if row is not None:
            return row[0], row[1]
        return con.execute(_USED, (control, endpoint, sender)).fetchone() is not None

    def close_writer(self, *, checkpoint: bool = True) -> None:
        """Give up writing; with `checkpoint` the file stands alone afterwards."""
        self.close_reader()
        if self.con is None:
            return
        con = self.release_writer()
        if checkpoint:
            checkpoint_and_close(con)
        else:
            con.close()

    def release_writer(self) -> sqlite3.Connection:
        """The connection that wrote this day, to be closed by the caller."""
        con = self.writer
        self.con = None
        self.forget_tallies()
        if con.in_transaction:
            con.execute("ROLLBACK")
        return con

    def close_reader(self) -> None:
        """Close the read-only connection; it opens again when it is needed."""
        con, self._reader = self._reader, None
        if con is not None:
            con.close()

    def close(self, *, checkpoint: bool = True) -> None:
        """Close everything that is open on this day."""
        keys, self.keys = self.keys, None
        if keys is not None:
            keys.close()
        self.close_writer(checkpoint=checkpoint)


def checkpoint_and_close(con: sqlite3.Connection) -> None:
    """Close a writing connection so that the file stands alone; for any thread."""
    try:
        con.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        con.close()


def create_file(path: Path, at: int, start: bytes) -> None:
    """Make an empty day whose seal 0 is `start`, under a name that recovery knows as unfinished."""
    unfinished = path.with_name(path.name + _NEW)
    discard(unfinished)
    con = connect.writer(unfinished, cache_kib=2_048)
    try:
        con.executescript(f"BEGIN;{script('day.sql')}COMMIT;")
        con.execute(QUERIES["insert_seal"], (0, at, 0, 0, 0, start))
        con.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        con.close()


def finish_file(path: Path) -> bool:
    """Give a made day its name; False when there was none to name."""
    unfinished = path.with_name(path.name + _NEW)
    if not unfinished.exists():
        return False
    os.replace(unfinished, path)
    connect.sync_folder(path.parent)
    return True


def unfinished_files(folder: Path) -> list[Path]:
    """Days whose making was interrupted, by the name they were to get."""
    return [path.with_name(path.name.removesuffix(_NEW)) for path in folder.glob("*.db" + _NEW)]


def discard(path: Path) -> None:
    """Remove a database file and what SQLite keeps beside it."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)

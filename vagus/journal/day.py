"""One day of the journal: its file, its key, its counters, and the head of its seal chain."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path

from vagus.journal import connect
from vagus.journal.days import day_name
from vagus.journal.keyfile import KeyFile
from vagus.journal.statements import QUERIES, script
from vagus.journal.tally import OPEN, SLOT, Tally
from vagus.journal.vault import Vault

Counter = tuple[str, int]
#: Tallies kept in memory for each day; beyond it they are read back from the rows.
_TALLIES = 32_768
_NEW = ".new"


@dataclass(slots=True)
class Day:
    """A day that can be read, and written while `writer` is set."""

    number: int
    path: Path
    vault: Vault
    counts: dict[Counter, int] = field(default_factory=dict)
    head: tuple[int, bytes] = (0, b"")
    last: int = 0  # the newest id stored when the day was loaded
    writer: sqlite3.Connection | None = None
    keys: KeyFile | None = None
    _reader: sqlite3.Connection | None = None
    _tallies: dict[int, Tally] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The day as `2026-11-22`."""
        return day_name(self.number)

    @property
    def pending(self) -> int:
        """How many of its messages are not finished."""
        return sum(n for (what, _), n in self.counts.items() if what == "pending")

    @property
    def reader(self) -> sqlite3.Connection:
        """A read-only connection, which sees what is committed."""
        if self._reader is None:
            self._reader = connect.reader(self.path)
        return self._reader

    def open_writer(self, factory: type[sqlite3.Connection], cache_kib: int) -> None:
        """Make the day writable; raises sqlite3.Error."""
        if self.writer is not None:
            return
        con = connect.writer(self.path, cache_kib=cache_kib, factory=factory)
        try:
            row = con.execute(QUERIES["last_seal"]).fetchone()
        except sqlite3.Error:
            con.close()
            raise
        self.head = (row[0], row[1]) if row else (0, b"")
        self.writer = con

    def load(self) -> None:
        """Read back from the file what is kept in memory; raises sqlite3.DatabaseError."""
        con = self.reader
        rows = con.execute("SELECT what, id, n FROM ledger")
        self.counts = {(what, number): n for what, number, n in rows}
        self.last = con.execute("SELECT coalesce(max(id), 0) FROM message").fetchone()[0]
        self.head = con.execute(QUERIES["last_seal"]).fetchone() or (0, b"")

    def span(self) -> tuple[int | None, int | None]:
        """The first and the last id stored."""
        row = self.reader.execute(
            "SELECT (SELECT min(id) FROM message), (SELECT max(id) FROM message)"
        ).fetchone()
        return row[0], row[1]

    def tally(self, message: int) -> Tally | None:
        """The deliveries of a message as this transaction sees them; None: no such message.

        The caller gets a list of its own.
        """
        kept = self._tallies.get(message)
        if kept is not None:
            return kept.copy()
        assert self.writer is not None
        row = self.writer.execute(QUERIES["message_state"], (message,)).fetchone()
        if row is None:
            return None
        tally = [row[0], 0, 0, 0, 0]
        for state, count in self.writer.execute(QUERIES["delivery_states"], (message,)):
            tally[SLOT[state]] += count
        return tally

    def keep_tallies(self, tallies: dict[int, Tally]) -> None:
        """Take over the tallies of a transaction that is durable."""
        kept = self._tallies
        for message, tally in tallies.items():
            if tally[OPEN] and (message in kept or len(kept) < _TALLIES):
                kept[message] = tally
            else:
                kept.pop(message, None)

    def close_writer(self, *, checkpoint: bool = True) -> None:
        """Give up writing; with `checkpoint` the file stands alone afterwards."""
        self.close_reader()
        if self.writer is None:
            return
        con = self.release_writer()
        if checkpoint:
            checkpoint_and_close(con)
        else:
            con.close()

    def release_writer(self) -> sqlite3.Connection:
        """The connection that wrote this day, to be closed by the caller."""
        con = self.writer
        assert con is not None
        self.writer = None
        self._tallies.clear()
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

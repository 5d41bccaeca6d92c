"""`state.db`: the state of a journal in a folder."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vagus.journal import connect
from vagus.journal.state import State
from vagus.journal.statements import script
from vagus.kernel.errors import EngineFault

FILE = "state.db"


class FileState(State):
    """The one connection of this process that writes `state.db`; safe from any thread."""

    def __init__(self, folder: Path) -> None:
        self._lock = threading.RLock()
        new = not (folder / FILE).exists()
        try:
            self._con = connect.writer(folder / FILE, cache_kib=2_048, busy_ms=5_000)
        except sqlite3.DatabaseError as error:
            raise _broken(folder) from error
        try:
            self._con.execute("PRAGMA secure_delete=ON")
            with self.writing():
                for statement in script("state.sql").split(";\n"):
                    self._con.execute(statement)
        except sqlite3.DatabaseError as error:
            self._con.close()
            raise _broken(folder) from error
        if new:
            connect.sync_folder(folder)
            connect.sync_folder(folder.parent)

    def close(self) -> None:
        """Close the connection; the last one to close checkpoints."""
        with self._lock:
            self._con.close()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that shuts out every other writer; durable when it is left."""
        with self._lock:
            self._con.execute("BEGIN IMMEDIATE")
            try:
                yield self._con
                self._con.execute("COMMIT")
            except BaseException:
                if self._con.in_transaction:
                    self._con.execute("ROLLBACK")
                raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, for a query."""
        with self._lock:
            yield self._con

    def version(self) -> int:
        """SQLite's own count of what other connections have written."""
        with self._lock:
            return int(self._con.execute("PRAGMA data_version").fetchone()[0])

    def keys_changed(self) -> None:
        """A destroyed key must not live on in the write-ahead log."""
        with self._lock:
            self._con.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _broken(folder: Path) -> EngineFault:
    return EngineFault(
        f"{folder / FILE} cannot be used: it holds the keys of all days, so restore it from a"
        " backup before starting"
    )

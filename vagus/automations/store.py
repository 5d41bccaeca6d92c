"""What an automation remembers between starts: events done, kept back, and given up.

One SQLite file in a folder that one automation at a time may use. What is put in one turn of the
event loop becomes one transaction; whoever put it is called back after the commit. Bodies are
kept as they came: sealed.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vagus.kernel.clock import Clock
from vagus.kernel.errors import ConfigError
from vagus.kernel.log import get_logger

log = get_logger(__name__)

FILE = "automation.db"
KEEP_DONE = 14 * 86400.0  # seconds for which an event is recognised if it comes again
_SCHEMA = """\
CREATE TABLE IF NOT EXISTS done(id TEXT PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS kept(seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
  headers TEXT NOT NULL, sealed BLOB NOT NULL, attempts INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS dead(id TEXT PRIMARY KEY, at REAL NOT NULL, type TEXT NOT NULL,
  code TEXT NOT NULL, attempts INTEGER NOT NULL, headers TEXT NOT NULL, sealed BLOB NOT NULL,
  redrive INTEGER NOT NULL DEFAULT 0);
"""
Then = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Kept:
    """An event that was taken from its queue and waits here, still sealed."""

    seq: int
    id: str
    headers: Mapping[str, Any]
    sealed: bytes
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Dead:
    """An event that was given up, and the word for why."""

    id: str
    at: float  # unix seconds
    type: str
    code: str
    attempts: int


class Store:
    """The state of one automation. Operators may open it beside a running one, to look and ask."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        """Raises ConfigError when the file cannot be used."""
        self._clock = clock
        self._entries: list[tuple[str, tuple[Any, ...]]] = []
        self._thens: list[Then] = []
        self._due = False
        #: Called when something could not be written; the automation must end then.
        self.on_failure: Then = _nothing
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._con = sqlite3.connect(folder / FILE, isolation_level=None, timeout=5)
            self._con.execute("PRAGMA journal_mode=WAL")
            self._con.execute("PRAGMA synchronous=FULL")
            self._con.executescript(_SCHEMA)
            self._con.execute("DELETE FROM done WHERE at < ?", (clock.now() - KEEP_DONE,))
        except (sqlite3.Error, OSError):
            text = "the state of the automation cannot be used: it is damaged or not writable"
            raise ConfigError(f"{folder / FILE}: {text}") from None

    def close(self) -> None:
        """Write what was put, and let go of the file."""
        self.commit()
        self._con.close()

    def is_done(self, id: str) -> bool:
        """Whether an event was done with, or given up, before."""
        sql = "SELECT 1 FROM done WHERE id = ?1 UNION ALL SELECT 1 FROM dead WHERE id = ?1"
        return self._con.execute(sql, (id,)).fetchone() is not None

    def kept(self, after: int, limit: int) -> list[Kept]:
        """What waits here, in order, after a number."""
        sql = (
            "SELECT seq, id, headers, sealed, attempts FROM kept WHERE seq > ? ORDER BY seq LIMIT ?"
        )
        rows = self._con.execute(sql, (after, limit))
        return [Kept(row[0], row[1], json.loads(row[2]), row[3], row[4]) for row in rows]

    def sealed(self, seq: int) -> bytes:
        """The sealed body of an event that waits here."""
        row = self._con.execute("SELECT sealed FROM kept WHERE seq = ?", (seq,)).fetchone()
        return bytes(row[0])

    def last(self) -> int:
        """The greatest number of what waits here; 0 when nothing does."""
        return int(self._con.execute("SELECT coalesce(max(seq), 0) FROM kept").fetchone()[0])

    def dead(self) -> list[Dead]:
        """What was given up, oldest first."""
        rows = self._con.execute("SELECT id, at, type, code, attempts FROM dead ORDER BY at")
        return [Dead(*row) for row in rows]

    def ask_redrive(self, id: str) -> bool:
        """Have a dead event tried again by whoever runs on this state; False if it is not there."""
        done = self._con.execute("UPDATE dead SET redrive = 1 WHERE id = ?", (id,))
        return done.rowcount == 1

    def asked(self) -> list[str]:
        """The dead events that are to be tried again."""
        return [row[0] for row in self._con.execute("SELECT id FROM dead WHERE redrive = 1")]

    def revive(self, id: str, seq: int) -> None:
        """A dead event waits here again, as the newest."""
        sql = "INSERT INTO kept SELECT ?, id, headers, sealed, 0 FROM dead WHERE id = ?"
        self._put(sql, seq, id)
        self._put("DELETE FROM dead WHERE id = ?", id)
        self.commit()

    def finish(self, id: str, then: Then) -> None:
        """An event is done with."""
        self._put("DELETE FROM kept WHERE id = ?", id)
        self._put("INSERT OR REPLACE INTO done VALUES(?, ?)", id, self._clock.now(), then=then)

    def bury(self, event: Kept, type: str, code: str, then: Then) -> None:
        """An event is given up."""
        headers = _text(event.headers)
        now, sql = self._clock.now(), "INSERT OR REPLACE INTO dead VALUES(?, ?, ?, ?, ?, ?, ?, 0)"
        self._put("DELETE FROM kept WHERE id = ?", event.id)
        values = (event.id, now, type, code, event.attempts, headers, event.sealed)
        self._put(sql, *values, then=then)

    def keep(self, event: Kept, then: Then) -> None:
        """An event waits here instead of in its queue."""
        values = (event.seq, event.id, _text(event.headers), event.sealed, event.attempts)
        self._put("INSERT OR REPLACE INTO kept VALUES(?, ?, ?, ?, ?)", *values, then=then)

    def tried(self, id: str, attempts: int) -> None:
        """An event that waits here was tried once more."""
        self._put("UPDATE kept SET attempts = ? WHERE id = ?", attempts, id)

    def _put(self, sql: str, *values: Any, then: Then | None = None) -> None:
        self._entries.append((sql, values))
        if then is not None:
            self._thens.append(then)
        if not self._due:
            self._due = True
            asyncio.get_running_loop().call_soon(self.commit)

    def commit(self) -> None:
        """Write what was put; what follows from it follows."""
        self._due = False
        entries, self._entries = self._entries, []
        thens, self._thens = self._thens, []
        try:
            self._write(entries)
        except sqlite3.Error as error:  # nothing of it is acknowledged: it comes again
            log.exception("state_not_written", error=error)
            self.on_failure()
            return
        for then in thens:
            then()

    def _write(self, entries: list[tuple[str, tuple[Any, ...]]]) -> None:
        if entries:
            self._con.execute("BEGIN IMMEDIATE")
            for sql, values in entries:
                self._con.execute(sql, values)
            self._con.execute("COMMIT")


def _nothing() -> None:
    """What follows a failure when nobody has said what should."""


def _text(headers: Mapping[str, Any]) -> str:
    """Headers as JSON; only words are of use to us."""
    return json.dumps({key: value for key, value in headers.items() if isinstance(value, str)})

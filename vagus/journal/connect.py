"""Opening SQLite files the one way that keeps the promises: WAL, and fsync at every commit."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path
from urllib.parse import quote

from vagus.journal.seam import StoreFault, Trouble
from vagus.kernel.errors import EngineFault


class JournalAway(EngineFault):
    """Rows cannot be read for now: the same query can succeed later."""


ERROR, BUSY, CORRUPT, FULL, NOT_A_DATABASE = 1, 5, 11, 13, 26
_PRAGMAS = (
    "page_size=4096",
    "journal_mode=WAL",
    "synchronous=FULL",
    # Pages must reach the file in COMMIT, on its thread, and nowhere else.
    "cache_spill=OFF",
    "temp_store=MEMORY",
    "wal_autocheckpoint=4000",
)


def writer(
    path: Path,
    *,
    cache_kib: int = 65_536,
    busy_ms: int = 100,
    factory: type[sqlite3.Connection] = sqlite3.Connection,
) -> sqlite3.Connection:
    """A connection that writes; transactions are begun and ended by the caller."""
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    con = sqlite3.connect(
        path,
        timeout=busy_ms / 1000,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
        factory=factory,
    )
    try:
        for pragma in (*_PRAGMAS, f"cache_size=-{cache_kib}"):
            con.execute(f"PRAGMA {pragma}")
    except sqlite3.Error:
        con.close()
        raise
    con.text_factory = readable
    return con


def reader(path: Path, busy_ms: int = 5_000) -> sqlite3.Connection:
    """A connection that can only read, beside a writer in this or another process."""
    con = sqlite3.connect(
        f"file:{quote(str(path))}?mode=ro",
        timeout=busy_ms / 1000,
        uri=True,
        isolation_level=None,
        check_same_thread=False,
    )
    con.text_factory = readable
    return con


def readable(raw: bytes) -> str:
    """Text as stored, also where damage has left bytes that are not UTF-8."""
    return raw.decode("utf-8", "surrogateescape")


def primary_code(error: BaseException) -> int:
    """SQLite's primary result code of an error, or 0."""
    return int(getattr(error, "sqlite_errorcode", None) or 0) & 0xFF


def is_damage(error: BaseException) -> bool:
    """Whether the file itself is broken."""
    return primary_code(error) in (CORRUPT, NOT_A_DATABASE)


def is_passing(error: BaseException) -> bool:
    """Whether trying again later can succeed: no space, locked, or away."""
    if isinstance(error, StoreFault):
        return error.trouble is Trouble.PASSING
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    return primary_code(error) in (FULL, BUSY)


def is_refusal(error: BaseException) -> bool:
    """Whether the statement was at fault, not the file: a value that no row can hold."""
    if isinstance(error, StoreFault):
        return error.trouble is Trouble.REFUSED
    if isinstance(error, sqlite3.Error):
        return isinstance(
            error, sqlite3.IntegrityError | sqlite3.InterfaceError | sqlite3.ProgrammingError
        )
    return not isinstance(error, OSError | MemoryError | EngineFault)


def sync_folder(folder: Path) -> None:
    """Make renames and new names in the folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

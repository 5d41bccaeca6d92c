"""The end of a day: its key file for deduplication, its statistics, its anchor in `state.db`."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from vagus.journal import connect
from vagus.journal.keyfile import KeyFile, key_of, write_keys

_PAGE = 500
_ROWS = """
SELECT id, endpoint, sender, control FROM message NOT INDEXED WHERE id > ? ORDER BY id LIMIT ?
"""


def write_day_keys(path: Path) -> KeyFile:
    """Write `<day>.keys` beside a day's file and open it; for a thread beside the loop."""
    keys = path.with_suffix(".keys")
    with closing(connect.reader(path)) as con:
        write_keys(keys, _keys(con))
    return KeyFile(keys)


def analyze(path: Path) -> None:
    """Let SQLite sample the day's indexes, in milliseconds, so that ad-hoc queries plan well."""
    with closing(connect.writer(path, cache_kib=2_048, busy_ms=1_000)) as con:
        con.execute("PRAGMA analysis_limit=400")
        con.execute("ANALYZE")


def _keys(con: sqlite3.Connection) -> Iterator[int]:
    last = 0
    while page := con.execute(_ROWS, (last, _PAGE)).fetchall():
        for _, endpoint, sender, control in page:
            if control:
                yield key_of(endpoint, sender, control)
        last = page[-1][0]
        time.sleep(0)  # the loop goes first

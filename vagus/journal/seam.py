"""What the journal asks of the database beneath it: SQLite files of days, or PostgreSQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Any, Protocol


class Cursor(Protocol):
    """The rows a statement found."""

    @property
    def rowcount(self) -> int:
        """How many rows it changed."""
        ...

    def fetchone(self) -> Any:
        """The next row, or None."""
        ...

    def fetchall(self) -> list[Any]:
        """All rows that are left."""
        ...

    def __iter__(self) -> Iterator[Any]: ...


class Connection(Protocol):
    """Runs statements written for SQLite."""

    def execute(self, sql: str, values: Sequence[Any] = ..., /) -> Cursor:
        """Run one statement."""
        ...


class Trouble(Enum):
    """What can be done about a database that did not do as it was told."""

    PASSING = "passing"  # try again: it is away, full or busy
    REFUSED = "refused"  # the statement holds a value that no row can hold
    BROKEN = "broken"  # stop


class StoreFault(Exception):
    """PostgreSQL did not do as it was told; says by a code why, never what was in the rows."""

    def __init__(self, text: str, trouble: Trouble) -> None:
        super().__init__(text)
        self.trouble = trouble


#: What a database raises.
FAILURES = (sqlite3.Error, StoreFault)

"""What the ledger reads of one engine's journal: its days, each in one snapshot of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

from vagus.journal import connect
from vagus.journal.filestate import FILE
from vagus.journal.seam import Connection
from vagus.journal.state import Kind, Partition, read_names, read_partitions, read_past
from vagus.journal.statements import VERIFY
from vagus.kernel.errors import EngineFault


class Book(ABC):
    """One engine's days, and what its state says of them; the state is read when it is made."""

    #: Whose it is, for people; empty when there is only one.
    owner: str
    partitions: Mapping[str, Partition]
    past: Mapping[tuple[str, int], int]
    names: Mapping[Kind, dict[int, str]]

    @abstractmethod
    def has(self, day: str) -> bool:
        """Whether the rows of a day are there."""

    @abstractmethod
    def reading(self, day: str) -> AbstractContextManager[Connection]:
        """The rows of a day as they stood at one moment."""

    @abstractmethod
    def is_whole(self, con: Connection) -> bool:
        """Whether tables and indexes agree."""

    def pending(self) -> int:
        """How many messages are not finished."""
        total = 0
        for day, partition in self.partitions.items():
            if partition.state in ("open", "closed") and self.has(day):
                with self.reading(day) as con:
                    rows = con.execute(VERIFY["counters"])
                    total += sum(n for what, _, n in rows if what == "pending")
        return total

    def close(self) -> None:  # noqa: B027 (a folder has nothing to close)
        """Close every connection."""

    @abstractmethod
    def strays(self) -> list[str]:
        """Days whose rows are there, and of which the state knows nothing."""


class FileBook(Book):
    """A journal in a folder."""

    owner = ""

    def __init__(self, folder: Path) -> None:
        """Raises EngineFault when there is no journal to read."""
        path = folder / FILE
        if not path.exists():
            raise EngineFault(f"{folder}: there is no journal here; has the project ever run?")
        self._folder = folder
        with closing(connect.reader(path)) as con:
            con.execute("BEGIN")
            self.partitions = read_partitions(con)
            self.past = read_past(con)
            self.names = {
                "endpoint": read_names(con, "endpoint"),
                "destination": read_names(con, "destination"),
            }

    def has(self, day: str) -> bool:
        """Whether its file is there."""
        return (self._folder / f"{day}.db").exists()

    @contextmanager
    def reading(self, day: str) -> Iterator[Connection]:
        """A read transaction on the day's file."""
        with closing(connect.reader(self._folder / f"{day}.db")) as con:
            con.execute("BEGIN")
            yield con

    def is_whole(self, con: Connection) -> bool:
        """Ask SQLite."""
        return bool(con.execute("PRAGMA integrity_check(1)").fetchone()[0] == "ok")

    def strays(self) -> list[str]:
        """Files without a key."""
        found = (path.stem for path in self._folder.glob("????-??-??.db"))
        return sorted(day for day in found if day not in self.partitions)

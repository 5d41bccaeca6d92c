"""Where a journal is kept: the narrow seam between the journal and the databases it can use."""

from __future__ import annotations

import socket
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from vagus.journal.archive import Archive
from vagus.journal.book import Book, FileBook
from vagus.journal.calendar import Calendar
from vagus.journal.filecalendar import FileCalendar
from vagus.journal.files import Files
from vagus.journal.filestate import FILE, FileState
from vagus.journal.lock import FolderLock, holder
from vagus.journal.settings import JournalSettings
from vagus.journal.state import State
from vagus.kernel.clock import Clock
from vagus.kernel.keys import Keyset


class Lock(Protocol):
    """Held while an engine writes a journal, so that no other does."""

    @property
    def wanted(self) -> bool:
        """Whether it is held for another engine, which wants it back."""
        ...

    def release(self) -> None:
        """Let another engine have it."""
        ...


@dataclass(frozen=True, slots=True)
class Tenure:
    """Who runs a node: an engine of its own, or of another node after a takeover."""

    node: int
    runs_on: int
    host: str
    pid: int
    #: up, taken-over, stopped or down.
    state: str

    @property
    def alive(self) -> bool:
        """Whether anybody does."""
        return self.state in ("up", "taken-over")


class Place(ABC):
    """The database of a journal, and a folder for what an engine keeps on its own disk."""

    folder: Path

    @property
    @abstractmethod
    def name(self) -> str:
        """What it is called, for people."""

    @abstractmethod
    def exists(self) -> bool:
        """Whether a journal is there; raises EngineFault when that cannot be told."""

    @abstractmethod
    def holder(self) -> str | None:
        """The engine that runs on it, for people, or None."""

    @abstractmethod
    def tenures(self, node: int) -> list[Tenure]:
        """Who runs the nodes that ever ran; a place for one engine is that of `node`."""

    def pending(self) -> dict[str, int]:
        """Messages that are not finished, by the owner of each book."""
        found: dict[str, int] = {}
        for book in self.books():
            with closing(book):
                found[book.owner] = book.pending()
        return found

    @abstractmethod
    def lock(self, keyset: Keyset) -> Lock:
        """Take it; raises ConfigError when another engine has it."""

    @abstractmethod
    def orphans(self) -> set[int]:
        """The nodes that nobody runs, once that is certain; from one thread."""

    def close(self) -> None:  # noqa: B027 (a folder has nothing to close)
        """Close what watching for orphans needed."""

    @abstractmethod
    def state(self) -> State:
        """What outlives the days; raises EngineFault."""

    @abstractmethod
    def calendar(
        self, keyset: Keyset, clock: Clock, state: State, settings: JournalSettings
    ) -> Calendar[Any]:
        """Its days, not yet found."""

    @abstractmethod
    def archive(self, keyset: Keyset) -> Archive:
        """Its rows, to be read beside the engine; raises EngineFault when there is no journal."""

    @abstractmethod
    def books(self) -> Sequence[Book]:
        """What there is to verify; raises EngineFault when there is no journal."""


@dataclass(frozen=True, slots=True)
class Folder(Place):
    """A folder of SQLite files, on the disk of the one machine that uses it."""

    folder: Path
    factory: type[sqlite3.Connection] = sqlite3.Connection

    @property
    def name(self) -> str:
        """The folder."""
        return str(self.folder)

    def exists(self) -> bool:
        """Whether the project has ever run."""
        return (self.folder / FILE).exists()

    def holder(self) -> str | None:
        """The process id of the engine, or None."""
        number = holder(self.folder)
        return None if number is None else str(number)

    def tenures(self, node: int) -> list[Tenure]:
        """The one engine of this folder, if it ever ran."""
        if not self.exists():
            return []
        number = holder(self.folder)
        state = "stopped" if number is None else "up"
        return [Tenure(node, node, socket.gethostname(), number or 0, state)]

    def lock(self, keyset: Keyset) -> Lock:
        """The folder's lock; raises ConfigError when another engine has it."""
        return FolderLock(self.folder)

    def orphans(self) -> set[int]:
        """None: what is on another machine's disk cannot be taken over."""
        return set()

    def state(self) -> State:
        """`state.db`; raises EngineFault."""
        return FileState(self.folder)

    def calendar(
        self, keyset: Keyset, clock: Clock, state: State, settings: JournalSettings
    ) -> FileCalendar:
        """The folder's days."""
        return FileCalendar(self.folder, keyset, clock, state, settings, self.factory)

    def archive(self, keyset: Keyset) -> Archive:
        """The folder's files; raises EngineFault when there is no journal."""
        return Files(self.folder, keyset)

    def books(self) -> Sequence[Book]:
        """The one journal of the folder."""
        return [FileBook(self.folder)]


def placed(where: Place | Path) -> Place:
    """A place, also for the folder that stands for it."""
    return Folder(where) if isinstance(where, Path) else where

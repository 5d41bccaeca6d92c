"""The days of a folder: one SQLite file each, and its keys beside it when it is closed.

A day is begun in an order from which recovery can always tell what happened: its file is made under
an unfinished name, its key is committed to `state.db`, then the file gets its name.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from vagus.journal import closing, connect
from vagus.journal.calendar import Calendar, Current
from vagus.journal.day import Day
from vagus.journal.days import day_name, day_number
from vagus.journal.fileday import (
    FileDay,
    checkpoint_and_close,
    create_file,
    discard,
    finish_file,
    unfinished_files,
)
from vagus.journal.keyfile import KeyFile
from vagus.journal.settings import JournalSettings
from vagus.journal.state import Partition, State
from vagus.kernel.clock import Clock
from vagus.kernel.keys import Keyset
from vagus.kernel.log import get_logger

log = get_logger(__name__)
DAMAGED = "damaged"
_SUSPECTS = "suspects"
_OLD_CACHE_KIB = 8_192
_NEW_CACHE_KIB = 65_536


class FileCalendar(Calendar[FileDay]):
    """Every day of one journal folder, by number."""

    on_loop = True

    def __init__(
        self,
        folder: Path,
        keyset: Keyset,
        clock: Clock,
        state: State,
        settings: JournalSettings,
        factory: type[sqlite3.Connection],
    ) -> None:
        super().__init__(keyset, clock, state, settings)
        self.folder = folder
        self._factory = factory
        self._suspects: set[str] = set()

    def find(self, *, clean: bool) -> None:
        """Open the days of the folder; what is damaged is set aside and reported."""
        known = self._state.partitions()
        self._suspects = set((self._state.meta(_SUSPECTS) or b"").decode().split())
        for path in unfinished_files(self.folder):
            if path.stem in known and not path.exists():
                finish_file(path)
            else:
                discard(path.with_name(path.name + ".new"))
        for path in sorted(self.folder.glob("????-??-??.db")):
            self._take(path, known.pop(path.stem, None), clean=clean)
        for name, partition in known.items():
            if partition.state in ("open", "closed"):
                self._set_aside(self.folder / f"{name}.db", "day_missing")

        if self._suspects:
            self._state.remember(_SUSPECTS, b"")

    def suspect(self, days: Iterable[Day]) -> None:
        """Have these days looked through at the next start: reading or writing them failed."""
        names = (self._state.meta(_SUSPECTS) or b"").decode().split()
        names += [day.name for day in days]
        self._state.remember(_SUSPECTS, " ".join(sorted(set(names))).encode())

    def _take(self, path: Path, partition: Partition | None, *, clean: bool) -> None:
        if partition is not None and partition.state == "dropped":
            discard(path)
            path.with_suffix(".keys").unlink(missing_ok=True)
            return
        if partition is None or partition.wrapped_key is None:
            # Without its key nothing in it can be read, and nothing more must be written with it.
            self._set_aside(path, "day_key_missing")
            return
        number = day_number(path.stem)
        day = FileDay(number, self._vault(path.stem, partition.wrapped_key), path)
        written = path.with_name(path.name + "-wal")
        try:
            torn = not clean and written.exists() and written.stat().st_size > 0
            if torn or path.stem in self._suspects:
                _check(path)
            day.load()
            day.close_reader()  # most days are never read again
        except sqlite3.DatabaseError as error:
            day.close(checkpoint=False)
            if not _is_damage(error):
                raise
            self._set_aside(path, "day_damaged")
            return
        self._add(day)
        if self.in_window(number):
            day.keys = self._keys(path)

    def _keys(self, path: Path) -> KeyFile | None:
        keys = path.with_suffix(".keys")
        try:
            return KeyFile(keys)
        except FileNotFoundError:
            return None
        except (OSError, ValueError):
            log.warning("keys_damaged", file=keys.name)
            keys.unlink(missing_ok=True)
            return None

    def _set_aside(self, path: Path, why: str) -> None:
        """Move a file that cannot be used out of the way, keep its key, and say so."""
        corner = self.folder / DAMAGED
        corner.mkdir(mode=0o700, exist_ok=True)
        known = self._state.partitions()
        count = 1
        while (name := f"{path.stem}.{count}") in known or (corner / f"{name}.db").exists():
            count += 1
        for suffix in ("", "-wal", "-shm"):
            old = path.with_name(path.name + suffix)
            if old.exists():
                os.replace(old, corner / f"{name}.db{suffix}")
        path.with_suffix(".keys").unlink(missing_ok=True)
        connect.sync_folder(self.folder)
        self._state.rename_partition(path.stem, name)
        self.damaged.append(f"{DAMAGED}/{name}.db")
        log.error(why, file=path.name)

    def open(self, day: FileDay) -> None:
        """Open the file for writing; raises sqlite3.Error."""
        new = day.number >= max(self.days, default=0)
        day.open_writer(self._factory, _NEW_CACHE_KIB if new else _OLD_CACHE_KIB)

    def create(self, number: int, at: int, start: bytes, partition: Partition) -> FileDay:
        """Make the file of a new day; may run on any thread."""
        path = self.folder / f"{day_name(number)}.db"
        discard(path)
        create_file(path, at, start)
        self._state.add_partition(partition)
        finish_file(path)
        assert partition.wrapped_key is not None
        return FileDay(number, self._vault(partition.day, partition.wrapped_key), path)

    def reopened(self, number: int) -> None:
        """A closed day gets another message after all: its key file is not complete any more."""
        day = self.days.get(number)
        if day is not None:
            self._drop_keys(day)

    def _drop_keys(self, day: FileDay) -> None:
        if day.keys is not None:
            keys, day.keys = day.keys, None
            keys.close()
            day.path.with_suffix(".keys").unlink(missing_ok=True)

    def unfinished(self, day: FileDay, partition: Partition | None) -> bool:
        """Whether a day that is over lacks its keys, or past the window its closing."""
        if self.in_window(day.number):
            return day.keys is None
        return partition is not None and partition.state == "open"

    async def finish(self, day: FileDay, current: Current) -> bool:
        """Write the keys and the statistics of a day that is over."""
        if self.in_window(day.number) and not await self._write_keys(day, current):
            return False
        await asyncio.to_thread(closing.analyze, day.path)
        return True

    async def _write_keys(self, day: FileDay, current: Current) -> bool:
        """False when a message came late: the next round writes the keys again."""
        before = _accepted(day)
        keys = await asyncio.to_thread(closing.write_day_keys, day.path)
        batch = current()
        if _accepted(day) != before or (batch is not None and day.number in batch.accepting):
            keys.close()
            return False
        day.keys = keys
        return True

    async def release(self, days: list[FileDay]) -> None:
        """Close the connections of days in which nothing is left to write."""
        for day in self.ordered():
            if not self.in_window(day.number):
                self._drop_keys(day)
        for con in [day.release_writer() for day in days]:
            await asyncio.to_thread(checkpoint_and_close, con)

    async def remove(self, day: FileDay) -> None:
        """Unlink a forgotten day's files."""
        await asyncio.to_thread(_remove, day.path)


def _remove(path: Path) -> None:
    discard(path)
    path.with_suffix(".keys").unlink(missing_ok=True)


def _accepted(day: Day) -> int:
    return sum(n for (what, _), n in day.counts.items() if what == "accepted")


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    return (
        isinstance(error, _Damaged)
        or connect.is_damage(error)
        or connect.primary_code(error) == connect.ERROR  # a table is not there
    )


class _Damaged(sqlite3.DatabaseError):
    """quick_check found something."""


def _check(path: Path) -> None:
    """Have SQLite look through a file that was being written; raises sqlite3.DatabaseError."""
    con = sqlite3.connect(path, isolation_level=None)
    try:
        if con.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise _Damaged
    finally:
        con.close()

"""The days there are: found at the start, begun at midnight, closed and dropped later.

A day is begun in an order from which recovery can always tell what happened: its file is made under
an unfinished name, its key is committed to `state.db`, then the file gets its name.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

from vagus.journal import connect
from vagus.journal.day import (
    Counter,
    Day,
    create_file,
    discard,
    finish_file,
    unfinished_files,
)
from vagus.journal.days import DAY_MS, day_at, day_name, day_number
from vagus.journal.keyfile import KeyFile
from vagus.journal.seals import Sealer
from vagus.journal.settings import JournalSettings
from vagus.journal.state import Partition, State
from vagus.journal.statements import QUERIES
from vagus.journal.vault import CorruptBody, Vault, day_vault, new_day_key
from vagus.kernel.clock import Clock
from vagus.kernel.errors import EngineFault
from vagus.kernel.keys import Keyset
from vagus.kernel.log import get_logger

log = get_logger(__name__)
DAMAGED = "damaged"
_SUSPECTS = "suspects"
_OLD_CACHE_KIB = 8_192
_NEW_CACHE_KIB = 65_536


class Calendar:
    """Every day of one journal folder, by number."""

    def __init__(
        self,
        folder: Path,
        keyset: Keyset,
        clock: Clock,
        state: State,
        settings: JournalSettings,
        factory: type[sqlite3.Connection],
    ) -> None:
        self.folder = folder
        self.clock = clock
        self.sealer = Sealer(keyset)
        self.days: dict[int, Day] = {}
        #: Files that could not be used and were set aside at this start.
        self.damaged: list[str] = []
        self._keyset = keyset
        self._state = state
        self._span = int(-(-settings.window * 1000 // DAY_MS))
        self._factory = factory
        self._suspects: set[str] = set()

    @property
    def newest(self) -> int:
        """The newest day there is."""
        return max(self.days)

    def _add(self, day: Day) -> None:
        # A copy, because a day is begun on the commit thread while the loop may go through them.
        self.days = self.days | {day.number: day}

    def ordered(self) -> list[Day]:
        """The days, oldest first."""
        return [self.days[number] for number in sorted(self.days)]

    def now_ms(self) -> int:
        """The time in milliseconds since 1970."""
        return int(self.clock.now() * 1000)

    def window(self, number: int) -> Iterator[Day]:
        """The other days in which a message of this day may already have been accepted."""
        for day in self.days.values():
            if day.number != number and abs(number - day.number) <= self._span:
                yield day

    def in_window(self, number: int) -> bool:
        """Whether a repeat of a message of this day could still be recognised."""
        return max(self.newest, day_at(self.now_ms())) - number <= self._span

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
        day = Day(number, path, self._vault(path.stem, partition.wrapped_key))
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

    def _vault(self, name: str, wrapped: bytes) -> Vault:
        try:
            return day_vault(self._keyset, name, wrapped)
        except CorruptBody as error:
            # Going on would keep what can never be read beside what came before.
            raise EngineFault(str(error)) from error

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

    def begin(self, number: int) -> Day:
        """Make a new day and link its seal chain to the day before; may run on any thread."""
        name = day_name(number)
        path = self.folder / f"{name}.db"
        before = max((day for day in self.days if day < number), default=None)
        link_n, link, previous = self._link(before)
        discard(path)
        at = self.now_ms()
        create_file(path, at, self.sealer.start(name, at, link or b""))
        wrapped = new_day_key(self._keyset, name)
        self._state.add_partition(
            Partition(name, wrapped, "open", previous, link_n, link, None, None, None, None, None)
        )
        finish_file(path)
        day = Day(number, path, day_vault(self._keyset, name, wrapped))
        day.open_writer(self._factory, _NEW_CACHE_KIB)
        self._add(day)
        return day

    def _link(self, before: int | None) -> tuple[int | None, bytes | None, str | None]:
        if before is not None:
            day = self.days[before]
            n, digest = day.reader.execute(QUERIES["last_seal"]).fetchone()
            self._state.anchor(day.name, n, digest, day.span())
            return n, digest, day.name
        last = [item for item in self._state.partitions().values() if item.seal is not None]
        if not last:
            return None, None, None
        return last[-1].seal_n, last[-1].seal, last[-1].day

    def ready(self, number: int) -> bool:
        """Whether the day can be written at once."""
        day = self.days.get(number)
        return day is not None and day.writer is not None

    def prepare(self, number: int) -> None:
        """Make a day writable, beginning it if it is newer than all others; on any thread."""
        day = self.days.get(number)
        if day is not None:
            day.open_writer(self._factory, _OLD_CACHE_KIB)
        else:
            self.begin(number)

    def partitions(self) -> list[Partition]:
        """What `state.db` knows of every day, oldest first."""
        return list(self._state.partitions().values())

    def counts(self) -> dict[Counter, int]:
        """Every counter over all days, dropped ones included."""
        total = dict(self._state.past())
        for day in self.days.values():
            for key, n in day.counts.items():
                total[key] = total.get(key, 0) + n
        return total

    def anchor(self, day: Day) -> None:
        """Remember the day's newest seal in `state.db`."""
        row = day.reader.execute(QUERIES["last_seal"]).fetchone()
        if row is not None:
            self._state.anchor(day.name, row[0], row[1], day.span())

    def forget(self, day: Day) -> None:
        """Close a day and know it no more."""
        self.days = {number: other for number, other in self.days.items() if other is not day}
        day.close(checkpoint=False)

    def drop_keys(self, number: int) -> None:
        """A closed day gets another message after all: its key file is not complete any more."""
        day = self.days.get(number)
        if day is not None and day.keys is not None:
            keys, day.keys = day.keys, None
            keys.close()
            day.path.with_suffix(".keys").unlink(missing_ok=True)

    def close(self, *, checkpoint: bool) -> None:
        """Close every day."""
        for day in self.days.values():
            day.close(checkpoint=checkpoint)


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

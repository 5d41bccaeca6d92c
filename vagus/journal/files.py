"""Read-only access to a folder's journal from beside the engine: another thread or process."""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from pathlib import Path

from vagus.journal import connect
from vagus.journal.archive import Archive
from vagus.journal.days import day_name, day_number, day_of
from vagus.journal.filestate import FILE
from vagus.journal.seam import Connection
from vagus.journal.state import Kind, read_names, read_partitions, read_past
from vagus.journal.vault import CorruptBody, Vault, day_vault
from vagus.kernel.errors import EngineFault
from vagus.kernel.keys import Keyset

_MOST = 16


class Files(Archive):
    """Opens days as they are asked for and keeps a few open; drops what the engine dropped."""

    def __init__(self, folder: Path, keyset: Keyset) -> None:
        if not (folder / FILE).exists():
            raise EngineFault(f"{folder}: there is no journal here; has the project ever run?")
        self._folder = folder
        self._keyset = keyset
        self._state = connect.reader(folder / FILE)
        self._open: OrderedDict[int, tuple[int, sqlite3.Connection]] = OrderedDict()
        self._vaults: dict[tuple[int, bytes], Vault] = {}

    def names(self, kind: Kind) -> dict[int, str]:
        """Every name of a kind by its number."""
        return read_names(self._state, kind)

    def past(self) -> dict[tuple[str, int], int]:
        """The counters of all days that were dropped."""
        return read_past(self._state)

    def days(self) -> list[int]:
        """The days there are, newest first."""
        names = {path.stem for path in self._folder.glob("????-??-??.db")}
        known = read_partitions(self._state)
        return sorted((day_number(name) for name in names & known.keys()), reverse=True)

    def on(self, number: int) -> list[Connection]:
        """The connection to a day's file; none when it is not there."""
        con = self._day(number)
        return [] if con is None else [con]

    def of(self, message_id: int) -> sqlite3.Connection | None:
        """The connection to the day of a message, or None."""
        return self._day(day_of(message_id))

    def _day(self, number: int) -> sqlite3.Connection | None:
        path = self._folder / f"{day_name(number)}.db"
        try:
            inode = path.stat().st_ino
        except FileNotFoundError:
            inode = -1
        kept = self._open.pop(number, None)
        if kept is not None and kept[0] != inode:
            kept[1].close()
            kept = None
        if inode == -1:
            return None
        if kept is None:
            kept = (inode, connect.reader(path))
        self._open[number] = kept
        if len(self._open) > _MOST:
            self._open.popitem(last=False)[1][1].close()
        return kept[1]

    def vault(self, message_id: int) -> Vault:
        """The vault of a message's day; raises CorruptBody when its key is gone."""
        number = day_of(message_id)
        name = day_name(number)
        partition = read_partitions(self._state).get(name)
        wrapped = None if partition is None else partition.wrapped_key
        if wrapped is None:
            raise CorruptBody(f"the key of {name} was destroyed: its bodies cannot be read")
        if (number, wrapped) not in self._vaults:
            self._vaults[number, wrapped] = day_vault(self._keyset, name, wrapped)
        return self._vaults[number, wrapped]

    def close(self) -> None:
        """Close every file."""
        while self._open:
            self._open.popitem()[1][1].close()
        self._state.close()

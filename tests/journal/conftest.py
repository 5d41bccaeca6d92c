"""A journal in a folder of its own, and a desk that makes entries for it."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from peers.postgres import Server
from vagus.journal.entries import Accept, Routed, Target
from vagus.journal.journal import Journal
from vagus.journal.place import Folder, Place
from vagus.journal.postgres.dialect import day_suffix
from vagus.journal.postgres.place import PostgresPlace
from vagus.journal.postgres.reading import days_of
from vagus.journal.postgres.session import Session, Tables, Use
from vagus.journal.postgres.settings import Postgres
from vagus.journal.settings import JournalSettings
from vagus.kernel.clock import ManualClock
from vagus.kernel.keys import Keyset

MIDDAY = 1_795_348_800.0  # 2026-11-22 12:00:00 UTC


@dataclass
class Desk:
    """Opens and closes one journal folder and writes the entries a channel would write."""

    folder: Path
    server: Server | None = None
    keyset: Keyset = field(default_factory=Keyset.generate)
    clock: ManualClock = field(default_factory=lambda: ManualClock(MIDDAY))
    settings: JournalSettings = field(default_factory=JournalSettings)
    namespace: str = field(default_factory=lambda: f"t{uuid4().hex[:12]}")
    journal: Journal = field(init=False)
    place: Place = field(init=False)

    def placed(self, node: int = 0, **options: Any) -> Place:
        if self.server is None:
            return Folder(self.folder, **options)
        settings = Postgres(url=self.server.url, namespace=self.namespace, lease=1)
        values = {"runs_on": node, "project": "trial"} | options
        return PostgresPlace(settings, self.folder, node=node, **values)

    def days(self) -> list[str]:
        """The days whose rows are there."""
        if self.server is None:
            return sorted(path.stem for path in self.folder.glob("2*.db"))
        with closing(Session(self.placed().settings, Use("test"))) as session:
            return sorted(days_of(session)[0])

    def rows(self, sql: str, *values: Any, day: str = "") -> list[Any]:
        """What a statement finds on a day, or the newest, over a connection of its own."""
        day = day or self.days()[-1]
        if self.server is None:
            with closing(sqlite3.connect(self.folder / f"{day}.db")) as con:
                found = con.execute(sql, values).fetchall()
                con.commit()
                return found
        with closing(Session(self.placed().settings, Use("test"))) as session:
            cursor = Tables(session, day_suffix(day, 0)).execute(sql, values)
            return cursor.fetchall() if cursor.description else []

    async def open(self, **options: Any) -> Journal:
        node = options.pop("node", 0)
        self.place = self.placed(node, **options)
        self.journal = await Journal.open(
            self.place, self.keyset, self.clock, node=node, settings=self.settings
        )
        return self.journal

    async def reopen(self, **options: Any) -> Journal:
        await self.journal.close()
        return await self.open(**options)

    def accept(self, control: str = "", body: bytes = b"MSH|", **fields: Any) -> Accept:
        values: dict[str, Any] = {
            "id": self.journal.ids.next(),
            "endpoint": self.journal.endpoint(fields.pop("channel", "adt_in")),
            "type": "ADT^A01",
            "control": control,
            "sender": 7,
            "subject": b"patient-0001",
            "hash": hashlib.sha256(body).digest(),
            "body": body,
            "reply": b"MSA|AA|" + control.encode("utf-8", "replace"),
        }
        entry = Accept(**(values | fields))
        self.journal.put(entry)
        return entry

    def route(self, entry: Accept, *targets: tuple[str, int, bytes]) -> Routed:
        owed = [
            Target(self.journal.destination(name), part, lane)
            for name, part, lane in targets or (("store", 0, b"lane-0000001"),)
        ]
        routed = Routed(entry.id, entry.endpoint, b"m" * 32, owed)
        self.journal.put(routed)
        return routed


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Server | None:
    """SQLite, unless a test is marked to run over both databases."""
    postgres = getattr(request, "param", "sqlite") == "postgres"
    return request.getfixturevalue("postgres") if postgres else None


@pytest.fixture
async def desk(new_desk: Callable[..., Desk]) -> AsyncIterator[Desk]:
    made = new_desk()
    await made.open()
    yield made
    await made.journal.close()


@pytest.fixture
def new_desk(tmp_path: Path, server: Server | None) -> Callable[..., Desk]:
    """A desk whose journal the test opens and closes itself."""
    return lambda **fields: Desk(tmp_path / "journal", server, **fields)

"""A journal in a folder of its own, and a desk that makes entries for it."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from vagus.journal.entries import Accept, Routed, Target
from vagus.journal.journal import Journal
from vagus.journal.settings import JournalSettings
from vagus.kernel.clock import ManualClock
from vagus.kernel.keys import Keyset

MIDDAY = 1_795_348_800.0  # 2026-11-22 12:00:00 UTC


@dataclass
class Desk:
    """Opens and closes one journal folder and writes the entries a channel would write."""

    folder: Path
    keyset: Keyset = field(default_factory=Keyset.generate)
    clock: ManualClock = field(default_factory=lambda: ManualClock(MIDDAY))
    settings: JournalSettings = field(default_factory=JournalSettings)
    journal: Journal = field(init=False)

    async def open(self, **options: Any) -> Journal:
        self.journal = await Journal.open(
            self.folder, self.keyset, self.clock, settings=self.settings, **options
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
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    made = Desk(tmp_path / "journal")
    await made.open()
    yield made
    await made.journal.close()


@pytest.fixture
def new_desk(tmp_path: Path) -> Callable[..., Desk]:
    """A desk whose journal the test opens and closes itself."""
    return lambda **fields: Desk(tmp_path / "journal", **fields)

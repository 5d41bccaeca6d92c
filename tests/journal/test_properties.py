"""Whatever is put, in whatever order, the counters conserve and equal a recount of the rows."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from peers.postgres import Server
from vagus.journal.entries import (
    Accept,
    Buried,
    Delivered,
    Died,
    Discarded,
    Entry,
    Filtered,
    Noted,
    Parked,
    Redriven,
    Replied,
    Routed,
    Target,
)
from vagus.journal.journal import Journal
from vagus.journal.ledger import verify
from vagus.journal.place import Folder, Place
from vagus.journal.postgres.place import PostgresPlace
from vagus.journal.postgres.settings import Postgres
from vagus.journal.search import Query, Reader
from vagus.kernel.clock import ManualClock
from vagus.kernel.keys import Keyset

#: What is tested here does not depend on the disk, and many journals are made.
_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
_KEYSET = Keyset.generate()
_MESSAGES, _PARTS, _PLACES = st.integers(0, 5), st.integers(0, 1), st.integers(1, 2)
_TARGETS = st.lists(st.tuples(_PLACES, _PARTS), max_size=4)
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("accept"), st.integers(0, 3), st.integers(0, 1), st.booleans()),
        st.tuples(st.just("route"), _MESSAGES, _TARGETS),
        st.tuples(st.sampled_from(["filter", "die", "note", "reply", "replay"]), _MESSAGES),
        st.tuples(
            st.sampled_from(["deliver", "park", "bury", "redrive", "discard"]),
            _MESSAGES,
            _PARTS,
            _PLACES,
        ),
        st.tuples(st.just("give up"), _MESSAGES),
        st.tuples(st.sampled_from(["flush", "reopen", "midnight", "tend"])),
    ),
    max_size=60,
)


class _Model:
    """A journal, and what has been accepted into it."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.clock = ManualClock(1_795_348_800.0)
        self.accepted: list[Accept] = []
        self.told = 0
        self.put = 0
        self.journal: Journal

    async def open(self) -> None:
        self.journal = await Journal.open(self.place, _KEYSET, self.clock)
        self.journal.endpoint("adt_in")
        self.journal.destination("store")
        self.journal.destination("mirror")

    def write(self, entry: Entry) -> None:
        entry.then = self._tell
        self.put += 1
        self.journal.put(entry)

    def _tell(self) -> None:
        self.told += 1

    async def step(self, name: str, *values: Any) -> None:
        match name:
            case "accept":
                self._accept(*values)
            case "flush":
                await self.journal.flush()
            case "reopen":
                await self.journal.close()
                await self.open()
            case "midnight":
                self.clock.advance(86_400)
            case "tend":
                await self.journal.tend()
            case _ if self.accepted:
                self.write(self._entry(name, *values))

    def _accept(self, control: int, body: int, dedupe: bool, cause: int | None = None) -> None:
        data = b"%d" % body
        entry = Accept(
            id=self.journal.ids.next(),
            endpoint=1,
            type="ADT^A01",
            control=f"C{control}",
            sender=1,
            subject=None,
            hash=hashlib.sha256(data).digest(),
            body=data,
            cause=cause,
            dedupe=dedupe,
        )
        self.write(entry)
        self.accepted.append(entry)

    def _entry(self, name: str, which: int, *values: Any) -> Entry:
        message = self.accepted[which % len(self.accepted)].id
        match name:
            case "route":
                targets = [Target(place, part, b"k") for place, part in values[0]]
                return Routed(message, 1, b"m", targets)
            case "filter":
                return Filtered(message, 1, "unwanted")
            case "die":
                return Died(message, 1, "map", "unmapped")
            case "note":
                return Noted(message, "viewed", "nora")
            case "reply":
                return Replied(message, b"AA")
            case "replay":
                self._accept(9, 9, dedupe=False, cause=message)
                return Noted(message, "replay asked", "nora")
            case "give up":
                return Discarded(message, 0, None, "nora")
            case "deliver":
                return Delivered(message, *values, 1, b"r")
            case "park":
                return Parked(message, *values, 1, 5, "AE")
            case "bury":
                return Buried(message, *values, 2, "AR")
            case "redrive":
                return Redriven(message, *values, "nora")
            case _:
                return Discarded(message, *values, "nora")


async def _run(place: Place, steps: list[tuple[Any, ...]]) -> None:
    model = _Model(place)
    await model.open()
    for step in steps:
        await model.step(*step)
    await model.journal.flush()
    assert model.told == model.put
    counts = model.journal.counts()
    report = verify(place, _KEYSET)
    assert report.differences == []
    assert report.counts == counts
    total = counts["total"]["messages"]
    stored = [entry for entry in model.accepted if entry.duplicate is None]
    assert total["accepted"] == len(stored)
    assert total["duplicates"] == len(model.accepted) - len(stored)
    with Reader.open(place, _KEYSET) as reader:
        for word in ("pending", "delivered", "filtered", "dead"):
            assert len(reader.messages(Query(state=word), 500)) == total[word]
    waiting = sum(len(model.journal.waiting(place)) for place in (1, 2))
    assert waiting == counts["total"]["deliveries"]["open"]
    await model.journal.close()
    assert verify(place, _KEYSET).differences == []


@given(_STEPS)
@settings(max_examples=40, deadline=None)
def test_the_ledger_balances_whatever_happens(steps: list[tuple[Any, ...]]) -> None:
    with tempfile.TemporaryDirectory(dir=_MEMORY) as folder:
        asyncio.run(_run(Folder(Path(folder)), steps))


@given(_STEPS)
@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_ledger_balances_in_postgresql_too(
    postgres: Server, tmp_path: Path, steps: list[tuple[Any, ...]]
) -> None:
    settings = Postgres(url=postgres.url, namespace=postgres.namespace(), lease=1)
    asyncio.run(_run(PostgresPlace(settings, tmp_path, "trial", 0, 0), steps))

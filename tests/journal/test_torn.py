"""Power fails in the middle of a write: whatever part of the log survived, the ledger balances."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from vagus.journal.entries import Buried, Delivered, Filtered, Parked
from vagus.journal.ledger import verify
from vagus.journal.query import Query
from vagus.journal.search import Reader
from vagus.kernel.errors import EngineFault


async def written(desk: Any) -> list[int]:
    """Batches of every kind, all still in the write-ahead log; the ids in commit order."""
    ids = []
    for batch in range(12):
        entries = [desk.accept(f"C{batch}-{n}", b"x" * 500) for n in range(5)]
        await desk.journal.flush()
        ids += [entry.id for entry in entries]
        for n, entry in enumerate(entries):
            if n == 0:
                desk.journal.put(Filtered(entry.id, entry.endpoint, "unwanted"))
                continue
            desk.route(entry, ("store", 0, b"k"), ("mirror", 0, b"k"))
            desk.journal.put(Delivered(entry.id, 0, 1, 1, b"r"))
            if n == 1:
                desk.journal.put(Parked(entry.id, 0, 2, 1, 5, "AE"))
            elif n == 2:
                desk.journal.put(Buried(entry.id, 0, 2, 9, "AE"))
            elif n == 3:
                desk.journal.put(Delivered(entry.id, 0, 2, 1, b"r"))
    await desk.journal.flush()
    return ids


def tear(log: Path, chance: random.Random) -> None:
    """Cut the log off, or spoil it from some place on, as lost sectors would."""
    data = log.read_bytes()
    place = chance.randrange(len(data))
    if chance.random() < 0.5:
        log.write_bytes(data[:place])
    else:
        sector = place // 512 * 512
        log.write_bytes(data[:sector] + b"\0" * 512 + data[sector + 512 :])


@pytest.mark.parametrize("seed", range(12))
async def test_any_prefix_of_the_log_is_a_whole_journal(
    desk: Any, new_desk: Any, tmp_path: Path, seed: int
) -> None:
    ids = await written(desk)
    copy = tmp_path / "copy"
    shutil.copytree(desk.folder, copy, ignore=shutil.ignore_patterns("*-shm"))
    tear(copy / "2026-11-22.db-wal", random.Random(seed))
    survivor = new_desk(keyset=desk.keyset)
    survivor.folder = copy
    journal = await survivor.open()
    assert journal.damaged == []
    assert verify(copy, desk.keyset).differences == []
    total = journal.counts()["total"]["messages"]
    assert total["accepted"] in range(0, len(ids) + 1, 5)
    stored = [row.id for row in journal.stored(limit=1_000)]
    assert stored == ids[total["accepted"] - len(stored) : total["accepted"]]
    again = survivor.accept("C0-0", b"x" * 500)
    await journal.flush()
    assert (again.duplicate is None) == (total["accepted"] == 0)
    await journal.close()
    assert verify(copy, desk.keyset).differences == []


@pytest.mark.parametrize("seed", range(16))
async def test_a_file_with_bad_sectors_is_used_or_set_aside_but_never_trusted(
    desk: Any, seed: int
) -> None:
    """Sectors of the file itself go bad: no crash, no silence, and the engine can go on."""
    await written(desk)
    await desk.journal.close()
    path = desk.folder / "2026-11-22.db"
    chance, data = random.Random(seed), bytearray(path.read_bytes())
    for _ in range(3):
        sector = chance.randrange(8, len(data) // 512) * 512
        data[sector : sector + 512] = chance.randbytes(512)
    path.write_bytes(data)
    harmless = verify(desk.folder, desk.keyset).clean  # the sectors held nothing
    for _ in range(3):
        journal = await desk.open()
        try:
            for row in journal.stored(limit=1_000):
                assert row.body in (None, b"x" * 500)
            journal.waiting(2, limit=1_000)
            entry = desk.accept(f"NEW{seed}")
            await journal.flush()
        except EngineFault:
            await journal.close()
            continue
        assert journal.body(entry.id) == b"MSH|"
        await journal.close()
        break
    else:
        pytest.fail("the engine never came back")
    assert verify(desk.folder, desk.keyset).clean == harmless
    with Reader.open(desk.folder, desk.keyset) as reader:
        try:
            reader.messages(Query(), 1_000)
            reader.dead_letters(limit=1_000)
        except EngineFault:
            assert not harmless

"""A write that fails is never called durable; a full disk is waited out, a broken one is not."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from vagus.journal.entries import Delivered
from vagus.journal.filestate import FileState as State
from vagus.journal.ledger import verify
from vagus.journal.retention import write_off
from vagus.journal.rotation import rewrap
from vagus.kernel.errors import ConfigError, EngineFault


class Breaking(sqlite3.Connection):
    """A connection on which COMMIT can be made to fail the way a disk does."""

    code: int | None = None

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        if sql == "COMMIT" and Breaking.code is not None:
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = Breaking.code
            raise error
        return super().execute(sql, *values)


@pytest.fixture
def breaking() -> Any:
    Breaking.code = None
    yield Breaking
    Breaking.code = None


async def test_after_an_io_error_nothing_is_durable_and_nothing_more_is_taken(
    new_desk: Any, breaking: Any
) -> None:
    desk = new_desk()
    journal = await desk.open(factory=breaking)
    first = desk.accept("C1")
    await journal.flush()
    told: list[str] = []
    faults: list[EngineFault] = []
    journal.on_failure = faults.append
    breaking.code = sqlite3.SQLITE_IOERR_FSYNC
    desk.accept("C2", then=lambda: told.append("C2"))
    with pytest.raises(EngineFault):
        await journal.flush()
    assert told == []
    assert faults == [journal.failed]
    with pytest.raises(EngineFault):
        desk.accept("C3")
    breaking.code = None
    with pytest.raises(EngineFault):
        desk.accept("C4")
    await journal.close()
    journal = await desk.open()
    assert [row.id for row in journal.stored()] == [first.id]
    assert verify(desk.place, desk.keyset).differences == []
    await journal.close()


@pytest.mark.parametrize("code", [sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY])
async def test_a_full_disk_is_waited_out(
    new_desk: Any, breaking: Any, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    monkeypatch.setattr("vagus.journal.pump.RETRY_SECONDS", 0.02)
    desk = new_desk()
    journal = await desk.open(factory=breaking)
    faults: list[EngineFault] = []
    told: list[str] = []
    journal.on_failure = faults.append
    breaking.code = code
    first = desk.accept("C1", then=lambda: told.append("C1"))
    desk.accept("C1", then=lambda: told.append("again"))
    desk.route(first, ("store", 0, b"k"), ("mirror", 0, b"k"))
    await asyncio.sleep(0.1)
    desk.accept("C2", then=lambda: told.append("C2"))
    journal.put(Delivered(first.id, 0, 1, 1, b"r"))
    assert journal.stalled
    assert told == []
    assert len(faults) == 1
    assert journal.counts()["total"]["messages"]["accepted"] == 0
    breaking.code = None
    await journal.flush()
    assert not journal.stalled
    assert told == ["C1", "again", "C2"]
    assert journal.counts()["total"]["messages"] == {
        "accepted": 2,
        "delivered": 0,
        "filtered": 0,
        "dead": 0,
        "pending": 2,
        "duplicates": 1,
    }
    await journal.close()
    assert verify(desk.place, desk.keyset).differences == []


async def test_a_file_that_may_not_grow_behaves_like_a_full_disk(
    new_desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vagus.journal.pump.RETRY_SECONDS", 0.02)
    desk = new_desk()
    journal = await desk.open()
    writer = journal.calendar.days[journal.calendar.newest].writer
    pages = writer.execute("PRAGMA page_count").fetchone()[0]
    writer.execute(f"PRAGMA max_page_count={pages + 20}")
    told: list[int] = []
    for n in range(200):
        desk.accept(f"C{n}", b"x" * 2_000, then=lambda n=n: told.append(n))
    await asyncio.sleep(0.2)
    assert journal.stalled
    assert len(told) < 200
    assert len(told) == len(journal.stored(limit=1000))
    writer.execute(f"PRAGMA max_page_count={pages + 5_000}")
    await journal.flush()
    assert told == list(range(200))
    await journal.close()
    assert verify(desk.place, desk.keyset).differences == []


async def test_closing_while_the_disk_is_full_gives_up_what_was_not_written(
    new_desk: Any, breaking: Any
) -> None:
    desk = new_desk()
    journal = await desk.open(factory=breaking)
    told: list[int] = []
    breaking.code = sqlite3.SQLITE_FULL
    desk.accept("C1", then=lambda: told.append(1))
    await asyncio.sleep(0.05)
    await asyncio.wait_for(journal.close(), 5)
    breaking.code = None
    journal = await desk.open()
    assert (told, journal.stored()) == ([], [])
    await journal.close()


async def test_a_second_engine_is_refused(desk: Any, new_desk: Any) -> None:
    second = new_desk(keyset=desk.keyset)
    with pytest.raises(ConfigError, match=r"already running .*\(pid \d+\)"):
        await second.open()
    desk.accept("C1")
    await desk.journal.flush()


async def test_the_wrong_keys_are_refused_before_anything_is_written(desk: Any) -> None:
    desk.accept("C1")
    await desk.journal.close()
    right, desk.keyset = desk.keyset, type(desk.keyset).generate()
    with pytest.raises(EngineFault, match="does not open with this key set"):
        await desk.open()
    desk.keyset = right
    await desk.open()
    assert len(desk.journal.stored()) == 1


async def test_damaged_files_are_set_aside_and_the_engine_starts(desk: Any) -> None:
    entry = desk.accept("C1")
    await desk.journal.close()
    path = next(desk.folder.glob("2*.db"))
    data = bytearray(path.read_bytes())
    data[:4096] = b"\xff" * 4096
    path.write_bytes(data)
    await desk.open()
    assert desk.journal.damaged == [f"damaged/{path.stem}.1.db"]
    assert (desk.folder / desk.journal.damaged[0]).read_bytes() == data
    again = desk.accept("C1")
    await desk.journal.flush()
    assert again.duplicate is None
    assert again.id > entry.id
    report = verify(desk.place, desk.keyset)
    assert [str(item) for item in report.differences] == [
        f"{path.stem}.1: the file was found damaged and set aside;"
        " recover it or account for it by hand"
    ]


async def test_a_damaged_day_is_a_difference_until_somebody_writes_it_off(desk: Any) -> None:
    desk.accept("C1")
    await desk.journal.close()
    path = next(desk.folder.glob("2*.db"))
    path.write_bytes(b"\xff" * 8192)
    await desk.open()
    assert not verify(desk.place, desk.keyset).clean
    with pytest.raises(KeyError):
        write_off(desk.journal.state, desk.journal.audit, path.stem, "nora")
    write_off(desk.journal.state, desk.journal.audit, f"{path.stem}.1", "nora")
    assert verify(desk.place, desk.keyset).clean
    assert [row.action for row in desk.journal.audit.rows()] == ["write-off-day"]


async def test_a_disk_that_fills_up_while_closing_does_not_hold_up_the_end(
    new_desk: Any, breaking: Any
) -> None:
    desk = new_desk()
    journal = await desk.open(factory=breaking)
    told: list[int] = []
    desk.accept("C1", then=lambda: told.append(1))
    breaking.code = sqlite3.SQLITE_FULL
    await asyncio.wait_for(journal.close(), 5)
    breaking.code = None
    assert told == []
    await desk.open()
    assert desk.journal.stored() == []
    await desk.journal.close()


async def test_a_day_without_its_key_is_set_aside_and_shown(desk: Any) -> None:
    desk.accept("C1")
    await desk.journal.close()
    with closing(sqlite3.connect(desk.folder / "state.db")) as con:
        con.execute("DELETE FROM partition")
        con.commit()
    await desk.open()
    assert desk.journal.damaged == ["damaged/2026-11-22.1.db"]
    [difference] = verify(desk.place, desk.keyset).differences
    assert difference.day == "2026-11-22.1"


async def test_a_missing_file_is_reported_and_the_engine_starts(desk: Any) -> None:
    desk.accept("C1")
    await desk.journal.close()
    next(desk.folder.glob("2*.db")).unlink()
    await desk.open()
    assert len(desk.journal.damaged) == 1
    assert desk.journal.stored() == []


async def test_a_broken_state_file_stops_the_start_with_advice(desk: Any) -> None:
    await desk.journal.close()
    (desk.folder / "state.db").write_bytes(b"not a database, but long enough to look at" * 100)
    with pytest.raises(EngineFault, match="restore it from a backup"):
        await desk.open()
    (desk.folder / "state.db").unlink()


async def test_ids_go_on_from_the_newest_stored_even_when_the_clock_stepped_back(
    desk: Any,
) -> None:
    entry = desk.accept("C1")
    await desk.journal.close()
    desk.clock.advance(-3 * 86_400)
    await desk.open()
    assert desk.journal.ids.next() > entry.id
    later = desk.accept("C2")
    await desk.journal.flush()
    assert [row.id for row in desk.journal.stored()] == [entry.id, later.id]
    assert len(list(desk.folder.glob("2*.db"))) == 1


async def test_one_entry_that_cannot_be_written_does_not_stop_the_others(desk: Any) -> None:
    told: list[str] = []

    def send(name: str, **fields: Any) -> Any:
        return desk.accept(name, then=lambda: told.append(name), **fields)

    first = send("C1")
    send("twice", id=first.id)
    send("no hash", hash=None)
    send("no text", type=5)
    desk.route(first)
    desk.journal.put(Delivered(first.id, 0, 1, 1 << 70, b"r"))
    send("C2")
    await desk.journal.flush()
    assert told == ["C1", "C2"]
    assert desk.journal.failed is None
    assert [row.control for row in desk.journal.stored()] == ["C2"]
    assert verify(desk.place, desk.keyset).differences == []


async def test_after_rewrapping_the_old_key_can_go(desk: Any) -> None:
    entry = desk.accept("C1", b"the body")
    await desk.journal.flush()
    desk.clock.advance(86_400)
    desk.accept("C2")
    await desk.journal.flush()
    await desk.journal.close()
    data = json.loads(desk.keyset.dumps())
    fresh = json.loads(type(desk.keyset).generate().dumps())
    both = data | {"current": 2, "keys": {"1": data["keys"]["1"], "2": fresh["keys"]["1"]}}
    only = data | {"current": 2, "keys": {"2": fresh["keys"]["1"]}}
    state = State(desk.folder)
    assert rewrap(state, type(desk.keyset).loads(json.dumps(both))) == 2
    state.close()
    desk.keyset = type(desk.keyset).loads(json.dumps(only))
    await desk.open()
    assert desk.journal.body(entry.id) == b"the body"
    assert verify(desk.place, desk.keyset).differences == []

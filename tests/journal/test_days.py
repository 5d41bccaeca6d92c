"""Midnight UTC: rows stay in their day, repeats are found across days, old days are dropped."""

from __future__ import annotations

from typing import Any

import pytest

from journal.stores import BOTH
from vagus.journal.entries import Buried, Delivered, Died, Discarded, Redriven
from vagus.journal.keyfile import KeyFile, key_of, write_keys
from vagus.journal.ledger import verify

HOUR = 3_600.0
DAY = 86_400.0


def day_files(desk: Any) -> list[str]:
    return sorted(path.name for path in desk.folder.glob("2*"))


@BOTH
async def test_a_batch_over_midnight_goes_into_both_days(desk: Any) -> None:
    desk.clock.advance(12 * HOUR - 0.001)
    told: list[int] = []
    entries = []
    for n in range(200):
        entries.append(desk.accept(f"C{n}", then=lambda n=n: told.append(n)))
        desk.clock.advance(0.00001)
    for entry in entries:
        desk.route(entry)
    await desk.journal.flush()
    assert told == list(range(200))
    assert desk.days() == ["2026-11-22", "2026-11-23"]
    for entry in entries:
        desk.journal.put(Delivered(entry.id, 0, 1, 1, b"r"))
    await desk.journal.flush()
    report = verify(desk.place, desk.keyset)
    assert report.differences == []
    assert report.days == 2
    assert report.counts["total"]["messages"]["delivered"] == 200
    assert desk.journal.counts() == report.counts


@BOTH
async def test_queues_run_across_days_oldest_first(desk: Any) -> None:
    entries = []
    for n in range(4):
        entries += [desk.accept(f"C{n}a"), desk.accept(f"C{n}b")]
        await desk.journal.flush()
        desk.clock.advance(DAY)
    ids = [entry.id for entry in entries]
    assert [row.id for row in desk.journal.stored(limit=3)] == ids[:3]
    assert [row.id for row in desk.journal.stored(ids[2])] == ids[3:]
    for entry in entries:
        desk.route(entry)
    await desk.journal.flush()
    await desk.reopen()
    assert [row.message for row in desk.journal.waiting(1, limit=5)] == ids[:5]
    assert [row.message for row in desk.journal.waiting(1, (ids[4], 0))] == ids[5:]
    for entry in entries:
        desk.journal.put(Delivered(entry.id, 0, 1, 1, b"r"))
    await desk.journal.flush()
    assert desk.journal.waiting(1) == []
    assert verify(desk.place, desk.keyset).differences == []


@pytest.mark.parametrize("close", [False, True])
@BOTH
async def test_repeats_are_found_for_seven_days(desk: Any, close: bool) -> None:
    first = desk.accept("C1")
    reused = desk.accept("C2", b"one")
    await desk.journal.flush()
    for _ in range(7):
        desk.clock.advance(DAY)
        again, other = desk.accept("C1"), desk.accept("C2", b"two")
        again.dedupe = other.dedupe = True
        if close:
            await desk.journal.flush()
            await desk.journal.tend()
            await desk.reopen()
        await desk.journal.flush()
        assert (again.duplicate, again.reply) == (first.id, b"MSA|AA|C1")
    assert not reused.reused
    keys = [name for name in day_files(desk) if name.endswith(".keys")]
    assert len(keys) == (7 if close and desk.server is None else 0)
    desk.clock.advance(2 * DAY)
    fresh = desk.accept("C1")
    await desk.journal.flush()
    assert fresh.duplicate is None


@BOTH
async def test_other_bytes_are_told_apart_across_days(desk: Any) -> None:
    desk.accept("C1", b"one")
    await desk.journal.flush()
    desk.clock.advance(DAY)
    await desk.journal.tend()
    second = desk.accept("C1", b"two")
    await desk.journal.flush()
    await desk.journal.tend()
    assert (second.duplicate, second.reused) == (None, True)


async def test_a_message_that_comes_after_the_closing_is_not_forgotten(desk: Any) -> None:
    late_id = desk.journal.ids.next()
    desk.accept("C1")
    await desk.journal.flush()
    desk.clock.advance(DAY)
    desk.accept("C2")
    await desk.journal.flush()
    await desk.journal.tend()
    assert "2026-11-22.keys" in day_files(desk)
    late = desk.accept("LATE", id=late_id)
    await desk.journal.flush()
    assert "2026-11-22.keys" not in day_files(desk)
    again = desk.accept("LATE")
    await desk.journal.flush()
    assert again.duplicate == late.id == late_id
    await desk.journal.tend()
    assert "2026-11-22.keys" in day_files(desk)
    assert desk.accept("LATE").id
    await desk.journal.flush()
    assert desk.journal.counts()["total"]["messages"]["duplicates"] == 2


async def test_keys_past_the_window_are_let_go(desk: Any) -> None:
    await three_days(desk)
    await desk.journal.tend()
    assert sum(name.endswith(".keys") for name in day_files(desk)) == 2
    desk.clock.advance(30 * DAY)
    desk.accept("NEW")
    await desk.journal.flush()
    for _ in range(2):
        await desk.journal.tend()
        assert sum(name.endswith(".keys") for name in day_files(desk)) == 0
        await desk.reopen()
    states = {day: item.state for day, item in desk.journal.state.partitions().items()}
    assert list(states.values()) == ["closed", "closed", "closed", "open"]


async def test_damaged_keys_are_written_again(desk: Any) -> None:
    first = desk.accept("C1")
    await desk.journal.flush()
    desk.clock.advance(DAY)
    desk.accept("C2")
    await desk.journal.flush()
    await desk.journal.tend()
    path = desk.folder / "2026-11-22.keys"
    data = bytearray(path.read_bytes())
    data[12] ^= 1
    path.write_bytes(data)
    await desk.reopen()
    again = desk.accept("C1")
    await desk.journal.flush()
    assert again.duplicate == first.id
    await desk.journal.tend()
    with_keys = KeyFile(path)
    assert key_of(1, 7, "C1") in with_keys
    with_keys.close()


def test_key_files_hold_what_they_were_given(tmp_path: Any) -> None:
    path = tmp_path / "2026-11-22.keys"
    numbers = [key_of(1, n, "C") for n in range(1000)]
    write_keys(path, iter(numbers))
    keys = KeyFile(path)
    assert len(keys) == 1000
    assert all(number in keys for number in numbers)
    assert not any(key_of(2, n, "C") in keys for n in range(1000))
    keys.close()
    write_keys(path, iter(()))
    empty = KeyFile(path)
    assert 5 not in empty
    empty.close()


async def three_days(desk: Any) -> list[Any]:
    entries = []
    for n in range(3):
        entry = desk.accept(f"C{n}")
        desk.route(entry)
        entries.append(entry)
        await desk.journal.flush()
        desk.clock.advance(DAY)
    return entries


@BOTH
async def test_a_day_past_keeping_is_dropped_with_its_key(desk: Any) -> None:
    entries = await three_days(desk)
    for entry in entries:
        desk.journal.put(Delivered(entry.id, 0, 1, 1, b"r"))
    await desk.journal.flush()
    before = desk.journal.counts()
    desk.clock.advance(88 * DAY)
    desk.accept("NEW")
    await desk.journal.flush()
    await desk.journal.tend()
    assert desk.days() == ["2026-11-23", "2026-11-24", "2027-02-21"]
    partition = desk.journal.state.partitions()["2026-11-22"]
    assert (partition.state, partition.wrapped_key) == ("dropped", None)
    assert [(row.action, row.subject) for row in desk.journal.audit.rows()] == [
        ("drop-day", "2026-11-22")
    ]
    after = desk.journal.counts()
    assert after["total"]["messages"]["accepted"] == before["total"]["messages"]["accepted"] + 1
    with pytest.raises(KeyError):
        desk.journal.body(entries[0].id)
    told: list[int] = []
    desk.journal.put(Redriven(entries[0].id, 0, 1, "nora", then=lambda: told.append(1)))
    desk.accept("REPLAY", cause=entries[0].id, dedupe=False)
    await desk.journal.flush()
    assert told == [1]
    assert verify(desk.place, desk.keyset).differences == []
    await desk.reopen()
    assert verify(desk.place, desk.keyset).differences == []


@BOTH
async def test_a_day_with_something_left_to_do_is_kept(desk: Any) -> None:
    waiting, dead, died = await three_days(desk)
    desk.journal.put(Buried(dead.id, 0, 1, 12, "AE"))
    desk.journal.put(Delivered(died.id, 0, 1, 1, b"r"))
    await desk.journal.flush()
    corpse = desk.accept("DEAD")
    desk.journal.put(Died(corpse.id, corpse.endpoint, "map", "unmapped"))
    await desk.journal.flush()
    desk.journal.state.hold("2026-11-24", "litigation 7")
    desk.clock.advance(200 * DAY)
    desk.accept("NEW")
    await desk.journal.flush()

    async def left() -> list[str]:
        await desk.journal.tend()
        return [day[5:] for day in desk.days()]

    assert await left() == ["11-22", "11-23", "11-24", "11-25", "06-13"]
    desk.journal.put(Delivered(waiting.id, 0, 1, 1, b"r"))
    desk.journal.put(Discarded(dead.id, 0, 1, "nora"))
    desk.accept("DEAD", cause=corpse.id, dedupe=False)
    await desk.journal.flush()
    assert await left() == ["11-24", "06-13"]
    desk.journal.state.hold("2026-11-24", None)
    assert await left() == ["06-13"]
    assert verify(desk.place, desk.keyset).differences == []


async def test_a_day_whose_making_was_interrupted_is_finished_or_forgotten(desk: Any) -> None:
    desk.accept("C1")
    await desk.journal.close()
    path = desk.folder / "2026-11-22.db"
    path.rename(desk.folder / "2026-11-22.db.new")
    (desk.folder / "2026-11-23.db.new").write_bytes(b"half a file")
    await desk.open()
    assert len(desk.journal.stored()) == 1
    assert [name for name in day_files(desk) if ".new" in name] == []


@BOTH
async def test_a_dropped_day_whose_file_was_not_yet_removed_is_removed_at_the_start(
    desk: Any,
) -> None:
    entries = await three_days(desk)
    await desk.journal.close()
    state = desk.placed().state()
    state.drop("2026-11-22", {})
    state.close()
    await desk.open()
    assert "2026-11-22" not in desk.days()
    assert [row.id for row in desk.journal.stored()] == []
    assert [row.message for row in desk.journal.waiting(1)] == [entry.id for entry in entries[1:]]


@BOTH
async def test_a_replay_of_another_day_is_marked_after_a_crash(desk: Any) -> None:
    old = desk.accept("C1")
    desk.journal.put(Died(old.id, old.endpoint, "map", "unmapped"))
    await desk.journal.flush()
    desk.clock.advance(DAY)
    replay = desk.accept("C1", cause=old.id, dedupe=False)
    await desk.journal.flush()
    day = desk.journal.calendar.ordered()[0]
    desk.rows("UPDATE message SET replayed = NULL", day=day.name)
    desk.rows("DELETE FROM event", day=day.name)
    await desk.journal.close()
    state = desk.placed().state()
    state.remember("clean", b"0")
    state.close()
    await desk.open()
    day = desk.journal.calendar.ordered()[0]
    assert day.reader.execute("SELECT replayed FROM message").fetchall() == [(replay.id,)]


@BOTH
async def test_control_numbers_come_in_blocks_and_never_again(desk: Any) -> None:
    state = desk.journal.state
    assert state.allocate("isa:payer") == range(1, 101)
    assert state.allocate("isa:payer", 10) == range(101, 111)
    assert state.allocate("isa:other", 1, first=500) == range(500, 501)
    await desk.reopen()
    assert desk.journal.state.allocate("isa:payer", 1).start == 111

"""What is put is durable before its callback, counted once, and read back as it was."""

from __future__ import annotations

from typing import Any

import pytest

from journal.stores import BOTH
from vagus.journal.entries import (
    Buried,
    Delivered,
    Died,
    Discarded,
    Filtered,
    Noted,
    Parked,
    Redriven,
    Replied,
)
from vagus.journal.ledger import verify
from vagus.journal.tally import DeliveryState
from vagus.journal.vault import CorruptBody

pytestmark = BOTH


def words(desk: Any) -> dict[str, int]:
    counts = desk.journal.counts()["total"]["messages"]
    assert counts["accepted"] == sum(
        counts[word] for word in ("delivered", "filtered", "dead", "pending")
    )
    return {word: n for word, n in counts.items() if n}


async def test_a_callback_comes_after_the_commit_and_in_order(desk: Any) -> None:
    seen: list[tuple[int, int]] = []

    def told(n: int) -> Any:
        return lambda: seen.append((n, desk.rows("SELECT count(*) FROM message")[0][0]))

    for n in range(300):
        desk.accept(f"C{n}", then=told(n))
    await desk.journal.flush()
    assert [n for n, _ in seen] == list(range(300))
    assert all(durable > n for n, durable in seen)


async def test_what_is_put_in_a_callback_is_written_too(desk: Any) -> None:
    entry = desk.accept("C1", then=lambda: desk.route(entry))
    await desk.journal.flush()
    assert words(desk) == {"accepted": 1, "pending": 1}
    assert len(desk.journal.waiting(1)) == 1


async def test_a_callback_that_raises_stops_nobody(desk: Any) -> None:
    told = []
    desk.accept("C1", then=lambda: 1 / 0)
    desk.accept("C2", then=lambda: told.append(2))
    await desk.journal.flush()
    assert told == [2]


async def test_a_message_waits_as_stored_until_it_is_routed(desk: Any) -> None:
    body = b"MSH|^~\\&|\xe9" * 50
    entry = desk.accept("C1", body, cause=None, override="other")
    assert desk.journal.stored() == []
    await desk.journal.flush()
    [stored] = desk.journal.stored()
    assert (stored.id, stored.body, stored.control, stored.override) == (
        entry.id,
        body,
        "C1",
        "other",
    )
    desk.route(entry)
    await desk.journal.flush()
    assert desk.journal.stored() == []
    assert desk.journal.body(entry.id) == body


async def test_every_end_of_a_message_is_counted(desk: Any) -> None:
    one, two, three, four = (desk.accept(f"C{n}") for n in range(4))
    desk.route(one)
    desk.journal.put(Delivered(one.id, 0, 1, 1, b"receipt"))
    desk.journal.put(Filtered(two.id, two.endpoint, "not-wanted"))
    desk.journal.put(Died(three.id, three.endpoint, "map", "unmapped", "PID-8"))
    desk.route(four, ("store", 0, b"k"), ("mirror", 0, b"k"))
    desk.journal.put(Delivered(four.id, 0, 1, 1, b"receipt"))
    await desk.journal.flush()
    assert words(desk) == {"accepted": 4, "delivered": 1, "filtered": 1, "dead": 1, "pending": 1}
    assert desk.journal.counts()["destinations"]["store"] == {
        "owed": 2,
        "open": 0,
        "delivered": 2,
        "dead": 0,
        "discarded": 0,
    }
    assert verify(desk.place, desk.keyset).differences == []


async def test_a_delivery_can_be_parked_buried_redriven_and_given_up(desk: Any) -> None:
    entry = desk.accept("C1")
    desk.route(entry, ("store", 0, b"k"), ("store", 1, b"k"))
    store = desk.journal.destination("store")
    desk.journal.put(Parked(entry.id, 0, store, 1, 1234, "AE"))
    await desk.journal.flush()
    [first, second] = desk.journal.waiting(store)
    assert (first.state, first.attempts, first.due) == (DeliveryState.PARKED, 1, 1234)
    assert (second.part, second.state) == (1, DeliveryState.WAITING)

    desk.journal.put(Buried(entry.id, 0, store, 12, "AE"))
    desk.journal.put(Delivered(entry.id, 1, store, 1, b"receipt"))
    await desk.journal.flush()
    assert words(desk) == {"accepted": 1, "dead": 1}

    desk.journal.put(Redriven(entry.id, 0, store, "nora"))
    await desk.journal.flush()
    assert words(desk) == {"accepted": 1, "pending": 1}
    assert [row.attempts for row in desk.journal.waiting(store)] == [0]

    desk.journal.put(Buried(entry.id, 0, store, 1, "AR"))
    desk.journal.put(Discarded(entry.id, 0, store, "nora"))
    await desk.journal.flush()
    assert words(desk) == {"accepted": 1, "delivered": 1}
    assert verify(desk.place, desk.keyset).differences == []


async def test_dead_deliveries_and_the_fate_of_a_message_can_be_asked(desk: Any) -> None:
    one, two = desk.accept("C1", override="site/adt"), desk.accept("C2")
    await desk.journal.flush()
    fate = desk.journal.fate(one.id)
    assert (fate.stored, fate.waiting, fate.dead, fate.override) == (True, 0, False, "site/adt")
    for entry in (one, two):
        desk.route(entry, ("store", 0, b"k"), ("mirror", 0, b"k"))
        desk.journal.put(Buried(entry.id, 0, 1, 3, "AR"))
    desk.journal.put(Delivered(one.id, 0, 2, 1, b"r"))
    await desk.journal.flush()
    desk.clock.advance(86_400)
    await desk.reopen()
    assert [row.message for row in desk.journal.dead(1)] == [one.id, two.id]
    assert [row.message for row in desk.journal.dead(1, (one.id, 0))] == [two.id]
    assert desk.journal.dead(2) == []
    fates = [desk.journal.fate(entry.id) for entry in (one, two)]
    assert [(fate.done, fate.dead, fate.waiting) for fate in fates] == [
        (True, True, 0),
        (False, True, 1),
    ]
    assert desk.journal.fate(two.id + 1) is None
    desk.journal.put(Redriven(one.id, 0, 1, "nora"))
    await desk.journal.flush()
    assert [row.message for row in desk.journal.dead(1)] == [two.id]


async def test_giving_up_everything_counts_as_filtered(desk: Any) -> None:
    died, routed = desk.accept("C1"), desk.accept("C2")
    desk.journal.put(Died(died.id, died.endpoint, "decode", "truncated"))
    desk.route(routed)
    desk.journal.put(Buried(routed.id, 0, 1, 3, "AR"))
    desk.journal.put(Discarded(died.id, 0, None, "nora"))
    desk.journal.put(Discarded(routed.id, 0, None, "nora"))
    await desk.journal.flush()
    assert words(desk) == {"accepted": 2, "filtered": 2}
    assert verify(desk.place, desk.keyset).differences == []


async def test_an_entry_that_comes_too_late_changes_nothing_but_is_called_back(desk: Any) -> None:
    entry = desk.accept("C1")
    desk.route(entry)
    desk.journal.put(Delivered(entry.id, 0, 1, 1, b"receipt"))
    await desk.journal.flush()
    told = []
    desk.route(entry, ("elsewhere", 0, b"k"))
    desk.journal.put(Filtered(entry.id, entry.endpoint, "late"))
    late = (
        Delivered(entry.id, 0, 1, 9, b"second"),
        Buried(entry.id, 0, 1, 9, "late"),
        Redriven(entry.id, 0, 1, "nora"),
        Discarded(entry.id, 0, 1, "nora"),
        Parked(entry.id, 7, 1, 1, 1, "no-such-part"),
        Noted(12345 << 21, "nothing"),
        Replied(12345 << 21, b"nobody"),
    )
    for item in late:
        item.then = lambda: told.append(1)
        desk.journal.put(item)
    await desk.journal.flush()
    assert len(told) == len(late)
    assert words(desk) == {"accepted": 1, "delivered": 1}
    assert desk.rows("SELECT attempts, digest FROM delivery") == [(1, b"receipt")]
    assert verify(desk.place, desk.keyset).differences == []


async def test_some_of_a_run_of_deliveries_may_be_too_late(desk: Any) -> None:
    entries = [desk.accept(f"C{n}") for n in range(5)]
    for entry in entries:
        desk.route(entry)
    desk.journal.put(Delivered(entries[2].id, 0, 1, 1, b"first"))
    await desk.journal.flush()
    for entry in entries:
        desk.journal.put(Delivered(entry.id, 0, 1, 2, b"again"))
    await desk.journal.flush()
    assert words(desk) == {"accepted": 5, "delivered": 5}
    assert [row[0] for row in desk.rows("SELECT digest FROM delivery ORDER BY message")] == [
        b"again",
        b"again",
        b"first",
        b"again",
        b"again",
    ]
    assert verify(desk.place, desk.keyset).differences == []


async def test_counters_survive_closing_and_reopening(desk: Any) -> None:
    entry = desk.accept("C1")
    desk.route(entry, ("store", 0, b"k"), ("mirror", 0, b"k"))
    desk.accept("C1")
    await desk.journal.flush()
    before = desk.journal.counts()
    await desk.reopen()
    assert desk.journal.counts() == before
    desk.journal.put(Delivered(entry.id, 0, 1, 1, b"r"))
    desk.journal.put(Delivered(entry.id, 0, 2, 1, b"r"))
    await desk.journal.flush()
    assert words(desk) == {"accepted": 1, "delivered": 1, "duplicates": 1}


async def test_names_keep_their_numbers(desk: Any) -> None:
    numbers = [desk.journal.endpoint("a"), desk.journal.endpoint("b"), desk.journal.endpoint("a")]
    assert numbers[0] == numbers[2] != numbers[1]
    await desk.reopen()
    assert desk.journal.endpoint("b") == numbers[1]
    assert desk.journal.names("endpoint") == {numbers[0]: "a", numbers[1]: "b"}


async def test_queues_are_read_in_pages_and_in_order(desk: Any) -> None:
    entries = [desk.accept(f"C{n}") for n in range(25)]
    await desk.journal.flush()
    seen: list[int] = []
    while page := desk.journal.stored(seen[-1] if seen else 0, 7):
        seen += [row.id for row in page]
    assert seen == [entry.id for entry in entries]

    for n, entry in enumerate(entries):
        desk.route(entry, ("store", 1, b"odd" if n % 2 else b"even"), ("store", 0, b"all"))
    await desk.journal.flush()
    store = desk.journal.destination("store")
    owed: list[tuple[int, int]] = []
    while rows_ := desk.journal.waiting(store, owed[-1] if owed else (0, -1), 7):
        owed += [(row.message, row.part) for row in rows_]
    assert owed == [(entry.id, part) for entry in entries for part in (0, 1)]
    odd = desk.journal.lane_waiting(store, b"odd", (entries[5].id, 1), 3)
    assert [row.message for row in odd] == [entries[n].id for n in (7, 9, 11)]


async def test_bodies_and_replies_are_not_readable_on_the_disk(desk: Any) -> None:
    desk.accept("C1", b"PID|1||4711^^^HOSP||Wunderlich^Anna" * 9, reply=b"MSA|AA|Wunderlich")
    await desk.journal.flush()
    files = [path.read_bytes() for path in desk.folder.iterdir()]
    columns = [value for row in desk.rows("SELECT * FROM body") for value in row]
    columns += [value for row in desk.rows("SELECT * FROM message") for value in row]
    assert columns
    assert all(b"Wunderlich" not in data for data in (*files, repr(columns).encode()))


async def test_a_damaged_or_moved_body_is_reported_and_hurts_nobody_else(desk: Any) -> None:
    one, two, three = (desk.accept(f"C{n}", b"body %d" % n) for n in range(3))
    await desk.journal.close()
    desk.rows("UPDATE body SET sealed = ? WHERE id = ?", bytes(60), one.id)
    [(sealed,)] = desk.rows("SELECT sealed FROM body WHERE id = ?", three.id)
    desk.rows("UPDATE body SET sealed = ? WHERE id = ?", sealed, two.id)
    await desk.open()
    assert [row.body for row in desk.journal.stored()] == [None, None, b"body 2"]
    with pytest.raises(CorruptBody):
        desk.journal.body(one.id)
    assert len(verify(desk.place, desk.keyset).differences) == 2


async def test_text_that_is_no_text_is_stored_all_the_same(desk: Any) -> None:
    desk.accept("C\udce9\x00", type="ADT\udcff", sender=(1 << 64) - 1)
    await desk.journal.flush()
    [stored] = desk.journal.stored()
    assert stored.control == "C??"
    assert verify(desk.place, desk.keyset).differences == []


async def test_a_later_reply_is_what_a_repeat_gets(desk: Any) -> None:
    entry = desk.accept("C1", reply=None)
    await desk.journal.flush()
    desk.journal.put(Replied(entry.id, b"done"))
    again = desk.accept("C1", reply=None)
    await desk.journal.flush()
    third = desk.accept("C1", reply=None)
    await desk.journal.flush()
    assert (again.duplicate, third.duplicate, third.reply) == (entry.id, entry.id, b"done")
    assert verify(desk.place, desk.keyset).differences == []


async def test_a_replay_is_a_new_message_that_marks_the_old_one(desk: Any) -> None:
    old = desk.accept("C1")
    desk.journal.put(Died(old.id, old.endpoint, "map", "unmapped"))
    new = desk.accept("C1", cause=old.id, dedupe=False)
    other = desk.accept("C9", cause=old.id, dedupe=False, channel="follower")
    await desk.journal.flush()
    assert desk.rows("SELECT replayed FROM message ORDER BY id") == [(new.id,), (None,), (None,)]
    assert words(desk) == {"accepted": 3, "dead": 1, "pending": 2}
    assert other.duplicate is None
    assert verify(desk.place, desk.keyset).differences == []


async def test_nothing_of_a_message_shows_when_an_entry_is_printed(desk: Any) -> None:
    entry = desk.accept("MRN4711", b"PID|1||4711||Wunderlich", reply=b"MSA|AA|MRN4711")
    await desk.journal.flush()
    shown = repr(entry) + repr(desk.journal.stored()) + repr(Replied(1, b"Wunderlich"))
    assert "4711" not in shown
    assert "Wunderlich" not in shown

"""What a destination is sent, and when, on a real journal."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from channels.config import OnDead
from channels.dispatch import Limits
from vagus.journal.entries import Discarded, Redriven
from vagus.kernel.envelope import Delivery
from vagus.kernel.errors import DeliveryDelayed, DeliveryRejected, Fault

ERROR = DeliveryDelayed("AE", fault=Fault.MESSAGE)
REFUSED = DeliveryDelayed("refused")
TIMEOUT = DeliveryDelayed("timeout", unknown=True)
REJECTED = DeliveryRejected("AR")
SMALL = Limits(memory=24, lane=6, page=4)

Make = Callable[..., Any]


async def test_a_lane_goes_on_only_when_the_outcome_is_durable(bench: Make) -> None:
    it = await bench()
    first, second = it.publish("A"), it.publish("A")
    await it.journal.flush()
    delivery = it.take()
    assert delivery.message == first
    it.dispatch.delivered(delivery, b"")
    assert it.took() is None
    await it.journal.flush()
    assert it.took() == second


async def test_a_destination_that_is_down_is_probed_with_one_and_ramped_up(bench: Make) -> None:
    it = await bench(concurrency=4)
    ids = [it.publish(f"L{number}") for number in range(8)]
    await it.journal.flush()
    flying = [it.take() for _ in range(4)]
    assert it.take() is None
    for delivery in flying:
        it.fails(delivery, REFUSED)
    assert it.take() is None
    assert it.dispatch.health.down
    due = it.dispatch.wake_at(it.clock.now())
    assert 0.5 <= due - it.clock.now() <= 1.5
    it.clock.advance(due - it.clock.now())
    probe = it.take()
    assert it.take() is None
    assert it.dispatch.wake_at(it.clock.now()) is None, "only the probe's outcome can change that"
    await it.sent(probe)
    assert [delivery is not None for delivery in (it.take(), it.take())] == [True, False]
    assert all(delivery.attempts == 0 for delivery in flying), "nothing was charged a try"
    assert it.figures()["open"] == len(ids) - 1


async def test_probes_back_off_and_are_bounded(bench: Make) -> None:
    it = await bench()
    it.publish("A")
    await it.journal.flush()
    waits = []
    for _ in range(12):
        it.fails(it.take(), REFUSED)
        due = it.dispatch.wake_at(it.clock.now())
        waits.append(due - it.clock.now())
        it.clock.advance(waits[-1] + 0.001)
    assert waits[:4] == pytest.approx([1, 2, 4, 8])
    assert max(waits) <= 60.001


async def test_an_unknown_outcome_is_repeated_first(bench: Make) -> None:
    it = await bench(concurrency=1)
    ids = [it.publish(name) for name in "ABC"]
    await it.journal.flush()
    it.fails(it.take(), TIMEOUT)
    it.clock.advance(2)
    assert it.took() == ids[0]


async def test_a_message_at_fault_holds_up_its_lane_only(bench: Make) -> None:
    it = await bench()
    bad, behind, other = it.publish("A"), it.publish("A"), it.publish("B")
    await it.journal.flush()
    it.fails(it.take(), ERROR)
    assert await it.drain() == [other]
    assert not it.dispatch.health.down
    assert it.dispatch.parked == 1
    it.clock.advance(it.dispatch.wake_at(it.clock.now()) - it.clock.now())
    assert await it.drain() == [bad, behind]
    assert it.figures() == {"owed": 3, "open": 0, "delivered": 3, "dead": 0, "discarded": 0}


async def test_tries_are_counted_and_end_in_a_dead_letter(bench: Make) -> None:
    it = await bench(attempts=3)
    bad, behind = it.publish("A"), it.publish("A")
    await it.journal.flush()
    waits = []
    for _ in range(3):
        delivery = it.take()
        assert delivery.message == bad
        it.fails(delivery, ERROR)
        if (due := it.dispatch.wake_at(it.clock.now())) is not None:
            waits.append(due - it.clock.now())
            it.clock.advance(waits[-1])
    assert waits == pytest.approx([0.75, 1.5])
    await it.journal.flush()
    assert await it.drain() == [behind]
    assert it.figures()["dead"] == 1


async def test_tries_are_remembered_over_a_restart(bench: Make) -> None:
    it = await bench(attempts=2)
    it.publish("A")
    await it.journal.flush()
    it.fails(it.take(), ERROR)
    await it.again()
    assert it.took() is None, "it waits for its time"
    it.clock.advance(10)
    it.fails(it.take(), ERROR)
    await it.journal.flush()
    assert it.figures()["dead"] == 1


async def test_a_rejected_message_is_dead_at_once_and_its_lane_goes_on(bench: Make) -> None:
    it = await bench()
    it.publish("A")
    behind = it.publish("A")
    await it.journal.flush()
    it.fails(it.take(), REJECTED)
    assert it.took() is None, "not before the dead letter is durable"
    await it.journal.flush()
    assert await it.drain() == [behind]
    assert it.figures()["dead"] == 1


async def test_many_failing_lanes_are_the_destinations_fault(bench: Make) -> None:
    it = await bench(attempts=50)
    for number in range(6):
        it.publish(f"L{number}")
    await it.journal.flush()
    for _ in range(5):
        it.fails(it.take(), ERROR)
    assert not it.dispatch.health.down
    it.fails(it.take(), ERROR)
    assert it.dispatch.health.down


async def test_a_merge_waits_for_both_lanes_and_holds_up_both(bench: Make) -> None:
    it = await bench()
    one, two = it.publish("A"), it.publish("B")
    merge = it.publish("A", "B")
    after = it.publish("B")
    await it.journal.flush()
    first, second = it.take(), it.take()
    assert (first.message, second.message, it.took()) == (one, two, None)
    await it.sent(first)
    assert it.took() is None
    await it.sent(second)
    delivery = it.take()
    assert (delivery.message, it.took()) == (merge, None)
    await it.sent(delivery)
    assert await it.drain() == [after]


async def test_without_order_nothing_waits(bench: Make) -> None:
    it = await bench(concurrency=8)
    ids = [it.publish() for _ in range(5)]
    await it.journal.flush()
    taken = [it.take() for _ in ids]
    it.fails(taken[0], ERROR)
    assert [delivery.message for delivery in taken] == ids


@pytest.mark.parametrize("seed", range(4))
async def test_what_left_memory_keeps_its_order_merges_included(bench: Make, seed: int) -> None:
    it = await bench(limits=SMALL, attempts=100)
    chance = Random(seed)
    wanted: dict[str, list[int]] = {name: [] for name in "ABC"}
    seen: dict[int, tuple[str, ...]] = {}
    for turn in range(120):
        lanes = chance.sample("ABC", 2) if chance.random() < 0.1 else [chance.choice("AAABC")]
        number = it.publish(*lanes)
        seen[number] = tuple(lanes)
        for name in lanes:
            wanted[name].append(number)
        if turn % 7 == 0:
            await it.journal.flush()
        if chance.random() < 0.2 and (delivery := it.take()) is not None:
            if chance.random() < 0.5:
                it.fails(delivery, ERROR)
            else:
                await it.sent(delivery)
        assert it.dispatch.waiting < 60
    for _ in range(400):
        await it.drain()
        if not it.figures()["open"]:
            break
        it.clock.advance(5)
    for name, expected in wanted.items():
        assert [number for number in it.order if name in seen[number]] == expected


async def test_lanes_that_wait_leave_room_for_the_others(bench: Make) -> None:
    it = await bench(limits=Limits(memory=24, lane=20, page=4), attempts=100, concurrency=3)
    stuck = ("A", "B")
    for name in stuck:
        it.publish(name)
    await it.journal.flush()
    for _ in stuck:
        it.fails(it.take(), ERROR)
    behind = {name: [it.publish(name) for _ in range(40)] for name in stuck}
    await it.journal.flush()
    others = [it.publish("C") for _ in range(30)]
    await it.journal.flush()
    assert await it.drain() == others
    assert it.dispatch.waiting <= 8
    assert it.dispatch.moving == 0
    it.order.clear()
    it.clock.advance(60)
    await it.drain()
    assert [number for number in it.order if number in behind["A"]] == behind["A"]
    assert [number for number in it.order if number in behind["B"]] == behind["B"]
    assert it.figures()["open"] == 0


# Dead letters that hold up their lane.


async def test_a_held_lane_waits_for_an_operator(bench: Make) -> None:
    it = await bench(on_dead=OnDead.HOLD)
    bad, behind, other = it.publish("A"), it.publish("A"), it.publish("B")
    await it.journal.flush()
    it.fails(it.take(), REJECTED)
    assert await it.drain() == [other]
    it.journal.put(Discarded(bad, 0, it.destination, "op"))
    await it.journal.flush()
    it.dispatch.discard((bad, 0))
    assert await it.drain() == [behind]


async def test_without_order_there_is_no_lane_to_hold(bench: Make) -> None:
    it = await bench(on_dead=OnDead.HOLD, limits=SMALL)
    for _ in range(60):
        it.publish()
    await it.journal.flush()
    while (delivery := it.take()) is not None:
        it.fails(delivery, REJECTED)
        await it.journal.flush()
    assert it.figures()["dead"] == 60
    assert it.dispatch.waiting == 0


async def test_a_held_lane_is_still_held_after_a_restart(bench: Make) -> None:
    it = await bench(on_dead=OnDead.HOLD)
    bad, behind, other = it.publish("A"), it.publish("A"), it.publish("B")
    await it.journal.flush()
    it.fails(it.take(), REJECTED)
    await it.again()
    assert await it.drain() == [other]
    assert it.dispatch.moving == 0
    it.journal.put(Redriven(bad, 0, it.destination, "op"))
    await it.journal.flush()
    it.dispatch.redrive(_again(it, bad, "A"))
    assert await it.drain() == [bad, behind]


async def test_dead_letters_of_one_lane_are_held_until_each_is_dealt_with(bench: Make) -> None:
    it = await bench()
    dead = [it.publish("A") for _ in range(3)]
    await it.journal.flush()
    for _ in dead:
        it.fails(it.take(), REJECTED)
        await it.journal.flush()
    behind = it.publish("A")
    await it.journal.flush()
    it._options["on_dead"] = OnDead.HOLD
    await it.again()
    for number in dead[1], dead[0]:  # the second one first
        assert it.took() is None
        it.journal.put(Discarded(number, 0, it.destination, "op"))
        await it.journal.flush()
        it.dispatch.discard((number, 0))
    assert it.took() is None
    it.journal.put(Redriven(dead[2], 0, it.destination, "op"))
    await it.journal.flush()
    it.dispatch.redrive(_again(it, dead[2], "A"))
    assert await it.drain() == [dead[2], behind]


@pytest.mark.parametrize("seed", range(6))
async def test_held_lanes_keep_their_order_over_restarts(bench: Make, seed: int) -> None:
    it = await bench(on_dead=OnDead.HOLD, limits=SMALL, attempts=4)
    chance = Random(seed)
    lanes: dict[int, tuple[str, ...]] = {}
    given_up: set[int] = set()
    for turn in range(150):
        if turn < 90:
            chosen = chance.sample("ABC", 2) if chance.random() < 0.15 else [chance.choice("AABC")]
            lanes[it.publish(*chosen)] = tuple(chosen)
        if chance.random() < 0.3:
            await it.journal.flush()
        if chance.random() < 0.5 and (delivery := it.take()) is not None:
            luck = chance.random()
            if luck < 0.6:
                await it.sent(delivery)
            else:
                it.fails(delivery, REJECTED if luck < 0.8 else ERROR)
        if chance.random() < 0.1:
            it.clock.advance(10)
        if chance.random() < 0.04:
            await it.again()
        if chance.random() < 0.1:
            await _deal_with_one(it, chance, lanes, given_up)
    for _ in range(300):
        await it.journal.flush()
        await it.drain()
        it.clock.advance(10)
        if not it.figures()["open"] and not it.figures()["dead"]:
            break
        await _deal_with_one(it, chance, lanes, given_up)
    assert it.figures()["open"] == it.figures()["dead"] == 0
    assert sorted(it.order) == sorted(set(lanes) - given_up)
    for name in "ABC":
        found = [number for number in it.order if name in lanes[number]]
        assert found == sorted(found)


async def _deal_with_one(
    it: Any, chance: Random, lanes: dict[int, tuple[str, ...]], given_up: set[int]
) -> None:
    """An operator redrives or discards one of the dead letters."""
    await it.journal.flush()
    dead = it.journal.dead(it.destination)
    if not dead:
        return
    number = chance.choice(dead).message
    if chance.random() < 0.5:
        given_up.add(number)
        it.journal.put(Discarded(number, 0, it.destination, "op"))
        await it.journal.flush()
        it.dispatch.discard((number, 0))
    else:
        it.journal.put(Redriven(number, 0, it.destination, "op"))
        await it.journal.flush()
        it.dispatch.redrive(_again(it, number, *lanes[number]))


async def test_a_redriven_delivery_is_the_newest_of_its_lane(bench: Make) -> None:
    it = await bench()
    bad, behind = it.publish("A"), it.publish("A")
    await it.journal.flush()
    it.fails(it.take(), REJECTED)
    await it.journal.flush()
    it.journal.put(Redriven(bad, 0, it.destination, "op"))
    await it.journal.flush()
    it.dispatch.redrive(_again(it, bad, "A"))
    it.dispatch.redrive(_again(it, bad, "A"))
    assert await it.drain() == [behind, bad], "and it is sent once"
    assert it.figures()["delivered"] == 2


async def test_nothing_is_takeable_while_paused(bench: Make) -> None:
    it = await bench()
    number = it.publish("A")
    await it.journal.flush()
    it.dispatch.paused = True
    assert it.took() is None
    assert it.dispatch.wake_at(it.clock.now()) is None
    it.dispatch.paused = False
    assert it.took() == number


def _again(it: Any, number: int, *names: str) -> Delivery:
    tokens = tuple(name.encode().ljust(12, b".") for name in names)
    return Delivery(number, 0, it.destination, tokens, content="again", redriven=True)

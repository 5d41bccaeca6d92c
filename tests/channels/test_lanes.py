from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.lanes import Lanes, Spill
from vagus.kernel.envelope import Delivery


def delivery(number: int, *lanes: str) -> Delivery:
    return Delivery(number, 0, 1, tuple(lane.encode() for lane in lanes))


@given(st.lists(st.sets(st.sampled_from("ABCD"), max_size=3), max_size=30), st.randoms())
@settings(max_examples=150, deadline=None)
def test_every_lane_goes_in_order_and_nothing_waits_for_ever(
    wanted: list[set[str]], chance: object
) -> None:
    lanes = Lanes()
    ready = []
    for number, keys in enumerate(wanted):
        item = delivery(number, *sorted(keys))
        if lanes.add(item):
            ready.append(item)
    done: list[Delivery] = []
    while ready:
        item = ready.pop(chance.randrange(len(ready)))  # type: ignore[attr-defined]
        for key in item.lanes:
            assert all(key not in other.lanes for other in ready), "one of a lane at a time"
        done.append(item)
        ready += lanes.done(item)
    assert len(done) == len(wanted)
    assert len(lanes) == lanes.active == 0
    for key in (b"A", b"B", b"C", b"D"):
        numbers = [item.message for item in done if key in item.lanes]
        assert numbers == sorted(numbers)


def test_only_a_head_can_be_done() -> None:
    lanes = Lanes()
    lanes.add(delivery(1, "A"))
    second = delivery(2, "A")
    assert not lanes.add(second)
    with pytest.raises(AssertionError):
        lanes.done(second)


def test_shortened_lanes_stand_for_the_same_deliveries() -> None:
    lanes = Lanes()
    items = [delivery(number, "A") for number in range(6)]
    merge = delivery(6, "A", "B")
    late = [delivery(number, "A") for number in range(7, 10)]
    for item in [*items, merge, *late]:
        lanes.add(item)
    lanes.shorten(b"A", 2, lambda item: item.message == 8)
    assert len(lanes) == 7
    head = items[0]
    found = []
    while head is not None:
        found.append(head)
        ready = lanes.done(head)
        head = ready[0] if ready else None
    assert [(type(item).__name__, item.message) for item in found] == [
        ("Delivery", 0),
        ("Delivery", 1),
        ("Spill", 2),
        ("Delivery", 6),
        ("Spill", 7),
        ("Delivery", 8),
        ("Spill", 9),
    ]
    assert isinstance(found[2], Spill)
    assert found[2].last == (5, 0)
    assert len(lanes) == lanes.active == 0


def test_a_short_lane_is_left_as_it_is() -> None:
    lanes = Lanes()
    for number in range(3):
        lanes.add(delivery(number, "A"))
    lanes.shorten(b"A", 2, lambda item: False)
    assert lanes.length(b"A") == 3
    assert not isinstance(lanes.tail(b"A"), Spill)

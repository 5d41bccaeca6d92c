from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vagus.kernel import ids
from vagus.kernel.clock import ManualClock
from vagus.kernel.ids import Ids

numbers = st.integers(0, (1 << 63) - 1)


@given(st.lists(st.floats(-7200, 7200), max_size=60), st.integers(0, 63))
def test_ids_only_grow_whatever_the_clock_does(steps: list[float], node: int) -> None:
    clock = ManualClock()
    source = Ids(clock, node)
    seen = [source.next()]
    for step in steps:
        clock.advance(step)
        seen.append(source.next())
    assert seen == sorted(set(seen))
    assert {number >> 15 & 63 for number in seen} == {node}


def test_more_ids_in_a_millisecond_than_there_are_numbers() -> None:
    source = Ids(ManualClock(), node=63)
    seen = [source.next() for _ in range(40_000)]
    assert seen == sorted(set(seen))
    assert {number >> 15 & 63 for number in seen} == {63}
    assert ids.millis(seen[-1]) - ids.millis(seen[0]) == 1


def test_a_new_start_goes_on_after_the_last_one() -> None:
    clock = ManualClock()
    last = Ids(clock).next()
    clock.advance(-3600)
    assert Ids(clock, last=last).next() == last + 1


def test_two_nodes_never_share_an_id() -> None:
    clock = ManualClock()
    one, two = Ids(clock, 1), Ids(clock, 2)
    assert {one.next() for _ in range(500)}.isdisjoint(two.next() for _ in range(500))


def test_an_id_says_when_it_was_handed_out() -> None:
    clock = ManualClock(1_795_348_800.123)
    number = Ids(clock).next()
    assert ids.millis(number) == 1_795_348_800_123
    assert ids.first_of(1_795_348_800_123) <= number < ids.first_of(1_795_348_800_124)
    assert ids.first_of(0) == 0


@pytest.mark.parametrize("node", [-1, 64])
def test_a_node_number_has_its_bounds(node: int) -> None:
    with pytest.raises(ValueError, match="between 0 and 63"):
        Ids(ManualClock(), node)


@given(numbers)
def test_text_there_and_back(number: int) -> None:
    text = ids.to_text(number)
    assert len(text) == 13
    assert ids.from_text(text) == number == ids.from_text(text.lower())
    assert ids.from_text(text.replace("0", "O").replace("1", "I")) == number


@given(numbers, numbers)
def test_texts_sort_as_the_numbers(one: int, two: int) -> None:
    assert (ids.to_text(one) < ids.to_text(two)) == (one < two)


@given(st.text(max_size=20))
def test_what_is_no_id(text: str) -> None:
    try:
        number = ids.from_text(text)
    except ValueError:
        return
    assert ids.from_text(ids.to_text(number)) == number


@pytest.mark.parametrize(
    "text", ["", "0" * 12, "0" * 14, "Z" * 13, "U" * 13, "\u0131" * 13, "-" * 13]
)
def test_texts_that_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="message id"):
        ids.from_text(text)

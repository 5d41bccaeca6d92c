"""Sorts segments into their groups in few steps where their names came in that order (§14).

Where no group is told from another by a value, the order of the names alone says where each
segment goes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import chain
from operator import add, call, itemgetter
from typing import Any

from mappings.seen import Unfit

Row = list[Any]
name_of = itemgetter(0)
_NOTHING = itemgetter(slice(0, 0))


class Needs:
    """What narrowed code relies on: numbers of fields by segment.

    In `empty`, 0 stands for the whole segment. `without` has the fields in which a separator does
    not stand, by its place among those of components, repetitions and parts. `single` are the
    segments that come once at most.
    """

    def __init__(
        self,
        empty: Mapping[str, set[int]],
        filled: Mapping[str, set[int]],
        without: Sequence[Mapping[str, set[int]]],
        single: Collection[str],
    ) -> None:
        self._empty = empty
        self._filled = filled
        self._without = without
        self._single = single
        self._known: dict[str, tuple[Any, ...]] = {}

    def of(self, order: Sequence[str]) -> Looks:
        """What must hold of a message with its segments in that order."""
        never = any(order.count(name) > 1 for name in self._single if name in order)
        return Looks(never, [self._known.get(name) or self._looks(name) for name in order])

    def _looks(self, name: str) -> tuple[Any, ...]:
        """How to get at what must be empty, what is then got, and how to get at the rest."""
        empty = sorted(self._empty.get(name, ()))
        blank: Any = [""] if len(empty) == 1 else ("",) * len(empty) or []
        without = (_getter(fields.get(name, ())) for fields in self._without)
        found = (_getter(empty), blank, _getter(self._filled.get(name, ())), *without)
        self._known[name] = found
        return found


class Looks:
    """How to see in few steps whether the rows of a message are as narrowed code needs them."""

    def __init__(self, never: bool, looks: Sequence[tuple[Any, ...]]) -> None:
        self._never = never
        self._empty, self._blank, self._filled, *self._without = map(list, zip(*looks, strict=True))

    def hold(self, rows: Sequence[Row], separators: Sequence[str]) -> bool:
        """Whether they are."""
        if self._never or list(map(call, self._empty, rows)) != self._blank:
            return False
        if "" in chain.from_iterable(map(call, self._filled, rows)):
            return False
        component, repetition, part = (
            "\n".join(chain.from_iterable(map(call, getters, rows))) for getters in self._without
        )
        return not (
            separators[0] in component or separators[1] in repetition or separators[2] in part
        )


class Order:
    """One order of segment names: how wide their rows are, and how they lie in the groups.

    `root` and `rows` are a message level made of rows in that order. Lists of rows that do not
    follow each other raise ValueError.
    """

    def __init__(self, pads: list[Row], root: Row, rows: Sequence[Row]) -> None:
        self._pads = pads
        self._at = {id(row): at for at, row in enumerate(rows)}
        self._templates: list[Row] = []
        self._cells: list[tuple[int, int, Any]] = []  # instance, slot, where its rows stand
        self._groups: list[tuple[int, int, slice]] = []  # instance, slot, which instances
        self._rest = [(name, self._run(held)) for name, held in root[-1].items()]
        self._take([root])
        self.looks: Looks | None = None
        self.misplaced: list[str] = []

    def _take(self, instances: Sequence[Row]) -> slice:
        """Take note of instances that lie in one slot, then of what they hold."""
        start = len(self._templates)
        self._templates += [[()] * len(instance) for instance in instances]
        for number, instance in enumerate(instances, start):
            for slot, held in enumerate(instance[:-1]):
                if id(held) in self._at:
                    self._cells.append((number, slot, self._at[id(held)]))
                elif held and id(held[0]) in self._at:
                    self._cells.append((number, slot, self._run(held)))
                elif held:
                    self._groups.append((number, slot, self._take(held)))
        return slice(start, start + len(instances))

    def _run(self, rows: Sequence[Row]) -> slice:
        places = [self._at[id(row)] for row in rows]
        if places != list(range(places[0], places[0] + len(places))):
            raise ValueError("rows apart")
        return slice(places[0], places[0] + len(places))

    def root(self, segments: Sequence[Row], separators: Sequence[str]) -> Row:
        """The message level of a message of that order; Unfit when it is not as it must be."""
        rows = list(map(add, segments, self._pads))
        if self.looks is not None and not self.looks.hold(rows, separators):
            raise Unfit
        made = list(map(list.copy, self._templates))
        for number, slot, place in self._cells:
            made[number][slot] = rows[place]
        for number, slot, place in self._groups:
            made[number][slot] = made[place]
        root: Row = made[0]
        root[-1] = {name: rows[place] for name, place in self._rest}
        return root


def _getter(numbers: Collection[int]) -> Callable[[Row], Any]:
    """What gives the fields of a row: a tuple, or a list of one or none."""
    found = sorted(numbers)
    if not found:
        return _NOTHING
    return itemgetter(*found) if len(found) > 1 else itemgetter(slice(found[0], found[0] + 1))

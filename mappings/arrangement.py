"""Sorts segments into their groups in few steps where their names came in that order (§14).

Where no group is told from another by a value, the order of the names alone says where each
segment goes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import chain
from operator import add, getitem, itemgetter
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

    def of(self, names: Sequence[str], widths: Sequence[int]) -> Looks:
        """What must hold of the rows of those segments and widths, one behind the other."""
        empty: list[int] = []
        kinds: dict[tuple[bool, bool, bool, bool], list[int]] = {}
        never = any(names.count(name) > 1 for name in self._single if name in names)
        start = 0
        for name, width in zip(names, widths, strict=True):
            empty += (start + number for number in self._empty.get(name, ()))
            marks = [fields.get(name, ()) for fields in self._without]
            filled = self._filled.get(name, ())
            for number in {*filled, *(number for fields in marks for number in fields)}:
                component, repetition, part = (number in fields for fields in marks)
                kind = number in filled, component, repetition, part
                kinds.setdefault(kind, []).append(start + number)
            start += width
        return Looks(never, empty, kinds)


class Looks:
    """How to see in few steps whether the rows of a message are as narrowed code needs them."""

    def __init__(
        self,
        never: bool,
        empty: Collection[int],
        kinds: Mapping[tuple[bool, bool, bool, bool], Collection[int]],
    ) -> None:
        self._never = never
        self._empty = _getter(empty)
        self._blank = self._empty([""] * (max(empty, default=0) + 1))
        self._kinds = [
            (_getter(places), filled, [at for at, mark in enumerate(marks) if mark])
            for (filled, *marks), places in kinds.items()
        ]

    def hold(self, flat: list[str], separators: Sequence[str]) -> bool:
        """Whether they are."""
        if self._never or self._empty(flat) != self._blank:
            return False
        for get, filled, marks in self._kinds:
            found = get(flat)
            if filled and "" in found:
                return False
            if marks:
                text = "\n".join(found)
                for at in marks:
                    if separators[at] in text:
                        return False
        return True


class Order:
    """One order of segment names: how wide their rows are, and how they lie in the groups.

    `root` and `rows` are a message level made of rows in that order. Lists of rows that do not
    follow each other raise ValueError.
    """

    def __init__(self, pads: list[Row], root: Row, rows: Sequence[Row]) -> None:
        self._pads = pads
        self._cuts = [slice(len(pad) + 1) for pad in pads]
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
        if self.looks is not None:
            flat = list(chain.from_iterable(map(getitem, rows, self._cuts)))
            if not self.looks.hold(flat, separators):
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

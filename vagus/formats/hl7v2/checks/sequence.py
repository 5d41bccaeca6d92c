"""The segments of a message against its structure: which are missing, misplaced or too many.

A segment is taken where the order next has it. Nothing is passed over that is still required and
comes later, so one segment out of place is one finding, at that segment.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

from vagus.formats.hl7v2 import dictionary
from vagus.formats.hl7v2.checks.rules import since
from vagus.formats.hl7v2.grammar import Item
from vagus.formats.hl7v2.structures import order


class Problem(NamedTuple):
    """What is wrong with one segment: the code, the segment's name and its occurrence."""

    code: str
    name: str
    occurrence: int


def check(structure: str, release: tuple[int, ...], names: tuple[str, ...]) -> tuple[Problem, ...]:
    """What is wrong with the order and the number of a message's segments, in its order."""
    checked = _checked if len(names) > _USUAL else _remembered
    return checked(structure, release, names)


def _checked(
    structure: str, release: tuple[int, ...], names: tuple[str, ...]
) -> tuple[Problem, ...]:
    items = order(structure)
    walk = _Walk(names, release, items)
    if items:
        walk.level(_Level(items, len(names)))
    return walk.problems()


#: After so many problems nothing more is looked for.
MOST = 1000

# What comes of it depends on the names alone, which repeat from message to message.
_USUAL = 100
_remembered = lru_cache(maxsize=1024)(_checked)


Later = Callable[[str], bool]
"""Whether a segment of that name is still to come."""


class _Level:
    """One occurrence of a group, or the whole message: how far its order has been followed."""

    def __init__(self, items: Sequence[Item], end: int) -> None:
        self.items = items
        self.end = end
        self.position = 0
        self.counts = [0] * len(items)

    def has_room(self, index: int) -> bool:
        """Whether an item may stand here once more."""
        return self.items[index].most == 0 or self.counts[index] < self.items[index].most

    def accepts(self, name: str) -> int:
        """The index of the next item that the segment may be, or -1."""
        for index in range(self.position, len(self.items)):
            if self.items[index].name == name and self.has_room(index):
                return index
        return -1

    def begins(self, name: str, later: Later) -> int:
        """The index of the group that the segment belongs to but whose start is missing, or -1."""
        for index in range(self.position, len(self.items)):
            if self.has_room(index) and _opens(self.items[index], name, later):
                return index
        return -1

    def full(self, name: str) -> Item | None:
        """The item of that name, when it may not stand here once more."""
        for index, item in enumerate(self.items[: self.position + 1]):
            if item.name == name and not self.has_room(index):
                return item
        return None


def _opens(item: Item, name: str, later: Later) -> bool:
    """Whether the segment may begin a group whose own first segment does not come any more."""
    return not later(item.name) and any(
        (inner.name == name and not inner.foreign) or _opens(inner, name, later)
        for inner in item.items
    )


class _Walk:
    """Follows a structure through the names of a message's segments."""

    def __init__(
        self, names: tuple[str, ...], release: tuple[int, ...], items: tuple[Item, ...]
    ) -> None:
        self._names = names
        self._release = release
        self._parts = frozenset(name for item in items for name in item.names())
        self._at = 0
        self._places: dict[str, list[int]] = {}
        for at, name in enumerate(names):
            self._places.setdefault(name, []).append(at)
        self._levels: list[_Level] = []
        self._found: list[tuple[int, Problem]] = []
        self._misplaced: Counter[str] = Counter()

    def problems(self) -> tuple[Problem, ...]:
        """What was found, in the order of the message."""
        self._known()
        return tuple(problem for _, problem in sorted(self._found, key=lambda item: item[0]))

    def level(self, level: _Level) -> None:
        """Take what belongs to one level, up to a segment that belongs to one that encloses it."""
        self._levels.append(level)
        while self._at < level.end and len(self._found) < MOST:
            name = self._names[self._at]
            if name not in self._parts:
                self._pass_over(name)
                continue
            index = level.accepts(name)
            if index >= 0 and not self._skips(level, index):
                self._take(level, index)
            elif index < 0 and any(outer.accepts(name) >= 0 for outer in self._levels[:-1]):
                break
            elif index < 0 and (index := level.begins(name, self._comes)) >= 0:
                self._enter(level, index)
            elif index < 0 and self._opens_outside(name):
                break
            else:
                self._leave_out(level, name)
        self._levels.pop()
        self._missing(level)

    def _skips(self, level: _Level, index: int) -> bool:
        """Whether something required, which is still to come, would be passed over."""
        return any(
            level.counts[number] < level.items[number].needed(self._release)
            and self._next(level.items[number].name, self._at + 1) < level.end
            for number in range(level.position, index)
        )

    def _next(self, name: str, start: int) -> int:
        """Where the next segment of that name stands, from a position on; beyond all if nowhere."""
        places = self._places.get(name, [])
        found = bisect_left(places, start)
        return places[found] if found < len(places) else len(self._names)

    def _comes(self, name: str) -> bool:
        return self._next(name, self._at) < len(self._names)

    def _opens_outside(self, name: str) -> bool:
        """Whether the segment begins a group of an enclosing level, and is not just late here."""
        for inner, outer in zip(self._levels[:0:-1], self._levels[-2::-1], strict=True):
            if any(item.holds(name) for item in inner.items):
                return False
            if outer.begins(name, self._comes) >= 0:
                return True
        return False

    def _take(self, level: _Level, index: int) -> None:
        item = level.items[index]
        if item.foreign:
            self._note("unexpected-segment", self._at)
        self._at += 1
        self._within(level, index)

    def _enter(self, level: _Level, index: int) -> None:
        """A group whose first segment is missing."""
        self._absent(level.items[index].name, self._at)
        self._within(level, index)

    def _within(self, level: _Level, index: int) -> None:
        item = level.items[index]
        level.position = index
        level.counts[index] += 1
        if item.items:
            self.level(_Level(item.items, self._end(item, level)))

    def _end(self, item: Item, level: _Level) -> int:
        """Where this occurrence of a group ends at the latest: before the next one begins."""
        return min(level.end, self._next(item.name, self._at))

    def _pass_over(self, name: str) -> None:
        """A segment that is no part of the structure."""
        if dictionary.segment(name) is not None:
            self._note("unexpected-segment")
        self._at += 1

    def _leave_out(self, level: _Level, name: str) -> None:
        """A segment of the structure for which there is no place here."""
        full = next((item for known in self._levels if (item := known.full(name))), None)
        if full is not None:
            self._note("repeated-segment")
        else:
            self._misplaced[name] += 1
            self._note("misplaced-segment")
        self._at += 1
        if full is not None and full.items:
            while self._at < level.end and full.holds(self._names[self._at]):
                self._at += 1

    def _missing(self, level: _Level) -> None:
        for item, count in zip(level.items, level.counts, strict=True):
            if count >= item.needed(self._release):
                continue
            if self._misplaced[item.name] > 0:
                self._misplaced[item.name] -= 1
            else:
                self._absent(item.name, self._at)

    def _absent(self, name: str, at: int) -> None:
        occurrence = bisect_left(self._places.get(name, []), at) + 1
        self._found.append((at, Problem("missing-segment", name, occurrence)))

    def _note(self, code: str, at: int = -1) -> None:
        at = self._at if at < 0 else at
        name = self._names[at]
        occurrence = bisect_left(self._places[name], at) + 1
        self._found.append((at, Problem(code, name, occurrence)))

    def _known(self) -> None:
        """Segments of the site, those that no release has, and those that came later."""
        for at, name in enumerate(self._names):
            if dictionary.segment(name) is None:
                self._note("site-segment" if name[0] == "Z" else "unknown-segment", at)
            elif self._release < since(name):
                self._note("later-segment", at)

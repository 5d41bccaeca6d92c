"""What the messages of a feed hold: code is narrowed to it (§14).

A mapping reads several times the fields that any one sender fills, and most of what a sender
fills it always fills. When enough messages have passed, a narrowed variant is compiled: without
the code for fields, components and segments that none of them had, and without the tests of those
that all of them had. A message that is not like that is `Unfit` for it: the whole code maps it,
and the next narrowed variant knows of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NoReturn

Segments = Sequence[Sequence[str]]
_ALL = -1


class Unfit(Exception):
    """A message is not like those that narrowed code was made for."""


def unfit() -> NoReturn:
    """Give up the narrowed code."""
    raise Unfit


class Pads(dict[int, tuple[str, ...]]):
    """What brings so many components to a number of them; more are unfit."""

    def __init__(self, most: int) -> None:
        super().__init__((count, ("",) * (most - count)) for count in range(1, most + 1))

    def __missing__(self, count: int) -> tuple[str, ...]:
        raise Unfit


@dataclass(slots=True)
class Field:
    """What a populated field held: its most components, and which it always had, as bits."""

    most: int = 0
    always: int = _ALL
    marks: int = 0  # which separators stood in it: 1 of components, 2 of repetitions, 4 of parts

    def add(self, other: Field) -> None:
        """Take note of what it held elsewhere."""
        self.most = max(self.most, other.most)
        self.always &= other.always
        self.marks |= other.marks


@dataclass(slots=True)
class Held:
    """What the segments of one name held."""

    fields: dict[int, Field] = field(default_factory=dict)
    always: set[int] | None = None  # the fields that all of them had


class Seen:
    """What the messages so far held: their segments, fields and components."""

    def __init__(self) -> None:
        self.segments: dict[str, Held] = {}
        self.everywhere: set[str] | None = None  # the segments that all messages had
        self.several: set[str] = set()  # the segments that came more than once

    def add(self, segments: Segments, separators: tuple[str, str, str]) -> None:
        """Take note of a message; `separators` are those of components, repetitions and parts."""
        order = [segment[0] for segment in segments]
        names = set(order)
        self.several |= {name for name in names if order.count(name) > 1}
        self.everywhere = names if self.everywhere is None else self.everywhere & names
        for segment in segments:
            held = self.segments.setdefault(segment[0], Held())
            filled = {number for number, value in enumerate(segment) if value}
            held.always = filled if held.always is None else held.always & filled
            for number in filled:
                held.fields.setdefault(number, Field()).add(_field(segment[number], *separators))

    def merge(self, other: Seen) -> None:
        """Take note of all that another has seen."""
        for name, held in list(other.segments.items()):
            own = self.segments.setdefault(name, Held())
            for number, found in list(held.fields.items()):
                own.fields.setdefault(number, Field()).add(found)
            if held.always is not None:
                own.always = set(held.always) if own.always is None else own.always & held.always
        self.several |= other.several
        if other.everywhere is not None:
            known = self.everywhere
            self.everywhere = set(other.everywhere) if known is None else known & other.everywhere

    def copy(self) -> Seen:
        """What has been seen until now."""
        copy = Seen()
        copy.merge(self)
        return copy

    def covers(self, other: Seen) -> bool:
        """Whether another has seen nothing new."""
        both = self.copy()
        both.merge(other)
        mine = (self.segments, self.everywhere, self.several)
        return mine == (both.segments, both.everywhere, both.several)

    def has(self, segment: str, number: int = 0) -> bool:
        """Whether there was such a segment, with that field populated."""
        held = self.segments.get(segment)
        return held is not None and (not number or number in held.fields)

    def always(self, segment: str, number: int) -> bool:
        """Whether all segments of that name had the field."""
        held = self.segments.get(segment)
        return held is not None and number in (held.always or ())

    def every(self, segment: str) -> bool:
        """Whether every message had such a segment."""
        return segment in (self.everywhere or ())

    def field(self, segment: str, number: int) -> Field | None:
        """What a field held; None when nothing is known of it."""
        held = self.segments.get(segment)
        return held.fields.get(number) if held else None


def _field(value: str, component: str, repetition: str, part: str) -> Field:
    marks = (component, repetition, part)
    found = Field(marks=sum(1 << at for at, mark in enumerate(marks) if mark in value))
    for item in value.split(repetition):
        parts = item.split(component)
        bits = sum(1 << at for at, text in enumerate(parts) if text.split(part, 1)[0])
        found.add(Field(len(parts), bits))
    return found

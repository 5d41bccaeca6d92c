"""What a guide demands when something else is so, one line a rule.

    2300 requires REF[F8] when CLM-05-3=7,8
    2100C one-of NM1-09 NM1-03 DMG-02

First the loop the rule speaks of; then `requires`, `forbids` or `one-of` and places in it; then,
after `when`, what must be so. A place is a path (`2010BA/DMG`; without a loop, in the rule's own),
and may name values; several conditions are joined by `and`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from vagus.formats.x12.tree import Line, Loop

_PLACE = re.compile(
    r"(?:(\w+)/)?([A-Z][A-Z0-9]{1,2})(?:\[([^\]]+)\])?(?:-(\d\d)(?:-(\d))?)?(?:=(\S+))?"
)
_VERBS = ("requires", "forbids", "one-of")


@dataclass(frozen=True, slots=True)
class Place:
    """A segment, or an element of it, that is there, or has one of some values."""

    loop: str
    segment: str
    codes: frozenset[str]
    element: int
    component: int
    values: frozenset[str]


@dataclass(frozen=True, slots=True)
class Situation:
    """One rule; `text` is the line that says it."""

    loop: str
    verb: str
    places: tuple[Place, ...]
    conditions: tuple[Place, ...]
    text: str


def parse(text: str, root: Loop) -> Situation:
    """The rule a line says about a guide; raises ValueError with what is wrong."""
    body, _, when = text.partition(" when ")
    loop, verb, *places = body.split()
    if verb not in _VERBS or not places:
        raise ValueError(f"'{text}' is no rule; write '2300 requires REF[F8] when CLM-05-3=7'")
    lines = list(root.lines())
    if loop not in {line.loop.id for line in lines}:
        raise ValueError(f"the guide has no loop {loop}")
    conditions = when.split(" and ") if when else []
    return Situation(
        loop,
        verb,
        tuple(_place(item, loop, lines) for item in places),
        tuple(_place(item.strip(), loop, lines) for item in conditions),
        text,
    )


def _place(text: str, loop: str, lines: Iterable[Line]) -> Place:
    match = _PLACE.fullmatch(text)
    if not match:
        raise ValueError(f"'{text}' is no place; write 'REF[F8]' or '2010BA/DMG-02'")
    where, segment, codes, element, component, values = match.groups()
    place = Place(
        where or loop,
        segment,
        _set(codes, "|"),
        int(element or 0),
        int(component or 0),
        _set(values, ","),
    )
    if not any(line.loop.id == place.loop and line.id == segment for line in lines):
        raise ValueError(f"{segment} does not stand in {place.loop}")
    return place


def _set(text: str | None, mark: str) -> frozenset[str]:
    return frozenset(text.split(mark)) if text else frozenset()

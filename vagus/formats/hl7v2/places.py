"""Places within a message, `PID-3(2).1`: segment, field, repetition, component, sub-component."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from vagus.formats.hl7v2.separators import Separators

_PATH = re.compile(
    r"([A-Z][A-Z0-9]{2})(?:-(\d{1,3})(?:\((\d{1,4})\))?(?:\.(\d{1,3})(?:\.(\d{1,3}))?)?)?"
)


class Place(NamedTuple):
    """A place, every part counted from 1; 0 where the path leaves it out."""

    segment: str
    field: int = 0
    repetition: int = 0
    component: int = 0
    subcomponent: int = 0


def parse(path: str) -> Place:
    """The place a path names; ValueError, naming the path, when it is not one."""
    match = _PATH.fullmatch(path)
    parts = match.groups() if match else ()
    numbers = [int(part) for part in parts[1:] if part is not None]
    if not match or 0 in numbers:
        raise ValueError(f"'{path}' is not a place in an HL7 v2 message; write 'PID-3(2).1'")
    return Place(str(parts[0]), *(int(part or 0) for part in parts[1:]))


def cutter(place: Place) -> Callable[[str, Separators], str]:
    """A function from a raw field to its raw leaf at a place.

    Where the place leaves a level out, the first is meant. The explicit null of a whole
    repetition is the null of each of its parts.
    """
    nth, part, piece = (number or 1 for number in place[2:])

    def cut(value: str, separators: Separators) -> str:
        _, component, repetition, _, subcomponent, _ = separators
        if repetition and repetition in value:
            parts = value.split(repetition, nth)
            value = parts[nth - 1] if len(parts) >= nth else ""
        elif nth > 1:
            return ""
        if value == '""':
            return value
        if component and component in value:
            parts = value.split(component, part)
            value = parts[part - 1] if len(parts) >= part else ""
        elif part > 1:
            return ""
        if subcomponent and subcomponent in value:
            parts = value.split(subcomponent, piece)
            return parts[piece - 1] if len(parts) >= piece else ""
        return "" if piece > 1 else value

    return cut

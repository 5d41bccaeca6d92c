"""Places within a message, `PID-3(2).1`: segment, field, repetition, component, sub-component."""

from __future__ import annotations

import re
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


def leaf(value: str, separators: Separators, place: Place) -> str:
    """The raw leaf of a field at a place; the first of every level that the place leaves out.

    The explicit null of a whole repetition is the null of each of its parts.
    """
    _, component, repetition, _, subcomponent, _ = separators
    wanted = place.repetition
    if repetition and repetition in value:
        value = _part(value, repetition, wanted)
    elif wanted > 1:
        return ""
    if value == '""':
        return value
    wanted = place.component
    if component and component in value:
        value = _part(value, component, wanted)
    elif wanted > 1:
        return ""
    wanted = place.subcomponent
    if subcomponent and subcomponent in value:
        return _part(value, subcomponent, wanted)
    return "" if wanted > 1 else value


def _part(value: str, separator: str, number: int) -> str:
    if number <= 1:
        return value.split(separator, 1)[0]
    parts = value.split(separator, number)
    return parts[number - 1] if len(parts) >= number else ""

"""Every fault of the elements of one segment, by its line of the guide: the exact check.

It decides; `patterns` only lets through quickly what this would not object to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from vagus.formats.x12 import values
from vagus.formats.x12.delimiters import Delimiters
from vagus.formats.x12.dictionary import Element, Note, Position
from vagus.formats.x12.notation import Use
from vagus.formats.x12.tree import Line

_PERIOD, _FORM = "1251", "1250"


class Fault(NamedTuple):
    """What is wrong with an element; positions count from 1, 0 where it does not apply."""

    kind: str
    element: int
    component: int = 0
    repeat: int = 0
    number: str = ""  # of the data element in the dictionary


def faults(raw: str, line: Line, delimiters: Delimiters) -> list[Fault]:
    """The faults of a raw segment, in the order of its elements."""
    given = raw.split(delimiters.element)
    if not any(given[1:]):
        return [Fault("empty-segment", 0)]
    found = list(_elements(given, line, delimiters))
    found += _relations(given, line)
    if not given[-1] and not found:
        found.append(Fault("trailing-separator", len(given) - 1))
    return sorted(found, key=lambda fault: (fault.element, fault.component, fault.repeat))


def _elements(given: Sequence[str], line: Line, delimiters: Delimiters) -> Iterator[Fault]:
    positions = line.segment.positions
    uses = {use.number: use for use in line.uses}
    for number in range(1, max(len(given), line.uses[-1].number + 1 if line.uses else 1)):
        value = given[number] if number < len(given) else ""
        use = uses.get(number)
        if number > len(positions):
            if value:
                yield Fault("too-many-elements", number)
            continue
        position = positions[number - 1]
        if use is None:
            if value:
                yield Fault("not-used", number, number=_number(position))
        elif not value:
            if use.required:
                yield Fault("missing-element", number, number=_number(position))
        else:
            form = given[number - 1] if _is_period(position, positions, number) else ""
            yield from _repeats(value, use, position, form, delimiters)


def _is_period(position: Position, positions: Sequence[Position], number: int) -> bool:
    if number < 2 or not position.element or position.element.number != _PERIOD:
        return False
    before = positions[number - 2].element
    return before is not None and before.number == _FORM


def _repeats(
    value: str, use: Use, position: Position, form: str, delimiters: Delimiters
) -> Iterator[Fault]:
    mark = delimiters.repetition
    repeats = value.split(mark) if mark and mark in value else [value]
    if len(repeats) > use.times:
        yield Fault("too-many-repeats", use.number, 0, use.times + 1, _number(position))
        repeats = repeats[: use.times]
    for index, repeat in enumerate(repeats, 1):
        nth = index if len(repeats) > 1 else 0
        if position.element is None:
            yield from _composite(repeat, use, position.components, nth, delimiters)
        elif delimiters.component in repeat:
            yield Fault("too-many-components", use.number, 0, nth, position.element.number)
        else:
            yield from _value(repeat, use, position.element, use.number, 0, nth, form)


def _composite(
    value: str, use: Use, components: Sequence[Element], nth: int, delimiters: Delimiters
) -> Iterator[Fault]:
    given = value.split(delimiters.component)
    uses = {part.number: part for part in use.parts}
    for index in range(max(len(given), use.parts[-1].number if use.parts else 0)):
        part = given[index] if index < len(given) else ""
        number = index + 1
        if index >= len(components):
            if part:
                yield Fault("too-many-components", use.number, number, nth)
            continue
        element = components[index]
        wanted = uses.get(number)
        if wanted is None:
            if part:
                yield Fault("not-used", use.number, number, nth, element.number)
        elif not part:
            if wanted.required:
                yield Fault("missing-element", use.number, number, nth, element.number)
        else:
            form = given[index - 1] if index and element.number == _PERIOD else ""
            yield from _value(part, wanted, element, use.number, number, nth, form)
    yield from _periods(given, use, components, nth)
    if not given[-1]:
        yield Fault("trailing-separator", use.number, len(given), nth)


def _periods(
    given: Sequence[str], use: Use, components: Sequence[Element], nth: int
) -> Iterator[Fault]:
    """A date or period and its form come together."""
    given = [*given, *[""] * len(components)]
    for index in range(1, len(components)):
        form, period = components[index - 1], components[index]
        if (form.number, period.number) != (_FORM, _PERIOD):
            continue
        absent = index if not given[index - 1] else index + 1
        required = {part.number for part in use.parts if part.required}
        if bool(given[index - 1]) != bool(given[index]) and absent not in required:
            number = components[absent - 1].number
            yield Fault("missing-conditional", use.number, absent, nth, number)


def _value(
    value: str, use: Use, element: Element, at: int, component: int, nth: int, form: str
) -> Iterator[Fault]:
    place = (at, component, nth, element.number)
    shortest, longest = use.length or (element.shortest, element.longest)
    kind = values.fault(element.type, value)
    if not kind and form:
        kind = values.period_fault(form, value)
    size = values.length(element.type, value)
    if kind in (values.DATE, values.TIME):
        yield Fault(kind, *place)
        return
    if size < shortest:
        yield Fault("too-short", *place)
    elif size > longest:
        yield Fault("too-long", *place)
    if kind:
        yield Fault(kind, *place)
    elif use.codes is not None and value not in use.codes:
        yield Fault("bad-code", *place)


def _relations(given: Sequence[str], line: Line) -> Iterator[Fault]:
    filled = {number for number, value in enumerate(given) if value and number}
    for note in line.notes:
        if fault := _relation(note, filled):
            kind, number = fault
            yield Fault(kind, number, number=_number(line.segment.positions[number - 1]))


def _relation(note: Note, filled: set[int]) -> tuple[str, int] | None:
    """What a note has against a segment: the kind, and the element that should (not) be there."""
    first, *rest = note.positions
    present = [number for number in note.positions if number in filled]
    absent = [number for number in note.positions if number not in filled]
    match note.letter:
        case "P" if present and absent:
            return "missing-conditional", absent[0]
        case "R" if not present:
            return "missing-conditional", first
        case "E" if len(present) > 1:
            return "excluded", present[1]
        case "C" if first in filled and absent:
            return "missing-conditional", absent[0]
        case "L" if first in filled and len(present) == 1:
            return "missing-conditional", rest[0]
    return None


def _number(position: Position) -> str:
    """The number of the data element; a composite goes by none."""
    return position.element.number if position.element else ""

"""The fields of one segment against the standard: presence, repetition, parts and shapes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from vagus.formats.finding import Finding
from vagus.formats.hl7v2 import dictionary
from vagus.formats.hl7v2.checks.kinds import finding
from vagus.formats.hl7v2.checks.shapes import Shape, shape
from vagus.formats.hl7v2.escapes import unescape
from vagus.formats.hl7v2.message import NULL, Message

_DELIMITERS = {"MSH": 2, "FHS": 2, "BHS": 2}


class Rule(NamedTuple):
    """What one field must be."""

    number: int
    required: bool
    repeats: bool
    shape: Shape


@cache
def rules(segment: str) -> tuple[Rule, ...]:
    """A rule for each field of a segment, in order; empty when the standard has no such segment."""
    known = dictionary.segment(segment)
    return tuple(
        Rule(item.number, item.required, item.repeats, shape(item.datatype, item.name))
        for item in (known.fields if known else ())
    )


def check(message: Message, segment: list[str], place: str) -> Iterator[Finding]:
    """What is wrong within one segment; `place` names it, as in `NK1[2]`."""
    known = rules(segment[0])
    if not known:
        return
    first = _DELIMITERS.get(segment[0], 0)
    for rule in known[first:]:
        number = rule.number
        value = segment[number] if number < len(segment) else ""
        if value and value != NULL:
            yield from _value(message, rule, value, f"{place}-{number}")
        elif rule.required:
            yield finding("required-field", f"{place}-{number}", rule.shape.name)
    if any(segment[len(known) + 1 :]):
        yield finding("extra-field", f"{place}-{len(known) + 1}")


def _value(message: Message, rule: Rule, value: str, where: str) -> Iterator[Finding]:
    separators = message.separators
    if value.isalnum() and rule.shape.plain:
        return
    levels = (separators.component, separators.subcomponent)
    mark = separators.repetition
    if not mark or mark not in value:
        yield from _part(message, rule.shape, value, where, levels)
        return
    for number, repetition in enumerate(value.split(mark), 1):
        if number == 2 and not rule.repeats:
            yield finding("extra-repetition", f"{where}(2)", rule.shape.name)
        yield from _part(message, rule.shape, repetition, f"{where}({number})", levels)


def _part(
    message: Message, known: Shape, value: str, where: str, levels: tuple[str, ...]
) -> Iterator[Finding]:
    mark = levels[0] if levels else ""
    pieces = value.split(mark) if mark and mark in value else [value]
    if any(pieces[known.width :]):
        code = "extra-component" if len(levels) == 2 else "extra-subcomponent"
        yield finding(code, f"{where}.{known.width + 1}", known.name)
    if not known.parts:
        yield from _leaf(message, known, pieces[0], where)
        return
    for number, (part, piece) in enumerate(zip(known.parts, pieces, strict=False), 1):
        if piece and not (part.plain and piece.isalnum()):
            yield from _part(message, part, piece, f"{where}.{number}", levels[1:])


def _leaf(message: Message, known: Shape, value: str, where: str) -> Iterator[Finding]:
    if known.check is None or value in ("", NULL):
        return
    if message.has_escapes:
        value = unescape(value, message.separators, message.charset)
    if code := known.check(value):
        yield finding(code, where, known.name)

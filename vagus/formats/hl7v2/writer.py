"""From values to the bytes of a message: last step before it leaves (v2.5.1 §2.5 and §2.7).

Every character that could delimit is escaped, so a value can never open a field or a segment of
its own: as many segments come out as were put in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from vagus.formats.hl7v2 import escapes
from vagus.formats.hl7v2.separators import DEFAULT, Separators
from vagus.kernel.errors import MessageError

_SEGMENT = re.compile(r"[A-Z][A-Z0-9]{2}")
_HEADERS = frozenset(("MSH", "FHS", "BHS"))


class _Null:
    """The type of `NULL`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "NULL"


#: An explicit delete, written as `""`; the text of two quotes is escaped instead.
NULL: Final = _Null()

Leaf = str | _Null | None
Component = Leaf | Sequence[Leaf]
Repetition = Leaf | Sequence[Component]
Field = Leaf | Sequence[Repetition]
Segment = Sequence[Field]


def write(
    segments: Sequence[Segment], separators: Separators = DEFAULT, charset: str = "utf-8"
) -> bytes:
    """The bytes of a message whose values are plain text, not yet escaped.

    A segment is its name and its fields, so an index is the HL7 number of the field; in MSH
    indexes 1 and 2 stand for the delimiters and their values are ignored. A field is a text, or
    a list of repetitions, each a text or a list of components, each a text or a list of
    sub-components. None and '' are absent. Raises MessageError with the place of a value that
    cannot be written.
    """
    out = bytearray()
    for index, segment in enumerate(segments, 1):
        name = segment[0] if segment else None
        if not isinstance(name, str) or not _SEGMENT.fullmatch(name):
            raise MessageError("segment-name", f"segment {index}")
        fields = [
            _field(value, separators, f"{name}-{n}") if value else ""
            for n, value in _fields(segment)
        ]
        if name in _HEADERS:
            fields.insert(0, separators.encoding)
        line = separators.field.join([name, *fields]).rstrip(separators.field)
        try:
            out += line.encode(charset) + b"\r"
        except UnicodeEncodeError:
            raise MessageError("charset", name) from None
    return bytes(out)


def _fields(segment: Segment) -> list[tuple[int, Field]]:
    start = 3 if segment[0] in _HEADERS else 1
    return list(enumerate(segment[start:], start))


def _field(value: Field, separators: Separators, where: str) -> str:
    marks = (separators.repetition, separators.component, separators.subcomponent)
    try:
        return _joined(value, separators, marks)
    except ValueError:
        raise MessageError("cannot-escape", where) from None


def _joined(value: Field, separators: Separators, marks: Sequence[str]) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return escapes.escape(value, separators)
    if isinstance(value, _Null):
        return '""'
    if not marks:
        raise ValueError("nested too deep")
    parts = [_joined(part, separators, marks[1:]) for part in value]
    while parts and not parts[-1]:
        parts.pop()
    if len(parts) > 1 and not marks[0]:
        raise ValueError("the message declares no such delimiter")
    return marks[0].join(parts)

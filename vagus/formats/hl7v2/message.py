"""One decoded HL7 v2 message: segments cut into raw fields, and read by place only when asked.

Values stay as they came, escapes and all, until someone reads them: most fields never are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import lru_cache

from vagus.formats.hl7v2.escapes import unescape
from vagus.formats.hl7v2.places import cutter, parse
from vagus.formats.hl7v2.separators import Separators

NULL = '""'
_VERBATIM = ("MSH-1", "MSH-2")


class State(StrEnum):
    """What a place says: nothing, an explicit delete (`""`), or a value."""

    ABSENT = "absent"
    NULL = "null"
    VALUE = "value"


class Message:
    """A message as lists of raw field texts, where an index is the HL7 number of the field.

    Index 0 is the segment's name; in MSH index 1 is the field separator and 2 the encoding
    characters. Segments are as long as they came: only `header`, the MSH, is padded.
    """

    __slots__ = (
        "_firsts",
        "charset",
        "code",
        "control",
        "has_escapes",
        "has_nulls",
        "header",
        "processing",
        "segments",
        "sender",
        "separators",
        "structure",
        "trigger",
        "type",
        "version",
    )

    segments: list[list[str]]
    separators: Separators
    #: MSH with at least 22 fields.
    header: Sequence[str]
    #: `ADT^A01`, made of safe characters only; 'unknown' when MSH-9 is not.
    type: str
    code: str
    trigger: str
    #: The structure the trigger has by the standard, else MSH-9.3; '' when neither says.
    structure: str
    #: MSH-10 as it came.
    control: str
    #: MSH-12.1; 'unknown' when it cannot be a version.
    version: str
    processing: str
    #: MSH-3 and MSH-4 as they came.
    sender: str
    #: The Python codec the message was read with.
    charset: str
    has_escapes: bool
    has_nulls: bool
    _firsts: dict[str, list[str]] | None

    def __repr__(self) -> str:
        return f"<Message {self.type}, {len(self.segments)} segments>"

    def get(self, path: str) -> str:
        """The first value at a path such as `PID-3(2).1`, unescaped; '' when absent or null."""
        return getter(path)(self)

    def raw(self, path: str) -> str:
        """The leaf at a path exactly as it came, escapes and nulls included."""
        return _raw(path)(self)

    def state(self, path: str) -> State:
        """Whether a path is absent, explicitly null, or has a value."""
        raw = _raw(path)(self)
        if not raw:
            return State.ABSENT
        return State.NULL if raw == NULL else State.VALUE

    def first(self, name: str) -> list[str] | None:
        """The fields of the first segment of that name, or None."""
        return (self._firsts or self._indexed()).get(name)

    def all(self, name: str) -> list[list[str]]:
        """The fields of every segment of that name, in order."""
        return [segment for segment in self.segments if segment[0] == name]

    def _indexed(self) -> dict[str, list[str]]:
        self._firsts = {segment[0]: segment for segment in reversed(self.segments)}
        return self._firsts


@lru_cache(maxsize=2048)
def getter(path: str) -> Callable[[Message], str]:
    """A reader of one path: what `Message.get` gives; ValueError when it is not a path."""
    place = parse(path)
    name, field = place[:2]
    if field == 0 or path in _VERBATIM:
        return _raw(path)
    first = max(place[2:]) < 2
    cut = cutter(place)

    def read(message: Message) -> str:
        segment = (message._firsts or message._indexed()).get(name)
        if segment is None or len(segment) <= field:
            return ""
        value = segment[field]
        if value.isalnum():
            # No delimiter is a letter or a digit, so there is nothing to cut or to unescape.
            return value if first else ""
        value = cut(value, message.separators)
        if value == NULL:
            return ""
        if message.has_escapes:
            return unescape(value, message.separators, message.charset)
        return value

    return read


@lru_cache(maxsize=2048)
def _raw(path: str) -> Callable[[Message], str]:
    place = parse(path)
    name, field = place[:2]
    whole = field == 0 or path in _VERBATIM
    cut = cutter(place)

    def read(message: Message) -> str:
        segment = (message._firsts or message._indexed()).get(name)
        if segment is None or len(segment) <= field:
            return ""
        value = segment[field]
        return value if whole or not value else cut(value, message.separators)

    return read

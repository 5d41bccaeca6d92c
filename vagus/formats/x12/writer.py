"""From values to the bytes of an interchange: numbers, counts and padding are computed here.

Control numbers come from whoever keeps them durably; gaps are allowed, repeats are not. Every
interchange written is read again by our own guide before it is handed out.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from vagus.formats.finding import Severity
from vagus.formats.x12 import dictionary
from vagus.formats.x12.cleaning import Charset, cleaned
from vagus.formats.x12.delimiters import DEFAULT, ISA_LENGTH, Delimiters
from vagus.formats.x12.dictionary import Element as DataElement
from vagus.formats.x12.findings import GUIDE
from vagus.formats.x12.guide import Guide
from vagus.formats.x12.reader import read
from vagus.kernel.errors import MessageError

Leaf = str | None
Composite = tuple[Leaf, ...]
Value = Leaf | Composite | list[Leaf | Composite]
MOST_INTERCHANGES = 999_999_999
#: Data elements that identify: altering one would lose its meaning.
_IDENTIFIERS = frozenset("67 127 329 508 509 1028 734 628 480 142 124".split())
#: Data elements of names and texts: too long, they are cut.
_TEXTS = frozenset("19 93 166 352 933 1035 1036 1037 1038 1039".split())


class Numbers(Protocol):
    """Whoever gives out control numbers, each once, and remembers across restarts."""

    def allocate(self, scope: str, count: int) -> range:
        """The next so many numbers of a scope, from 1 on."""
        ...


@dataclass(frozen=True, slots=True)
class Level:
    """An HL segment; HL01, HL02 and HL04 are computed from its depth, which counts from 0."""

    depth: int
    code: str


@dataclass(frozen=True, slots=True)
class Row:
    """Any other segment: an element is a text, a composite (tuple), or a list of repetitions."""

    id: str
    values: Sequence[Value]


@dataclass(frozen=True, slots=True)
class Exchange:
    """Who sends to whom, and how the partner wants it."""

    sender: tuple[str, str]  # ISA05 and ISA06
    receiver: tuple[str, str]  # ISA07 and ISA08
    application_sender: str  # GS02
    application_receiver: str  # GS03
    usage: str = "P"
    wants_acknowledgement: bool = False
    delimiters: Delimiters = DEFAULT
    charset: Charset = Charset.EXTENDED
    eol: str = ""  # after each terminator

    @property
    def scope(self) -> str:
        """What control numbers are counted for: this sender and receiver."""
        return "x12/" + "/".join((*self.sender, *self.receiver))


class Altered(NamedTuple):
    """A value that was not written as it was given: which set, segment and place."""

    set: int
    segment: int  # ST = 1
    place: str
    how: str  # replaced, cut


@dataclass(slots=True)
class Written:
    """The bytes, their control numbers, and every value that had to be altered."""

    data: bytes
    control: str  # ISA13
    group: str  # GS06
    sets: list[str]  # ST02
    altered: list[Altered] = field(default_factory=list)


def write(
    guide: Guide,
    sets: Sequence[Sequence[Level | Row]],
    exchange: Exchange,
    numbers: Numbers,
    now: float,
) -> Written:
    """One interchange with one group of sets of a guide, each given without ST and SE.

    `now` is in seconds since 1970, written in UTC. Raises MessageError with code and place, and
    never a value, when an identifier cannot be written or the result breaks the guide.
    """
    interchange = numbers.allocate(f"{exchange.scope}/ISA", 1)[0]
    control = f"{(interchange - 1) % MOST_INTERCHANGES + 1:09}"
    group = str((numbers.allocate(f"{exchange.scope}/GS", 1)[0] - 1) % MOST_INTERCHANGES + 1)
    controls = [f"{number:04}" for number in range(1, len(sets) + 1)]
    writer = _Writer(guide, exchange)
    lines = [_isa(exchange, control, now), _gs(guide, exchange, group, now)]
    for number, (segments, name) in enumerate(zip(sets, controls, strict=True), 1):
        lines += writer.set(number, segments, name)
    mark = exchange.delimiters.element
    lines += [f"GE{mark}{len(sets)}{mark}{group}", f"IEA{mark}1{mark}{control}"]
    end = exchange.delimiters.terminator + exchange.eol
    data = "".join(line + end for line in lines).encode("ascii")
    _proofread(data)
    return Written(data, control, group, controls, writer.altered)


def _isa(exchange: Exchange, control: str, now: float) -> str:
    delimiters = exchange.delimiters
    stamp = time.strftime("%y%m%d %H%M", time.gmtime(now)).split()
    parts = [
        "ISA", "00", " " * 10, "00", " " * 10,
        exchange.sender[0], _padded(exchange.sender[1], "ISA-06"),
        exchange.receiver[0], _padded(exchange.receiver[1], "ISA-08"),
        *stamp, delimiters.repetition or "U", "00501", control,
        "1" if exchange.wants_acknowledgement else "0", exchange.usage, delimiters.component,
    ]  # fmt: skip
    isa = delimiters.element.join(parts)
    if len(isa) + 1 != ISA_LENGTH:
        raise MessageError("isa-length", "ISA")
    return isa


def _padded(identifier: str, where: str) -> str:
    if len(identifier) > 15 or not identifier.isascii() or not identifier.isprintable():
        raise MessageError("isa-element", where)
    return identifier.ljust(15)


def _gs(guide: Guide, exchange: Exchange, group: str, now: float) -> str:
    stamp = time.strftime("%Y%m%d %H%M", time.gmtime(now)).split()
    names = (exchange.application_sender, exchange.application_receiver)
    parts = ["GS", guide.group, *names, *stamp, group, "X", guide.id]
    return exchange.delimiters.element.join(parts)


def _proofread(data: bytes) -> None:
    for result in read([data]):
        for item in result.findings:
            if item.severity is Severity.ERROR and item.snip <= GUIDE:
                raise MessageError(item.kind, item.where)


class _Writer:
    def __init__(self, guide: Guide, exchange: Exchange) -> None:
        self._guide = guide
        self._exchange = exchange
        self._segments = dictionary.segments(guide.release)
        self._childless = {
            code
            for line in guide.root.lines()
            if line.id == "HL" and not any(use.number == 4 and use.required for use in line.uses)
            for code in line.codes or ()
        }
        first = guide.root.trigger
        self._names_version = any(use.number == 3 for use in first.uses)
        self.altered: list[Altered] = []
        self._set = self._position = 0

    def set(self, number: int, segments: Sequence[Level | Row], control: str) -> Iterator[str]:
        """The segments of a set, from ST to SE."""
        self._set, self._position = number, 1
        version = [self._guide.id] if self._names_version else []
        mark = self._exchange.delimiters.element
        yield mark.join(["ST", self._guide.transaction, control, *version])
        levels = _Levels([item for item in segments if isinstance(item, Level)], self._childless)
        for item in segments:
            self._position += 1
            row = levels.next(item) if isinstance(item, Level) else item
            yield self._row(row)
        yield mark.join(["SE", str(self._position + 1), control])

    def _row(self, row: Row) -> str:
        segment = self._segments.get(row.id)
        if segment is None or len(row.values) > len(segment.positions):
            raise MessageError("unknown-segment", f"segment {self._position}")
        parts = [row.id]
        for number, (value, position) in enumerate(
            zip(row.values, segment.positions, strict=False), 1
        ):
            place = f"{row.id}-{number:02}"
            given = value if isinstance(value, list) else [value]
            repeats = [self._one(item, position, place) for item in given]
            if len(repeats) > 1 and not self._exchange.delimiters.repetition:
                raise MessageError("too-many-repeats", place)
            parts.append(self._exchange.delimiters.repetition.join(repeats))
        mark = self._exchange.delimiters.element
        return mark.join(parts).rstrip(mark)

    def _one(self, value: Leaf | Composite, position: dictionary.Position, place: str) -> str:
        if position.element is not None:
            if isinstance(value, tuple):
                raise MessageError("too-many-components", place)
            return self._leaf(value, position.element, place)
        given = value if isinstance(value, tuple) else (value,)
        if len(given) > len(position.components):
            raise MessageError("too-many-components", place)
        parts = [
            self._leaf(item, element, f"{place}-{number}")
            for number, (item, element) in enumerate(
                zip(given, position.components, strict=False), 1
            )
        ]
        mark = self._exchange.delimiters.component
        return mark.join(parts).rstrip(mark)

    def _leaf(self, value: Leaf, element: DataElement, place: str) -> str:
        if not value:
            return ""
        text = cleaned(value, self._exchange.delimiters, self._exchange.charset)
        if text != value and element.number in _IDENTIFIERS:
            raise MessageError("unsafe-identifier", place)
        if text != value:
            self._alter(place, "replaced")
        if len(text) > element.longest and element.number in _TEXTS:
            text = text[: element.longest].rstrip()
            self._alter(place, "cut")
        return text

    def _alter(self, place: str, how: str) -> None:
        self.altered.append(Altered(self._set, self._position, place, how))


class _Levels:
    """Numbers the HL segments of a set in their order."""

    def __init__(self, levels: Sequence[Level], childless: set[str]) -> None:
        self._levels = levels
        self._childless = childless
        self._open: list[int] = []
        self._count = 0

    def next(self, level: Level) -> Row:
        """The next HL; raises MessageError where a depth has no level above it."""
        if level.depth > len(self._open):
            raise MessageError("hl-parent", f"HL {self._count + 1}")
        self._count += 1
        parent = str(self._open[level.depth - 1]) if level.depth else ""
        self._open = [*self._open[: level.depth], self._count]
        following = self._levels[self._count : self._count + 1]
        has_children = bool(following) and following[0].depth > level.depth
        children = "" if level.code in self._childless else str(int(has_children))
        return Row("HL", [str(self._count), parent, level.code, children])

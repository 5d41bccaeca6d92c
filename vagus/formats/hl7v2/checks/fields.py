"""The fields of one segment against the standard: presence, repetition, parts, shapes, tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import NamedTuple

from vagus.formats.finding import Finding
from vagus.formats.hl7v2 import dictionary
from vagus.formats.hl7v2.checks import rules
from vagus.formats.hl7v2.checks.kinds import finding
from vagus.formats.hl7v2.checks.rules import NOTHING, Demand, Release, Table
from vagus.formats.hl7v2.checks.shapes import Shape, shape
from vagus.formats.hl7v2.escapes import unescape
from vagus.formats.hl7v2.message import NULL, Message
from vagus.formats.hl7v2.releases import ASSUMED, release
from vagus.formats.hl7v2.structures import versions

_DELIMITERS = {"MSH": 3, "FHS": 3, "BHS": 3}
Codes = Mapping[str, frozenset[str]]
"""The codes that a site adds to tables, by their number."""


class Rule(NamedTuple):
    """What one field must be."""

    number: int
    required: bool
    repeats: bool
    demand: Demand
    shape: Shape


class Trouble(NamedTuple):
    """What is wrong at a place within a field, such as `(2).4`, or with the whole of it."""

    where: str
    code: str
    about: str

    def within(self, outer: str) -> Trouble:
        """The same, seen from what encloses it."""
        return Trouble(outer + self.where, self.code, self.about)


class Rules(NamedTuple):
    """The fields of a segment in order, and those of them that may be missed."""

    fields: tuple[Rule, ...]
    needed: tuple[Rule, ...]


def release_of(message: Message) -> Release:
    """The release a message is checked by: there are only so many, whatever MSH-12 says."""
    return release(message.version) if message.version in versions() else ASSUMED


@cache
def known(segment: str, version: Release) -> Rules:
    """The rules of a segment of the standard in a release."""
    found = dictionary.segment(segment)
    demands = rules.demands(segment, version)
    fields = []
    for item in found.fields if found else ():
        demand = demands.get(item.number, NOTHING)
        required = item.required if demand.required is None else demand.required
        form = shape(item.datatype, item.name, version, demand)
        fields.append(Rule(item.number, required, item.repeats, demand, form))
    needed = [item for item in fields if item.required or item.demand.other or item.demand.events]
    return Rules(tuple(fields), tuple(needed))


def check(message: Message, segment: list[str], place: str, site: Codes) -> Iterator[Finding]:
    """What is wrong within one segment; `place` names it, as in `NK1[2]`."""
    if dictionary.segment(segment[0]) is None:
        return
    fields, needed = known(segment[0], release_of(message))
    scan = _Scan(message, site)
    for rule in fields[_DELIMITERS.get(segment[0], 1) - 1 : len(segment) - 1]:
        value = segment[rule.number]
        if value and value != NULL and not (rule.shape.plain and value.isalnum()):
            for item in scan.field(rule, value):
                yield finding(item.code, f"{place}-{rule.number}{item.where}", item.about)
    for rule in needed:
        if not _has(segment, rule.number):
            yield from _missing(message, segment, rule, f"{place}-{rule.number}")
    if any(segment[len(fields) + 1 :]):
        yield finding("extra-field", f"{place}-{len(fields) + 1}")


def _has(segment: list[str], number: int) -> bool:
    return number < len(segment) and segment[number] not in ("", NULL)


def _missing(message: Message, segment: list[str], rule: Rule, where: str) -> Iterator[Finding]:
    other = rule.demand.other
    if rule.required:
        yield finding("required-field", where, rule.shape.name)
    elif message.trigger in rule.demand.events:
        yield finding("needed-field", where, rule.shape.name)
    elif other and not _has(segment, other):
        yield finding("either-field", where, f"{rule.shape.name} or {segment[0]}-{other}")


class _Scan:
    """Goes through the values of fields, down to sub-components."""

    def __init__(self, message: Message, site: Codes) -> None:
        self._message = message
        self._site = site
        separators = message.separators
        self._repetition = separators.repetition
        self._levels = (separators.component, separators.subcomponent, "")

    def field(self, rule: Rule, value: str) -> Iterable[Trouble]:
        """What is wrong with one field."""
        mark = self._repetition
        if not mark or mark not in value:
            return self._part(rule.shape, value, 0)
        found: list[Trouble] = []
        for number, repetition in enumerate(value.split(mark), 1):
            if number == 2 and not rule.repeats:
                found.append(Trouble("(2)", "extra-repetition", rule.shape.name))
            if repetition and repetition != NULL:
                inner = self._part(rule.shape, repetition, 0)
                found += [item.within(f"({number})") for item in inner]
        return found

    def _part(self, known: Shape, value: str, depth: int) -> Iterable[Trouble]:
        if known.withdrawn:
            code = "withdrawn-component" if depth else "withdrawn-field"
            return [Trouble("", code, known.name)]
        mark = self._levels[depth]
        if not mark or mark not in value:
            if not known.parts:
                return self._leaf(known, value)
            pieces = [value]
        else:
            pieces = value.split(mark)
        found: list[Trouble] = []
        if len(pieces) > known.width and any(pieces[known.width :]):
            code = "extra-subcomponent" if depth else "extra-component"
            found.append(Trouble(f".{known.width + 1}", code, known.name))
        if not known.parts:
            return [*found, *self._leaf(known, pieces[0])]
        if known.table is not None and _names(known.table, pieces):
            inner = self._code(known.table, known.name, self._text(pieces[0]))
            found += [item.within(".1") for item in inner]
        deeper = self._levels[depth + 1]
        within = bool(deeper) and deeper in value
        count = len(pieces)
        for number in range(1, len(known.parts) + 1) if within else known.watched:
            if number > count:
                break
            part, piece = known.parts[number - 1], pieces[number - 1]
            if piece in ("", NULL):
                continue
            if inner := self._part(part, piece, depth + 1):
                found += [item.within(f".{number}") for item in inner]
        for number in known.needed:
            if number > count or pieces[number - 1] in ("", NULL):
                about = known.parts[number - 1].name
                found.append(Trouble(f".{number}", "required-component", about))
        return found

    def _leaf(self, known: Shape, value: str) -> Iterable[Trouble]:
        text = self._text(value)
        if not text or value == NULL:
            return ()
        if known.check is not None and (code := known.check(text)):
            return [Trouble("", code, known.name)]
        if known.longest and len(text) > known.longest:
            return [Trouble("", "too-long", f"{known.name} ({known.longest} characters)")]
        return self._code(known.table, known.name, text) if known.table is not None else ()

    def _code(self, table: Table, name: str, code: str) -> Iterable[Trouble]:
        if not code or code in table.codes or code in self._site.get(table.number, ()):
            return ()
        kind = "unknown-code" if table.closed else "unsuggested-code"
        return [Trouble("", kind, f"{name} (table {table.number})")]

    def _text(self, value: str) -> str:
        """The text that a raw value means; blanks around it say nothing."""
        message = self._message
        if message.has_escapes:
            value = unescape(value, message.separators, message.charset)
        return value.strip(" ")


def _names(table: Table, pieces: list[str]) -> bool:
    """Whether a coded value has a code, and of that table: other coding systems are free."""
    system = pieces[2] if len(pieces) > 2 else ""
    return bool(pieces[0]) and pieces[0] != NULL and system in ("", f"HL7{table.number}")

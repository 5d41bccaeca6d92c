"""A whole message against the standard."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice

from vagus.formats.finding import Finding
from vagus.formats.format import Terms
from vagus.formats.hl7v2.checks import fields, profile, sequence
from vagus.formats.hl7v2.checks.kinds import KINDS, finding
from vagus.formats.hl7v2.checks.profile import NONE, Profile
from vagus.formats.hl7v2.checks.sequence import MOST
from vagus.formats.hl7v2.escapes import unescape_counting
from vagus.formats.hl7v2.message import Message
from vagus.formats.hl7v2.objections import objection
from vagus.formats.hl7v2.structures import order, structure_of
from vagus.kernel.errors import DecodeError

_OBJECTIONS = {"200": "unknown-type", "201": "unknown-event", "203": "unknown-version"}


def unreadable(error: Exception) -> Finding:
    """What is wrong with bytes whose splitting or decoding raised that error."""
    if isinstance(error, DecodeError) and error.code in KINDS:
        return finding(error.code, error.where)
    return finding("unreadable", "")


def check(message: Message, site: Profile = NONE) -> list[Finding]:
    """What is wrong with a message: its type, its segments, field by field, then the profile.

    After MOST findings nothing more is looked for, and the last one says so.
    """
    found = list(islice(_found(message, site), MOST))
    return [*found, finding("more-findings", "MSH[1]")] if len(found) == MOST else found


def _found(message: Message, site: Profile) -> Iterator[Finding]:
    for part in (_type(message), _order(message), _segments(message, site)):
        yield from profile.left(part, site)
    yield from profile.check(message, site)


def _type(message: Message) -> Iterator[Finding]:
    answer = objection(message, Terms())
    if answer is not None and answer.code in _OBJECTIONS:
        yield finding(_OBJECTIONS[answer.code], answer.where.replace("MSH-", "MSH[1]-"))
    elif not order(message.structure):
        yield finding("unchecked-structure", "MSH[1]-9")
    known = structure_of(message.code, message.trigger)
    named = message.get("MSH-9.3")
    if known and named and named != known:
        yield finding("other-structure", "MSH[1]-9.3", known)
    event = message.get("EVN-1")
    if event and message.trigger and event != message.trigger:
        yield finding("other-event", "EVN[1]-1")


def _order(message: Message) -> Iterator[Finding]:
    names = tuple(segment[0] for segment in message.segments)
    version = fields.release_of(message)
    for problem in sequence.check(message.structure, version, names):
        yield finding(problem.code, f"{problem.name}[{problem.occurrence}]", problem.name)


def _segments(message: Message, site: Profile) -> Iterator[Finding]:
    seen: Counter[str] = Counter()
    for segment in message.segments:
        name = segment[0]
        seen[name] += 1
        if message.has_escapes:
            yield from _escapes(message, segment, f"{name}[{seen[name]}]")
        yield from fields.check(message, segment, f"{name}[{seen[name]}]", site.tables)


def _escapes(message: Message, segment: list[str], place: str) -> Iterator[Finding]:
    mark = message.separators.escape
    first = 3 if segment[0] == "MSH" else 1
    for number, value in enumerate(segment[first:], first):
        if mark in value and unescape_counting(value, message.separators, message.charset)[1]:
            yield finding("unknown-escape", f"{place}-{number}")

"""A whole message against the standard."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from vagus.formats.finding import Finding
from vagus.formats.format import Terms
from vagus.formats.hl7v2.checks import fields
from vagus.formats.hl7v2.checks.kinds import KINDS, finding
from vagus.formats.hl7v2.message import Message
from vagus.formats.hl7v2.objections import objection
from vagus.kernel.errors import DecodeError

_OBJECTIONS = {"200": "unknown-type", "201": "unknown-event", "203": "unknown-version"}


def check(message: Message) -> list[Finding]:
    """Everything that is wrong with a message, in its order."""
    return [*_header(message), *_segments(message)]


def unreadable(error: Exception) -> Finding:
    """What is wrong with bytes whose splitting or decoding raised that error."""
    if isinstance(error, DecodeError) and error.code in KINDS:
        return finding(error.code, error.where)
    return finding("unreadable", "")


def _header(message: Message) -> Iterator[Finding]:
    answer = objection(message, Terms())
    if answer is not None and answer.code in _OBJECTIONS:
        yield finding(_OBJECTIONS[answer.code], answer.where.replace("MSH-", "MSH[1]-"))


def _segments(message: Message) -> Iterator[Finding]:
    seen: Counter[str] = Counter()
    for segment in message.segments:
        name = segment[0]
        seen[name] += 1
        yield from fields.check(message, segment, f"{name}[{seen[name]}]")

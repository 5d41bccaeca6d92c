"""A site's profile: what it demands beyond the standard, at places of its own choice (level 5)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from vagus.formats.finding import Finding, Severity
from vagus.formats.hl7v2.checks.kinds import finding
from vagus.formats.hl7v2.escapes import unescape
from vagus.formats.hl7v2.message import NULL, Message
from vagus.formats.hl7v2.places import Place, cutter

_COUNTS = re.compile(r"\[\d+\]|\(\d+\)")


class Usage(StrEnum):
    """Whether something must be there, or must not."""

    REQUIRED = "required"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Rule:
    """What a profile demands at one place; empty and None mean that nothing is said.

    `codes` are the only ones allowed, `some` those of which one repetition at least must have
    one, `events` the trigger events it is for.
    """

    place: Place
    usage: Usage | None = None
    least: int = 0
    most: int | None = None
    codes: tuple[str, ...] = ()
    some: tuple[str, ...] = ()
    longest: int | None = None
    events: tuple[str, ...] = ()
    severity: Severity = Severity.ERROR


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile ready for checking.

    `allowed` are findings of the standard that the site does without, as place and code.
    """

    name: str
    rules: tuple[Rule, ...]
    tables: Mapping[str, frozenset[str]]
    allowed: frozenset[tuple[str, str]] = frozenset()


NONE = Profile("", (), {})


def left(found: Iterable[Finding], profile: Profile) -> Iterable[Finding]:
    """What the profile does not allow."""
    if not profile.allowed:
        return found
    return (
        item for item in found if (_COUNTS.sub("", item.where), item.code) not in profile.allowed
    )


def check(message: Message, profile: Profile) -> Iterator[Finding]:
    """What of a message does not keep to a profile."""
    for rule in profile.rules:
        if rule.events and message.trigger not in rule.events:
            continue
        found = _field(message, rule) if rule.place.field else _segment(message, rule)
        for item in found:
            yield item._replace(severity=rule.severity)


def _segment(message: Message, rule: Rule) -> Iterator[Finding]:
    place = rule.place
    count = sum(segment[0] == place.segment for segment in message.segments)
    yield from _counted(count, rule, f"{place.segment}[{{}}]", place.segment)


def _counted(count: int, rule: Rule, where: str, about: str) -> Iterator[Finding]:
    """What is wrong with how often something stands; `where` has a gap for its number."""
    if rule.usage is Usage.ABSENT and count:
        yield finding("profile-absent", where.format(1), about)
    elif rule.usage is Usage.REQUIRED and not count:
        yield finding("profile-required", where.format(1), about)
    elif count < rule.least:
        yield finding("profile-count", where.format(count + 1), f"{about}, {rule.least} at least")
    elif rule.most is not None and count > rule.most:
        yield finding("profile-count", where.format(rule.most + 1), f"{about}, {rule.most} at most")


def _field(message: Message, rule: Rule) -> Iterator[Finding]:
    place = rule.place
    about = _written(place)
    mark = message.separators.repetition
    for number, segment in enumerate(message.all(place.segment), 1):
        where = f"{place.segment}[{number}]-{place.field}"
        value = segment[place.field] if place.field < len(segment) else ""
        parts = value.split(mark) if mark else [value]
        repetitions = {n: item for n, item in enumerate(parts, 1) if item and item != NULL}
        if place.component:
            yield from _leaves(message, rule, where, repetitions)
            continue
        if repetitions or rule.usage is Usage.REQUIRED or rule.least:
            many = where if len(repetitions) < 2 and not rule.most else where + "({})"
            yield from _counted(len(repetitions), rule, many, about)
        yield from _leaves(message, rule, where, repetitions)


def _leaves(
    message: Message, rule: Rule, where: str, repetitions: Mapping[int, str]
) -> Iterator[Finding]:
    """The values at a place, one of each repetition."""
    place = rule.place
    cut = cutter(place._replace(repetition=1))
    tail = "".join(f".{part}" for part in place[3:] if part)
    about = _written(place)
    texts = {n: _text(message, cut(item, message.separators)) for n, item in repetitions.items()}
    for number, text in texts.items():
        at = f"{where}({number}){tail}" if len(repetitions) > 1 else f"{where}{tail}"
        if place.component and rule.usage is Usage.REQUIRED and not text:
            yield finding("profile-required", at, about)
        elif place.component and rule.usage is Usage.ABSENT and text:
            yield finding("profile-absent", at, about)
        elif text and rule.codes and text not in rule.codes:
            yield finding("profile-code", at, about)
        elif rule.longest is not None and len(text) > rule.longest:
            yield finding("profile-length", at, f"{about}, {rule.longest} characters")
    if rule.some and not set(rule.some) & set(texts.values()):
        yield finding("profile-some", where, f"{about} with {' or '.join(rule.some[:5])}")


def _text(message: Message, raw: str) -> str:
    if raw == NULL:
        return ""
    return unescape(raw, message.separators, message.charset).strip(" ")


def _written(place: Place) -> str:
    parts = "".join(f".{part}" for part in place[3:] if part)
    return f"{place.segment}-{place.field}{parts}"

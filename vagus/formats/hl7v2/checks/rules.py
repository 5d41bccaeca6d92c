"""What the standard demands of fields and components, release by release, and its code tables.

Read from `data/rules.yaml` and `data/tables.yaml`, whose heads explain the notation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from vagus.formats.hl7v2.dictionary import DATA, sections

Release = tuple[int, ...]

_WORD = re.compile(
    r"R(?P<since>\d[\d.]*)?(?:<(?P<before>\d[\d.]*))?|W(?P<withdrawn>\d[\d.]*)"
    r"|\|(?P<other>\d+)|C:(?P<events>[A-Z0-9,]+)|(?P<table>\d{4})"
    r"|L(?P<longest>\d+)(?:<(?P<until>\d[\d.]*))?"
)


@dataclass(frozen=True, slots=True)
class Table:
    """A code table; `closed` when no other code may be used."""

    number: str
    closed: bool
    codes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Demand:
    """What is demanded of one field or component in one release.

    `required` is None where nothing is said; `other` is the field that may stand instead, 0 for
    none; `events` are the trigger events that need it; `longest` 0 means any length.
    """

    required: bool | None = None
    withdrawn: bool = False
    other: int = 0
    events: frozenset[str] = frozenset()
    table: Table | None = None
    longest: int = 0


NOTHING = Demand()


@cache
def demands(name: str, release: Release) -> dict[int, Demand]:
    """By number, what is demanded of a segment's fields or of a data type's components."""
    return {
        number: _demand(words, release)
        for number, words in _lines().get(name, {}).items()
        if number
    }


@cache
def since(segment: str) -> Release:
    """The release that a segment came with; empty when it was there from the first."""
    words = _lines().get(segment, {}).get(0, ())
    return _release(words[0]) if words else ()


@cache
def table(number: str) -> Table | None:
    """The table of that number, or None when its codes are not known here."""
    text = sections(DATA / "tables.yaml").get(number)
    if text is None:
        return None
    kind, codes = text.split(" ", 1)
    return Table(number, kind == "closed", frozenset(code.strip() for code in codes.split(",")))


@cache
def _lines() -> dict[str, dict[int, tuple[str, ...]]]:
    """The words of each line by name and number; those of `since` under 0."""
    found: dict[str, dict[int, tuple[str, ...]]] = {}
    for name, text in sections(DATA / "rules.yaml").items():
        lines = found[name] = {}
        for line in text.splitlines():
            key, *words = line.split()
            first, _, last = key.partition("-")
            numbers = range(int(first), int(last or first) + 1) if key != "since" else (0,)
            lines.update(dict.fromkeys(numbers, tuple(words)))
    return found


def _demand(words: tuple[str, ...], release: Release) -> Demand:
    required: bool | None = None
    withdrawn = False
    other = longest = 0
    events: frozenset[str] = frozenset()
    codes = None
    for word in words:
        match = _WORD.fullmatch(word)
        assert match is not None, word
        if word[0] == "R":
            required = _holds(match["since"], match["before"], release)
        elif match["withdrawn"]:
            withdrawn = release >= _release(match["withdrawn"])
        elif match["other"]:
            other = int(match["other"])
        elif match["events"]:
            events = frozenset(match["events"].split(","))
        elif match["table"]:
            codes = table(match["table"])
        elif _holds(None, match["until"], release) and not (longest and match["until"] is None):
            longest = int(match["longest"])
    return Demand(required, withdrawn, other, events, codes, longest)


def _holds(since: str | None, before: str | None, release: Release) -> bool:
    return (not since or release >= _release(since)) and (not before or release < _release(before))


def _release(text: str) -> Release:
    return tuple(int(part) for part in text.split("."))

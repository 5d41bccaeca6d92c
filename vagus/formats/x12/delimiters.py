"""The delimiters of one interchange, declared by the fixed places of its ISA (X12.5)."""

from __future__ import annotations

from typing import NamedTuple

ISA_LENGTH = 106
_ELEMENTS = 16


class Delimiters(NamedTuple):
    """The four delimiters; `repetition` is '' where the interchange declares none."""

    element: str = "*"
    component: str = ":"
    repetition: str = "^"
    terminator: str = "~"


DEFAULT = Delimiters()


class Header(NamedTuple):
    """What a text says at its ISA: where it ends, its delimiters, and what is wrong with them."""

    end: int
    delimiters: Delimiters
    is_fixed: bool
    fault: str


def declared(text: str, start: int) -> Header | None:
    """The delimiters of the ISA at `start` of a text; None when it cannot be one.

    The places are fixed. Where a sender padded ISA otherwise, its sixteen separators are counted
    instead, which needs ISA16 to be one character.
    """
    element = text[start + 3 : start + 4]
    if not element or element.isalnum():
        return None
    fixed = text[start : start + 104]
    is_fixed = fixed.endswith(element) and fixed.count(element) == _ELEMENTS
    at = start + 103 if is_fixed else _sixteenth(text, start, element)
    if at < 0 or len(text) < at + 3:
        return None
    version = text[start : at + 1].split(element)
    if len(version) != _ELEMENTS + 1:
        return None
    component, terminator = text[at + 1], text[at + 2]
    repetition = version[11] if _repeats(version[11], version[12]) else ""
    delimiters = Delimiters(element, component, repetition, terminator)
    return Header(at + 2, delimiters, is_fixed, _fault(delimiters))


def _sixteenth(text: str, start: int, element: str) -> int:
    at = start
    for _ in range(_ELEMENTS):
        at = text.find(element, at + 1, start + 4 * ISA_LENGTH)
        if at < 0:
            return -1
    return at


def _repeats(value: str, version: str) -> bool:
    """From release 00402 on ISA11 is the repetition separator, unless it is a letter or digit."""
    return len(value) == 1 and not value.isalnum() and version >= "00402"


def _fault(delimiters: Delimiters) -> str:
    """The reason why delimiters cannot be used, as a kind of finding; '' when they can."""
    given = [mark for mark in delimiters if mark]
    if len(set(given)) != len(given):
        return "delimiters-equal"
    usable = all(not mark.isalnum() and mark != " " for mark in given)
    return "" if usable else "delimiter-letter"

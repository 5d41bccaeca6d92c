"""What the segments and data elements of one X12 release are made of (X12.22, X12.3).

Facts only: the data element at each position, its type and length, and the relational notes.
A guide says the rest: which elements it uses, how often, and with which codes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from vagus.formats.data import document
from vagus.kernel import strictyaml
from vagus.kernel.strictyaml import Fields

DATA = Path(__file__).with_name("data")
_POSITION = re.compile(r"\(([^)]*)\)(\*?)|([^\s*]+)(\*?)")
_NOTE = re.compile(r"([PRECL])((?:\d\d){2,})")


@dataclass(frozen=True, slots=True)
class Element:
    """A data element: its number, type (`AN ID N0 R DT TM`) and length in characters.

    The length of a number counts its digits only.
    """

    number: str
    type: str
    shortest: int
    longest: int


@dataclass(frozen=True, slots=True)
class Position:
    """One position of a segment: a data element, or the components of a composite."""

    element: Element | None
    components: tuple[Element, ...] = ()


@dataclass(frozen=True, slots=True)
class Note:
    """A relational note: its letter, and the positions it speaks of."""

    letter: str
    positions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment: position n is `positions[n - 1]`."""

    id: str
    positions: tuple[Position, ...]
    notes: tuple[Note, ...]


@cache
def segments(release: str) -> dict[str, Segment]:
    """Every segment of a release by its id; raises ConfigError for a release we do not have."""
    fields = document(DATA / release / "dictionary.yaml")
    elements = _elements(fields.entries["types"])
    plain = strictyaml.plain(fields.entries["segments"])
    assert isinstance(plain, dict)
    return {name: _segment(name, str(text), elements) for name, text in plain.items()}


def notes(text: str) -> tuple[Note, ...]:
    """The relational notes in a text such as `P0809 C1110`."""
    found = []
    for letter, digits in _NOTE.findall(text):
        pairs = [int(digits[at : at + 2]) for at in range(0, len(digits), 2)]
        found.append(Note(letter, tuple(pairs)))
    return tuple(found)


def texts(fields: Fields) -> dict[str, str]:
    """A map of texts, such as lists of codes by name."""
    plain = strictyaml.plain(fields)
    assert isinstance(plain, dict)
    return {key: str(value) for key, value in plain.items()}


def _elements(node: strictyaml.Node) -> dict[str, Element]:
    plain = strictyaml.plain(node)
    assert isinstance(plain, dict)
    found = {}
    for key, numbers in plain.items():
        kind, shortest, longest = key.split()
        for number in str(numbers).split():
            found[number] = Element(number, kind, int(shortest), int(longest))
    return found


def _segment(name: str, text: str, elements: dict[str, Element]) -> Segment:
    body, _, relations = text.partition("|")
    positions = []
    for composite, _, number, _ in _POSITION.findall(body):
        if composite:
            parts = tuple(elements[part] for part in composite.split())
            positions.append(Position(None, parts))
        else:
            positions.append(Position(elements[number]))
    return Segment(name, tuple(positions), notes(relations))

"""What each HL7 v2 segment and data type is made of, for the linter and the reader of a message.

One superset of the releases 2.3 to 2.9 (chapters 2A to 15): field and component numbers never
change meaning between releases, so a feed of any age finds its fields here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from vagus.formats.data import document
from vagus.kernel import strictyaml

DATA = Path(__file__).with_name("data")


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a segment; `datatype` is 'varies' where another field decides it."""

    number: int
    name: str
    datatype: str
    repeats: bool
    required: bool


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment and its fields in order: field number n is `fields[n - 1]`."""

    name: str
    fields: tuple[Field, ...]

    def field(self, number: int) -> Field | None:
        """The field of that number, counted from 1, or None beyond the last."""
        return self.fields[number - 1] if 0 < number <= len(self.fields) else None


@dataclass(frozen=True, slots=True)
class Component:
    """One component of a data type."""

    number: int
    name: str
    datatype: str


@cache
def segment(name: str) -> Segment | None:
    """The segment of that name, or None when the standard has none (Z-segments, typos)."""
    text = _sections("segments.yaml").get(name)
    return None if text is None else Segment(name, tuple(map(_field, text.splitlines())))


@cache
def datatype(name: str) -> tuple[Component, ...]:
    """The components of a data type, number n at index n - 1; empty for a primitive."""
    text = _sections("datatypes.yaml").get(name, "")
    return tuple(map(_component, text.splitlines()))


def segments() -> tuple[str, ...]:
    """The names of every segment known."""
    return tuple(_sections("segments.yaml"))


def datatypes() -> tuple[str, ...]:
    """The names of every data type that has components."""
    return tuple(_sections("datatypes.yaml"))


def sections(path: Path) -> dict[str, str]:
    """A file of the dictionary as its blocks of lines by name; raises ConfigError."""
    return {key: str(strictyaml.plain(node)) for key, node in document(path).entries.items()}


@cache
def _sections(file: str) -> dict[str, str]:
    return sections(DATA / file)


def _field(line: str) -> Field:
    number, kind, usage, name = line.split(" ", 3)
    return Field(int(number), name, kind, usage.endswith("*"), usage.startswith("R"))


def _component(line: str) -> Component:
    number, kind, name = line.split(" ", 2)
    return Component(int(number), name, kind)

"""YAML read as text only, with the place of every node.

Every scalar stays the text the author wrote: `no`, `0123` and `1.10` are never guessed into
something else. Duplicate keys, anchors, aliases, merge keys and tags are errors, because each
of them makes a file say something other than it shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from vagus.kernel.diagnostics import Diagnostics, Place

MAX_FILE_BYTES = 1 << 20
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULLS = frozenset(("", "~", "null"))


@dataclass(frozen=True, slots=True)
class Text:
    """A scalar. `value` is None for an unquoted empty, `~` or `null`."""

    value: str | None
    place: Place
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    items: list[Node]
    place: Place


@dataclass(frozen=True, slots=True)
class Fields:
    """A map; `keys` holds the place of each key."""

    entries: dict[str, Node]
    keys: dict[str, Place]
    place: Place


Node = Text | Items | Fields
Plain = str | None | list["Plain"] | dict[str, "Plain"]


def load(text: str, file: str, diagnostics: Diagnostics) -> list[Node]:
    """The documents of a YAML text; what cannot be read becomes a diagnostic."""
    reader = _Reader(file, diagnostics)
    if len(text.encode("utf-8", "surrogatepass")) > MAX_FILE_BYTES:
        diagnostics.error(Place(file), "file-too-large", "a configuration file is at most 1 MiB")
        return []
    try:
        return list(reader.documents(text))
    except yaml.MarkedYAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
        diagnostics.error(place, "bad-yaml", error.problem or "this is not YAML")
    except (yaml.YAMLError, RecursionError):
        diagnostics.error(Place(file), "bad-yaml", "this is not YAML that can be read")
    return []


def load_file(path: Path, diagnostics: Diagnostics, name: str | None = None) -> list[Node]:
    """The documents of a YAML file; `name` is how diagnostics call it."""
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError:
        diagnostics.error(Place(name or str(path)), "bad-encoding", "the file is not UTF-8")
        return []
    except OSError as error:
        diagnostics.error(
            Place(name or str(path)), "unreadable", error.strerror or "cannot be read"
        )
        return []
    return load(text, name or str(path), diagnostics)


def plain(node: Node) -> Plain:
    """The node as strings, lists and dicts, without places."""
    match node:
        case Text():
            return node.value
        case Items():
            return [plain(item) for item in node.items]
        case Fields():
            return {key: plain(value) for key, value in node.entries.items()}


class _Reader:
    """Walks the events of one YAML text and builds nodes."""

    def __init__(self, file: str, diagnostics: Diagnostics) -> None:
        self._file = file
        self._diagnostics = diagnostics

    def documents(self, text: str) -> Iterator[Node]:
        self._events = iter(yaml.parse(text, Loader=_LOADER))
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                yield self._node(next(self._events))

    def _place(self, event: yaml.Event) -> Place:
        mark: Any = event.start_mark
        return Place(self._file, mark.line + 1, mark.column + 1)

    def _node(self, event: Any) -> Node:
        place = self._place(event)
        if isinstance(event, yaml.AliasEvent):
            self._diagnostics.error(place, "anchor", "aliases are not allowed: write it out")
            return Text(None, place)
        if getattr(event, "anchor", None) is not None:
            self._diagnostics.error(place, "anchor", "anchors are not allowed: write it out")
        if getattr(event, "tag", None) is not None:
            self._diagnostics.error(place, "tag", "YAML tags are not allowed")
        if isinstance(event, yaml.SequenceStartEvent):
            return self._items(place)
        if isinstance(event, yaml.MappingStartEvent):
            return self._fields(place)
        quoted = bool(event.style)  # the C parser says "" where Python's says None
        value = event.value if quoted or event.value not in _NULLS else None
        return Text(value, place, quoted)

    def _items(self, place: Place) -> Items:
        items = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event))
        return Items(items, place)

    def _fields(self, place: Place) -> Fields:
        entries: dict[str, Node] = {}
        keys: dict[str, Place] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            where = self._place(event)
            key = self._node(event)
            value = self._node(next(self._events))
            if not isinstance(key, Text) or key.value is None:
                self._diagnostics.error(where, "bad-key", "a key must be plain text")
            elif key.value == "<<" and not key.quoted:
                self._diagnostics.error(where, "merge-key", "merge keys are not allowed")
            elif key.value in entries:
                first = keys[key.value].line
                self._diagnostics.error(
                    where, "duplicate-key", f"'{key.value}' already stands on line {first}"
                )
            else:
                entries[key.value] = value
                keys[key.value] = where
        return Fields(entries, keys, place)

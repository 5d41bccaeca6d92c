"""The nodes of a mapping file between reading and compiling: texts, lists and objects with places.

They differ from the nodes of `strictyaml` in one thing: an object remembers the templates whose
bodies were copied into it, because what a template accepts is checked where it is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from vagus.kernel import strictyaml
from vagus.kernel.diagnostics import Place

#: Where the templates a node was copied from were asked for, the mapping's own line first.
Via = tuple[Place, ...]
MARKS = ("$each", "$when", "$use", "$key", "$copy", "$delete", "$remove")


@dataclass(frozen=True, slots=True)
class Text:
    """A constant or, when it begins with `=`, an expression; None for an unquoted null."""

    value: str | None
    place: Place
    via: Via = field(default=(), compare=False)

    @property
    def reads(self) -> bool:
        """Whether it is an expression."""
        return self.value is not None and self.value.startswith("=")


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    items: tuple[Node, ...]
    place: Place
    via: Via = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Use:
    """A template copied into an object: which, what datatypes it takes, and where it was asked."""

    template: str
    takes: tuple[str, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Object:
    """A map; `keys` holds the place of each key."""

    entries: dict[str, Node]
    keys: dict[str, Place]
    place: Place
    uses: tuple[Use, ...] = field(default=(), compare=False)
    broken: bool = field(default=False, compare=False)  # a template it asks for is not there
    via: Via = field(default=(), compare=False)

    def elements(self) -> Iterator[tuple[str, Node]]:
        """The entries that are not `$` words."""
        return ((key, node) for key, node in self.entries.items() if key not in MARKS)

    def without(self, *names: str) -> Object:
        """The same object lacking some keys."""
        entries = {key: node for key, node in self.entries.items() if key not in names}
        return replace(self, entries=entries)


Node = Text | Items | Object


def adopt(node: strictyaml.Node) -> Node:
    """The node of a mapping for a node of a YAML file."""
    match node:
        case strictyaml.Text():
            return Text(node.value, node.place)
        case strictyaml.Items():
            return Items(tuple(map(adopt, node.items)), node.place)
        case strictyaml.Fields():
            entries = {key: adopt(value) for key, value in node.entries.items()}
            return Object(entries, node.keys, node.place)


def texts(node: Node | None) -> list[Text]:
    """The texts of a text or a list of texts; other nodes are left out."""
    if isinstance(node, Text):
        return [node]
    if isinstance(node, Items):
        return [item for item in node.items if isinstance(item, Text)]
    return []


def words(node: Node | None) -> list[str]:
    """The blank-separated words of a text or a list of texts."""
    return [word for text in texts(node) for word in (text.value or "").split()]


def expressions(node: Node) -> Iterator[Text]:
    """Every expression in a tree."""
    pending: list[Node] = [node]
    while pending:
        item = pending.pop()
        if isinstance(item, Items):
            pending.extend(item.items)
        elif isinstance(item, Object):
            pending.extend(item.entries.values())
        elif item.reads:
            yield item


def reads(node: Node) -> bool:
    """Whether anything in the node is read from the message."""
    pending: list[Node] = [node]
    while pending:
        match pending.pop():
            case Text() as text if text.reads:
                return True
            case Items(items=items):
                pending.extend(items)
            case Object(entries=entries):
                if "$each" in entries or "$when" in entries or "$copy" in entries:
                    return True
                pending.extend(entries.values())
            case _:
                pass
    return False


def size(node: Node) -> tuple[int, int]:
    """How many nodes there are and how deep they nest."""
    count, deepest = 0, 0
    pending: list[tuple[Node, int]] = [(node, 1)]
    while pending:
        item, depth = pending.pop()
        count += 1
        deepest = max(deepest, depth)
        if isinstance(item, Items):
            pending.extend((child, depth + 1) for child in item.items)
        elif isinstance(item, Object):
            pending.extend((child, depth + 1) for child in item.entries.values())
    return count, deepest


def dump(node: Node | None) -> object:
    """The node as strings, lists and dicts: what a version is counted from."""
    match node:
        case Items(items=items):
            return [dump(item) for item in items]
        case Object(entries=entries):
            return {key: dump(value) for key, value in entries.items()}
        case Text(value=value):
            return value
        case _:
            return None


def restore(node: Node) -> strictyaml.Node:
    """The YAML node again, for readers that other packages own."""
    match node:
        case Text():
            return strictyaml.Text(node.value, node.place)
        case Items():
            return strictyaml.Items([restore(item) for item in node.items], node.place)
        case Object():
            entries = {key: restore(value) for key, value in node.entries.items()}
            return strictyaml.Fields(entries, node.keys, node.place)

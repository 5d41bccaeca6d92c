"""Compares what a mapping gave with what a golden test expects, and says where (§13)."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from mappings.nodes import Items, Node, Object, Text


def word(node: Node | None) -> str:
    """The text of a node; '' when it is none."""
    return (node.value or "") if isinstance(node, Text) else ""


def entries(node: Node | None) -> dict[str, Node]:
    """The entries of a map; none when it is no map."""
    return node.entries if isinstance(node, Object) else {}


def subset(expected: Node, bundle: dict[str, Any]) -> list[str]:
    """Differences of the keys that are named; a resource type selects its resources in order."""
    if not isinstance(expected, Object):
        return [f"{expected.place}: 'expect' is a map of resource types"]
    resources = [entry["resource"] for entry in bundle.get("entry", [])]
    found: list[str] = []
    for kind, node in expected.entries.items():
        given = [item for item in resources if item["resourceType"] == kind]
        if isinstance(node, Object):
            node = Items((node,), node.place)
        if isinstance(node, Text) and node.value is None:
            node = Items((), node.place)
        found += _compared(node, given, kind)
    return found


def _compared(expected: Node, given: Any, path: str) -> Iterator[str]:
    match expected:
        case Text(value=None):
            if given is not None:
                yield f"{path}: expected nothing, got {_short(given)}"
        case Text():
            if not _same(expected.value or "", given):
                yield f"{path}: expected {expected.value!r}, got {_short(given)}"
        case Object():
            if not isinstance(given, dict):
                yield f"{path}: expected an object, got {_short(given)}"
                return
            for key, node in expected.entries.items():
                yield from _compared(node, given.get(key), f"{path}.{key}")
        case Items():
            yield from _listed(expected, given, path)


def _listed(expected: Items, given: Any, path: str) -> Iterator[str]:
    items = [] if given is None else given
    if not isinstance(items, list):
        yield f"{path}: expected a list, got {_short(given)}"
        return
    if len(items) != len(expected.items):
        yield f"{path}: expected {len(expected.items)} items, got {len(items)}"
    for index, (node, item) in enumerate(zip(expected.items, items, strict=False)):
        yield from _compared(node, item, f"{path}[{index}]")


def _same(expected: str, given: Any) -> bool:
    """Whether a scalar is the text; numbers compare as exact decimals."""
    if isinstance(given, bool):
        return expected == ("true" if given else "false")
    if isinstance(given, (int, Decimal)):
        try:
            return Decimal(expected) == given
        except InvalidOperation:
            return False
    return bool(expected == given)


def _short(given: Any) -> str:
    if given is None:
        return "nothing"
    text = repr(str(given) if isinstance(given, Decimal) else given)
    return text if len(text) <= 80 else text[:77] + "…"


def whole(expected: Any, given: Any, path: str = "") -> list[str]:
    """Every difference of two JSON values."""
    if isinstance(expected, dict) and isinstance(given, dict):
        found = []
        for key in [*expected, *(key for key in given if key not in expected)]:
            found += whole(expected.get(key), given.get(key), f"{path}.{key}".lstrip("."))
        return found
    if isinstance(expected, list) and isinstance(given, list):
        found = []
        for index in range(max(len(expected), len(given))):
            one = expected[index] if index < len(expected) else None
            other = given[index] if index < len(given) else None
            found += whole(one, other, f"{path}[{index}]")
        return found
    if expected == given and type(expected) is type(given):
        return []
    wanted = "nothing" if expected is None else _short(expected)
    return [f"{path}: expected {wanted}, got {_short(given)}"]


def lines(expected: str, given: str) -> list[str]:
    """The lines that differ, as `-` expected and `+` given."""
    if expected.splitlines() == given.splitlines():
        return []
    changes = difflib.ndiff(expected.splitlines(), given.splitlines())
    return [line for line in changes if line[0] in "-+"]


def names(label: str, expected: Iterable[str], given: Iterable[str]) -> list[str]:
    """The names that are in one set only."""
    wanted, had = set(expected), set(given)
    found = [f"{label}: {name} is expected" for name in sorted(wanted - had)]
    return found + [f"{label}: {name} is not expected" for name in sorted(had - wanted)]

"""What two canonical Bundles of one message have not in common, element by element."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

_NOTHING: Any = object()


class Difference(NamedTuple):
    """One element: `added`, `removed` or `changed`; the values only for who may see them."""

    path: str
    change: str
    before: Any
    after: Any


def compare(before: dict[str, Any], after: dict[str, Any]) -> Iterator[Difference]:
    """The differences in document order; resources are matched by their type and id."""
    old, new = _resources(before), _resources(after)
    for key in dict.fromkeys([*old, *new]):
        label, left = old.get(key, ("", _NOTHING))
        label, right = new.get(key, (label, _NOTHING)) if key in new else (label, _NOTHING)
        yield from _walk(label, left, right)
    outer = {key: value for key, value in before.items() if key != "entry"}
    yield from _walk("Bundle", outer, {k: v for k, v in after.items() if k != "entry"})


def _resources(bundle: dict[str, Any]) -> dict[tuple[str, str], tuple[str, Any]]:
    """Resources by type and id, each with the label `Type[n]` that paths begin with."""
    found: dict[tuple[str, str], tuple[str, Any]] = {}
    counts: dict[str, int] = {}
    for entry in bundle.get("entry", ()):
        resource = entry.get("resource", {})
        kind = str(resource.get("resourceType", "Resource"))
        number = counts[kind] = counts.get(kind, 0) + 1
        found[kind, str(resource.get("id", number))] = (f"{kind}[{number - 1}]", resource)
    return found


def _walk(path: str, before: Any, after: Any) -> Iterator[Difference]:
    if before is _NOTHING:
        yield Difference(path, "added", None, after)
    elif after is _NOTHING:
        yield Difference(path, "removed", before, None)
    elif isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys([*before, *after]):
            inner = before.get(key, _NOTHING), after.get(key, _NOTHING)
            yield from _walk(f"{path}.{key}", *inner)
    elif isinstance(before, list) and isinstance(after, list):
        for number in range(max(len(before), len(after))):
            left = before[number] if number < len(before) else _NOTHING
            right = after[number] if number < len(after) else _NOTHING
            yield from _walk(f"{path}[{number}]", left, right)
    elif before != after:
        yield Difference(path, "changed", before, after)

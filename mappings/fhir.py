"""Reads FHIR sources at run time: elements by path, references, and what nobody read (§3, §10)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from mappings import patches


class Index:
    """The resources of a Bundle, or of a lone resource, by type and by reference."""

    __slots__ = ("_by_reference", "_by_type", "_emptied", "_referring", "_taken", "_urls")

    def __init__(self, message: Any) -> None:
        self._by_type: dict[str, list[dict[str, Any]]] = {}
        self._by_reference: dict[str, dict[str, Any]] = {}
        self._urls: dict[int, list[str]] = {}
        self._referring: dict[tuple[str, Sequence[str]], dict[int, list[dict[str, Any]]]] = {}
        for url, resource in entries(message):
            kind = resource.get("resourceType")
            if not isinstance(kind, str):
                continue
            self._by_type.setdefault(kind, []).append(resource)
            urls = [url] if url else []
            if isinstance(resource.get("id"), str):
                urls.append(f"{kind}/{resource['id']}")
            self._urls[id(resource)] = urls
            for known in urls:
                self._by_reference.setdefault(known, resource)
        self._emptied: dict[int, list[str]] = {}
        self._taken: dict[tuple[int, str], list[dict[str, Any]]] = {}
        for reference, path in patches.operations(self.of("Parameters")):
            owner = self._resolved(reference)
            if taken := patches.item(path):
                self._taken.setdefault((id(owner), taken[0]), []).append(taken[1])
            else:
                self._emptied.setdefault(id(owner), []).append(path)

    def emptied(self, resources: Iterable[Any], path: str) -> bool:
        """Whether an element of a resource, or one that it is part of, is deleted explicitly."""
        return any(
            path == deleted or path.startswith(f"{deleted}.")
            for resource in resources
            for deleted in self._emptied.get(id(resource), ())
        )

    def taken(self, resources: Iterable[Any], path: str) -> list[dict[str, Any]]:
        """The items that are taken out of a list of some resources, as far as they are told."""
        return [item for owner in resources for item in self._taken.get((id(owner), path), ())]

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The resources of a type, in order."""
        return self._by_type.get(kind, [])

    def urls(self, resource: Any) -> list[str]:
        """The references by which a resource of the source may be meant."""
        return self._urls.get(id(resource), [])

    def types(self) -> Iterable[str]:
        """Every type there is a resource of."""
        return self._by_type

    def resolve(self, references: Iterable[Any], kind: str) -> list[dict[str, Any]]:
        """The resources of a type that references name."""
        found = []
        for item in references:
            resource = self._resolved(item)
            if resource is not None and resource.get("resourceType") == kind:
                found.append(resource)
        return found

    def referring(
        self, items: Iterable[Any], kind: str, names: Sequence[str]
    ) -> list[dict[str, Any]]:
        """What holds a reference at a path that leads to one of the items: resources of a type,
        or elements of them.
        """
        holders = self._referring.get((kind, names))
        if holders is None:
            holders = self._referring[kind, names] = {}
            for holder in objects(pick(self.of(kind), names[:-1])):
                targets = map(self._resolved, pick((holder,), names[-1:]))
                for target in {id(target) for target in targets if target is not None}:
                    holders.setdefault(target, []).append(holder)
        return [holder for item in items for holder in holders.get(id(item), ())]

    def _resolved(self, reference: Any) -> dict[str, Any] | None:
        """The resource that a reference leads to."""
        text = reference.get("reference") if isinstance(reference, dict) else reference
        if not isinstance(text, str):
            return None
        resource = self._by_reference.get(text.partition("/_history/")[0])
        if resource is None and text.count("/") > 1:
            resource = self._by_reference.get("/".join(text.split("/")[-2:]))
        return resource


def entries(message: Any) -> list[tuple[str, dict[str, Any]]]:
    """The full URL and resource of each entry; a lone resource is one entry."""
    if not isinstance(message, dict):
        return []
    if message.get("resourceType") != "Bundle":
        return [("", message)]
    listed = message.get("entry")
    found = []
    for entry in listed if isinstance(listed, list) else ():
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if isinstance(resource, dict):
            url = entry.get("fullUrl")
            found.append((url if isinstance(url, str) else "", resource))
    return found


def pick(items: Iterable[Any], names: Sequence[str]) -> list[Any]:
    """Every value at a path of element names below the items."""
    found = list(items)
    for name in names:
        below: list[Any] = []
        for item in found:
            value = item.get(name) if isinstance(item, dict) else None
            if isinstance(value, list):
                below += value
            elif value is not None:
                below.append(value)
        found = below
    return found


def below(item: Any, name: str) -> list[Any]:
    """Every value of one element of one item."""
    value = item.get(name) if isinstance(item, dict) else None
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def text_of(item: Any, name: str) -> str | None:
    """The first value of a primitive element of one item, as text."""
    value = item.get(name) if isinstance(item, dict) else None
    if value is None or (value.__class__ is str and value):
        return value
    found = texts(value if isinstance(value, list) else [value])
    return found[0] if found else None


def texts(items: Iterable[Any]) -> list[str]:
    """The items as text: booleans as `true` and `false`, numbers exactly."""
    found = []
    for item in items:
        if isinstance(item, bool):
            found.append("true" if item else "false")
        elif isinstance(item, str):
            if item:
                found.append(item)
        elif isinstance(item, (int, Decimal)):
            found.append(str(item))
    return found


def numbers(items: Iterable[Any]) -> list[Decimal | int]:
    """The items that are numbers."""
    found: list[Decimal | int] = []
    for item in items:
        if isinstance(item, (int, Decimal)) and not isinstance(item, bool):
            found.append(item)
        elif isinstance(item, float):
            found.append(Decimal(repr(item)))
    return found


def objects(items: Iterable[Any]) -> list[dict[str, Any]]:
    """The items that are objects."""
    return [item for item in items if isinstance(item, dict) and item]


def unread(index: Index, read: frozenset[str]) -> list[tuple[str, int, list[Any]]]:
    """The populated leaf paths of each resource that no path of the mapping names."""
    found = []
    for kind in index.types():
        for number, resource in enumerate(index.of(kind), 1):
            leaves: dict[str, None] = {}
            _leaves(resource, kind, leaves, 0)
            missed: list[Any] = [
                path.partition(".")[2] for path in leaves if not _covered(path, read)
            ]
            if missed:
                found.append((kind, number, missed))
    return found


def _covered(path: str, read: frozenset[str]) -> bool:
    parts = path.split(".")
    if len(parts) == 2 and parts[1] in ("resourceType", "id", "meta"):
        return True
    return any(".".join(parts[:size]) in read for size in range(1, len(parts) + 1))


def _leaves(node: Any, path: str, found: dict[str, None], depth: int) -> None:
    if depth > 60:
        return
    if isinstance(node, dict):
        for key, value in node.items():
            _leaves(value, f"{path}.{key}", found, depth + 1)
    elif isinstance(node, list):
        for item in node:
            _leaves(item, path, found, depth + 1)
    else:
        found[path] = None

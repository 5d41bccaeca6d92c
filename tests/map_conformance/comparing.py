"""Compares two Bundles leaf by leaf: what of an expected one our own has, and where it differs.

A leaf is a primitive with its path: no indexes, extensions by their url. What says nothing of the
message is left out: ids, references, narrative, the bookkeeping of meta.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Leaf = tuple[str, str]
Resource = dict[str, Any]

SAME = "same"
OTHER = "other value"
ELSEWHERE = "elsewhere"
ABSENT = "absent"
NOT_MADE = "no such resource"

_NOISE = frozenset("id reference resourceType text.div text.status fullUrl".split())
_META = frozenset("lastUpdated versionId source profile".split())
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?(\.\d+)?(Z|[+-]\d\d:\d\d)\Z")


@dataclass(frozen=True)
class Difference:
    """One expected leaf: `state` says what our Bundle has for it."""

    type: str
    path: str
    value: str
    state: str
    ours: str = ""


def leaves(resource: Resource, dialect: str) -> list[Leaf]:
    """The leaves of a resource; extensions whose url contains `dialect` are left out."""
    return [leaf for leaf in _leaves(resource, "", dialect) if not _noise(leaf[0])]


def _leaves(value: Any, path: str, dialect: str) -> Iterator[Leaf]:
    if isinstance(value, dict):
        url = value.get("url")
        if path.rpartition(".")[2].endswith("xtension") and isinstance(url, str):
            if dialect and dialect in url:
                return
            path = f"{path}[{url}]"
            value = {key: item for key, item in value.items() if key != "url"}
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if path else key, dialect)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item, path, dialect)
    elif value is not None:
        yield path, plain(value)


def _noise(path: str) -> bool:
    first, _, rest = path.partition(".")
    name = path.rpartition(".")[2]
    return name in ("reference", "div") or path in _NOISE or (first == "meta" and rest in _META)


def plain(value: Any) -> str:
    """A value as text: times in UTC, numbers without trailing zeros, no blanks around."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        text = " ".join(value.split())
        return _moment(text) if _TIME.match(text) else text
    return str(float(value))


def _moment(text: str) -> str:
    """A time with an offset in UTC, as precise as it was."""
    try:
        when = datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        return text
    return when.isoformat(timespec="auto").replace("+00:00", "Z")


def resources(bundle: Resource) -> list[Resource]:
    """The resources of a Bundle."""
    return [entry["resource"] for entry in bundle.get("entry", ()) if entry.get("resource")]


def compare(
    expected: Iterable[Resource], ours: Iterable[Resource], dialect: str
) -> list[Difference]:
    """What became of each expected leaf. Equal resources count once: they say the same thing."""
    mine = [(item["resourceType"], Counter(leaves(item, ""))) for item in ours]
    wanted: dict[tuple[str, frozenset[tuple[Leaf, int]]], Counter[Leaf]] = {}
    for item in expected:
        found = Counter(leaves(item, dialect))
        wanted[item["resourceType"], frozenset(found.items())] = found
    everywhere = {value for _, counts in mine for _, value in counts}
    result: list[Difference] = []
    for kind in sorted({kind for kind, _ in wanted}):
        asked = [counts for (name, _), counts in wanted.items() if name == kind]
        given = [counts for name, counts in mine if name == kind]
        for index, partner in _partners(asked, given).items():
            result += _against(kind, asked[index], partner, everywhere)
    return result


def _partners(
    asked: list[Counter[Leaf]], given: list[Counter[Leaf]]
) -> dict[int, Counter[Leaf] | None]:
    """For each expected resource our own that says most of the same; each of ours once."""
    ranked = sorted(
        (
            (-_likeness(one, other), index, number)
            for index, one in enumerate(asked)
            for number, other in enumerate(given)
        ),
    )
    found: dict[int, Counter[Leaf] | None] = {}
    taken: set[int] = set()
    for likeness, index, number in ranked:
        if likeness < 0 and index not in found and number not in taken:
            found[index] = given[number]
            taken.add(number)
    for likeness, index, number in ranked:
        # one person, place or organisation said twice is one resource of ours
        if likeness < -1 and index not in found and _identity(asked[index]) & set(given[number]):
            found[index] = given[number]
    return {index: found.get(index) for index in range(len(asked))}


def _identity(leaves: Counter[Leaf]) -> set[Leaf]:
    return {leaf for leaf in leaves if leaf[0] == "identifier.value"}


def _likeness(one: Counter[Leaf], other: Counter[Leaf]) -> float:
    """Common leaves, values that name the thing before codes that many share; then paths."""
    common = one & other
    weight = sum(
        count * (0.2 if path.endswith((".system", ".code", "status", "mode")) else 1)
        for (path, _), count in common.items()
    )
    paths = {path for path, _ in one} & {path for path, _ in other}
    return weight + len(paths) / 1000


def _against(
    kind: str, wanted: Counter[Leaf], mine: Counter[Leaf] | None, everywhere: set[str]
) -> Iterator[Difference]:
    if mine is None:
        for path, value in sorted(wanted.elements()):
            state = ELSEWHERE if value in everywhere and len(value) > 2 else NOT_MADE
            yield Difference(kind, path, value, state)
        return
    common = wanted & mine
    for path, value in sorted(common.elements()):
        yield Difference(kind, path, value, SAME)
    left = mine - common
    places: dict[str, list[str]] = {}
    for path, value in left.elements():
        places.setdefault(path, []).append(value)
    for path, value in sorted((wanted - common).elements()):
        if places.get(path):
            yield Difference(kind, path, value, OTHER, places[path].pop(0))
        elif value in everywhere and len(value) > 2:
            yield Difference(kind, path, value, ELSEWHERE)
        else:
            yield Difference(kind, path, value, ABSENT)

"""HL7 v2 to FHIR, back to HL7 v2 and to FHIR again: how much of the first Bundle comes back.

Run as a script it prints the table; `test_round_trip.py` asserts on the same figures.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mappings.catalogue import Catalogue, load
from mappings.context import Context
from vagus.canonical import events
from vagus.canonical.identity import Identity
from vagus.canonical.systems import Systems
from vagus.formats.format import Terms
from vagus.formats.hl7v2 import HL7V2
from vagus.kernel.diagnostics import Diagnostics
from vagus.kernel.errors import DecodeError

CORPORA = Path(__file__).parents[3] / "shared/corpora"
FORMAT = HL7V2()
#: What is said of the message and its journey, not of the patient.
ABOUT_THE_MESSAGE = ("MessageHeader", "Provenance")
Resource = dict[str, Any]


@dataclass
class Trip:
    """One message there, back, and there again."""

    file: str
    type: str
    first: Resource
    wire: bytes
    second: Resource
    warnings: list[str] = field(default_factory=list)


@dataclass
class Figures:
    """Leaves and whole resources of one type: how many went out, how many came back."""

    leaves: int = 0
    back: int = 0
    resources: int = 0
    whole: int = 0
    missing: Counter[str] = field(default_factory=Counter)

    @property
    def share(self) -> float:
        """The share of the leaves that came back."""
        return self.back / self.leaves if self.leaves else 1.0


def context() -> Context:
    """A delivery that is the same every time."""
    now = "2026-03-02T09:00:00Z"
    identity, systems = Identity(b"k" * 32), Systems("corpora")
    return Context(
        "0000000000001", "corpora", "corpora", "", now, "", now, "UTC", identity, systems
    )


def library() -> Catalogue:
    """The library alone."""
    return load([], Diagnostics())


def trip(catalogue: Catalogue, facts: Context, message: Any, file: str = "") -> Trip | None:
    """What becomes of one message; None when nothing maps it."""
    inward = catalogue.select("hl7v2", structure=message.structure, type=message.type)
    if inward is None:
        return None
    first = inward.apply(message, facts).bundle
    kind = events.written_as("hl7v2", first)
    outward = catalogue.select("fhir", type=kind, to="hl7v2")
    assert outward is not None, kind
    written = outward.apply(first, replace(facts, type=kind))
    wire = FORMAT.compose(written.segments)
    second = inward.apply(FORMAT.decode(wire, Terms()), facts).bundle
    return Trip(file, message.type, first, wire, second, [item.code for item in written.warnings])


def trips(catalogue: Catalogue) -> Iterator[Trip]:
    """Every different ADT and SIU message of the corpora."""
    facts, seen = context(), set()
    for path in sorted(CORPORA.glob("hl7-*/**/*")):
        if path.suffix not in (".hl7", ".txt", ""):
            continue
        for body in _bodies(path):
            try:
                message = FORMAT.decode(body, Terms())
            except DecodeError:
                continue
            if message.code not in ("ADT", "SIU") or body in seen:
                continue
            seen.add(body)
            found = trip(catalogue, facts, message, str(path.relative_to(CORPORA)))
            if found is not None:
                yield found


def _bodies(path: Path) -> Iterable[bytes]:
    try:
        data = path.read_bytes() if path.is_file() else b""
        return FORMAT.split(data) if b"MSH|" in data[:4096] else ()
    except DecodeError:
        return ()


def compare(found: Trip) -> Iterator[tuple[str, Figures]]:
    """The figures of each resource type of one message.

    Lists are compared as sets. A reference to a resource whose id is made of the message itself is
    only asked to lead somewhere, because another message gives another id.
    """
    first, second = _by_type(found.first), _by_type(found.second)
    urls = _urls(found.first), _urls(found.second)
    for kind, resources in first.items():
        if kind in ABOUT_THE_MESSAGE:
            continue
        figures = Figures(resources=len(resources))
        before = Counter(leaf for item in resources for leaf in _leaves(item, urls))
        after = Counter(leaf for item in second[kind] for leaf in _leaves(item, urls))
        figures.leaves, figures.back = before.total(), (before & after).total()
        figures.missing = Counter(path for path, _ in (before - after).elements())
        known = Counter(_whole(item, urls) for item in resources)
        figures.whole = (known & Counter(_whole(item, urls) for item in second[kind])).total()
        yield kind, figures


def table(found: Iterable[Trip]) -> dict[str, Figures]:
    """The figures of each resource type over all messages."""
    total: dict[str, Figures] = defaultdict(Figures)
    for item in found:
        for kind, figures in compare(item):
            known = total[kind]
            known.leaves += figures.leaves
            known.back += figures.back
            known.resources += figures.resources
            known.whole += figures.whole
            known.missing += figures.missing
    return dict(total)


def _by_type(bundle: Resource) -> dict[str, list[Resource]]:
    found: dict[str, list[Resource]] = defaultdict(list)
    for entry in bundle.get("entry", ()):
        found[entry["resource"]["resourceType"]].append(entry["resource"])
    return found


def _urls(bundle: Resource) -> set[str]:
    return {entry["fullUrl"] for entry in bundle.get("entry", ())}


def _leaves(
    node: Any, urls: tuple[set[str], set[str]], path: tuple[str, ...] = ()
) -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        for key, value in node.items():
            if path or key != "id":
                yield from _leaves(value, urls, (*path, key))
    elif isinstance(node, list):
        for item in node:
            yield from _leaves(item, urls, path)
    else:
        yield ".".join(path), _value(path[-1], node, urls)


def _value(key: str, value: Any, urls: tuple[set[str], set[str]]) -> str:
    if key == "reference" and (value in urls[0]) != (value in urls[1]):
        return "(of this message)"
    return str(value)


def _whole(node: Any, urls: tuple[set[str], set[str]], key: str = "") -> str:
    """A text that is the same for equal resources, whatever their ids and the order of lists."""
    if isinstance(node, dict):
        parts = [f"{name}:{_whole(value, urls, name)}" for name, value in node.items()]
        return "{" + ",".join(sorted(part for part in parts if not part.startswith("id:"))) + "}"
    if isinstance(node, list):
        return "[" + ",".join(sorted(_whole(item, urls, key) for item in node)) + "]"
    return repr(_value(key, node, urls))


def main() -> None:
    """Print the table, and what does not come back."""
    found = table(trips(library()))
    lines = [
        "| resource | leaves | back | share | resources | whole |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {kind} | {item.leaves} | {item.back} | {item.share:.1%} | {item.resources}"
        f" | {item.whole} |"
        for kind, item in sorted(found.items(), key=lambda pair: -pair[1].leaves)
    ]
    leaves, back = (sum(getattr(f, name) for f in found.values()) for name in ("leaves", "back"))
    lines.append(f"| all | {leaves} | {back} | {back / leaves:.1%} | | |")
    for kind, item in sorted(found.items()):
        lines += [f"{count:5}  {kind}.{path}" for path, count in item.missing.most_common(40)]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

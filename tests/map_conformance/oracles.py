"""The expected results of other converters: which files, and what of them is about ADT and SIU."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from map_conformance.comparing import Difference, Resource, compare, resources
from map_conformance.official import CORPORA
from mappings.catalogue import Catalogue, load
from mappings.context import Context
from vagus.canonical.identity import Identity
from vagus.canonical.systems import Systems
from vagus.formats.format import Terms
from vagus.formats.hl7v2 import HL7V2
from vagus.kernel.diagnostics import Diagnostics

FORMAT = HL7V2()
_MARK = b"\xef\xbb\xbf"
SHELLS = Path(__file__).with_name("shells")
CDC = CORPORA / "hl7-cdc-reportstream/catchall"
#: Pairs about orders, specimens and devices, which no ADT or SIU message has.
BESIDE_THE_POINT = ("cq/", "cwe/annotation/", "dtm/instant/", "ei/EI-to-Device", "eip/")
_ORDERS = frozenset("DiagnosticReport ServiceRequest Specimen Device".split())
_NAMED = frozenset("Organization Practitioner PractitionerRole Location".split())


@dataclass(frozen=True)
class Oracle:
    """One source of expected Bundles. Extensions of its own have `dialect` in their url."""

    name: str
    dialect: str


@dataclass(frozen=True)
class Compared:
    """One pair and what became of each leaf it expects."""

    oracle: str
    file: str
    differences: tuple[Difference, ...]


ORACLES = (
    Oracle("CDC", "reportstream.cdc.gov"),
    Oracle("Microsoft", ""),
    Oracle("Google", ""),
    Oracle("HL7", ""),
)


@cache
def compared(name: str) -> tuple[Compared, ...]:
    """Every pair of one oracle, compared."""
    oracle = next(item for item in ORACLES if item.name == name)
    found = [_one(oracle, *pair) for pair in pairs(name)]
    return tuple(_without_shell(found) if name == "CDC" else found)


def _without_shell(found: list[Compared]) -> Iterator[Compared]:
    """CDC's pairs without what most of them share: it is not what any of them is about."""
    counts = Counter(leaf for item in found for leaf in {_leaf(d) for d in item.differences})
    for item in found:
        kept = (d for d in item.differences if counts[_leaf(d)] * 2 <= len(found))
        yield Compared(item.oracle, item.file, tuple(kept))


def _leaf(found: Difference) -> tuple[str, str, str]:
    return found.type, found.path, found.value


def pairs(name: str) -> list[tuple[Path, Path]]:
    """Messages and the files with what is expected of them."""
    if name == "CDC":
        found = [(path, path.with_suffix(".fhir")) for path in sorted(CDC.rglob("*.hl7"))]
        return [pair for pair in found if not _beside(pair[0])]
    if name == "Microsoft":
        folder = CORPORA / "hl7-microsoft-fhir-converter"
        found = [(p, p.with_suffix(".expected.json")) for p in sorted(folder.glob("*.hl7"))]
    elif name == "Google":
        folder = CORPORA / "hl7-google-hdh"
        found = [(p, p.with_suffix(".hl7.fhir.output.json")) for p in sorted(folder.glob("*.hl7"))]
    else:
        folder = CORPORA / "hl7-v2-to-fhir"
        expected = folder / "samples/fhir-bundles/FHIR_bundle.hl7_ADT_A01.json"
        found = [(folder / "messages/ADT_A01.hl7", expected)]
    return [pair for pair in found if pair[1].exists()]


def _beside(path: Path) -> bool:
    return str(path.relative_to(CDC)).startswith(BESIDE_THE_POINT)


def _one(oracle: Oracle, message: Path, expected: Path) -> Compared:
    bundle = json.loads(expected.read_text("utf-8"))
    wanted = resources(bundle)
    if oracle.name == "CDC":
        wanted = list(_about(wanted, oracle.dialect))
        _forget(wanted, bundle["meta"]["lastUpdated"][:10])
    mine = resources(mapped(message.read_bytes(), shell=oracle.name == "CDC"))
    found = compare(wanted, mine, oracle.dialect)
    return Compared(oracle.name, message.name.removesuffix(".hl7"), tuple(found))


def _forget(found: list[Resource], day: str) -> None:
    """Leaves out when the converter ran, which no message says."""
    for item in found:
        if item["resourceType"] == "Provenance" and item.get("recorded", "").startswith(day):
            del item["recorded"]


def _about(found: list[Resource], dialect: str) -> Iterator[Resource]:
    """What is not about an order, and not named only in extensions of CDC's own."""
    named = {ref for item in found for ref in _references(item, dialect)}
    for item in found:
        kind = item["resourceType"]
        address = f"{kind}/{item['id']}"
        if kind not in _ORDERS and (kind not in _NAMED or address in named):
            yield item


def _references(value: Any, dialect: str) -> Iterator[str]:
    if isinstance(value, dict):
        if dialect in str(value.get("url", "")):
            return
        if isinstance(value.get("reference"), str):
            yield value["reference"]
        for item in value.values():
            yield from _references(item, dialect)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item, dialect)


@cache
def library() -> Catalogue:
    """The library beside the mapping for CDC's messages, which only these tests have."""
    diagnostics = Diagnostics()
    found = load([SHELLS], diagnostics)
    diagnostics.raise_errors()
    return found


@cache
def context() -> Context:
    """A delivery that is the same every time."""
    return Context(
        message_id="m-1",
        endpoint="corpora",
        source="corpora",
        facility="corpora",
        received_at="2026-03-02T09:00:00Z",
        raw_url="",
        now="2026-03-02T09:00:00Z",
        zone="UTC",
        identity=Identity(b"k" * 32),
        systems=Systems("corpora"),
    )


def decoded(body: bytes) -> Any:
    """A message of the corpora, which seldom say in which characters they are written."""
    return FORMAT.decode(body, Terms(charset="utf-8" if body.startswith(_MARK) else "latin-1"))


def mapped(body: bytes, shell: bool = False) -> Resource:
    """Our Bundle of a file's first message."""
    message = decoded(next(iter(FORMAT.split(body))))
    catalogue = library()
    mapping = catalogue.get("Shell") if shell else None
    if mapping is None:
        mapping = catalogue.select("hl7v2", structure=message.structure, type=message.type)
    assert mapping is not None, message.type
    return mapping.apply(message, context()).bundle

"""Which structure a trigger event has, and which segment belongs to which group of it.

HL7 v2 chapters 2.13 and 3, tables 0076 and 0354. The trigger decides, not MSH-9.3, which senders
often fill with a copy of code and trigger.
"""

from __future__ import annotations

from functools import cache

from vagus.formats.data import document
from vagus.formats.groups import Group, parse
from vagus.formats.hl7v2 import grammar
from vagus.formats.hl7v2.dictionary import DATA
from vagus.formats.hl7v2.grammar import Item
from vagus.kernel import strictyaml
from vagus.kernel.diagnostics import Diagnostics
from vagus.kernel.strictyaml import Fields, Plain, Text


def structure_of(code: str, trigger: str) -> str:
    """The structure id of a message type (`ADT_A01` of ADT and A04); '' when unknown."""
    if code == "ACK":
        return "ACK"
    return events().get((code, trigger), "")


def structure(name: str) -> Group | None:
    """The groups of a structure, or None when it is not one of ours."""
    return _structure(name) if name in _document("structures.yaml").entries else None


def order(name: str) -> tuple[Item, ...]:
    """The segments of a structure in order; empty when only its groups are known, or nothing."""
    return _orders().get(name, ())


@cache
def _structure(name: str) -> Group:
    if items := order(name):
        return grammar.tree(items)
    diagnostics = Diagnostics()
    group = parse(_document("structures.yaml").entries[name], diagnostics)
    diagnostics.raise_errors()
    return group


@cache
def _orders() -> dict[str, tuple[Item, ...]]:
    entries = _document("structures.yaml").entries
    return {
        name: grammar.parse(node.value or "")
        for name, node in entries.items()
        if isinstance(node, Text)
    }


def structures() -> tuple[str, ...]:
    """The ids of every structure known."""
    return tuple(_document("structures.yaml").entries)


@cache
def events() -> dict[tuple[str, str], str]:
    """The structure id of every message code and trigger event that has one here."""
    codes = _events()["structures"]
    if not isinstance(codes, dict):
        raise TypeError("events.yaml must map codes to structures")
    return {
        (code, trigger): name
        for code, names in codes.items()
        if isinstance(names, dict)
        for name, triggers in names.items()
        for trigger in str(triggers).split()
    }


@cache
def codes() -> frozenset[str]:
    """Every message code of the standard (table 0076)."""
    return frozenset(str(_events()["codes"]).split())


@cache
def versions() -> frozenset[str]:
    """Every release of HL7 v2 that MSH-12 may name (table 0104)."""
    return frozenset(str(_events()["versions"]).split())


@cache
def _events() -> dict[str, Plain]:
    return {key: strictyaml.plain(node) for key, node in _document("events.yaml").entries.items()}


@cache
def _document(file: str) -> Fields:
    return document(DATA / file)

"""Which official rows the compiled mappings implement: the same field fills the same element."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache

from map_conformance.official import Row, Step
from map_conformance.rules import Rule, Source, rules
from vagus.canonical import shapes
from vagus.formats.hl7v2 import dictionary

#: What a code table or a coded element fills without naming it.
_WITHIN = frozenset(("coding", "code", "system", "display", "text", "value", "url"))
_CHOICES = frozenset("occurred value onset effective performed deceased".split())
_ALIKE = {"CE": "CWE", "CF": "CWE", "CNE": "CWE", "TS": "DTM", "DT": "DTM", "NM": "NM"}

#: Types that are a Quantity with rules of their own.
_SAME = {"Duration": "Quantity", "Age": "Quantity"}

#: The resources of ours that tables of a Provenance or Observation with a purpose of its own mean.
_OF_SHEET = {
    "EVN[Provenance]": ("event",),
    "MSH[Provenance-Source]": ("source_provenance",),
    "MSH[Provenance-Transformation]": ("transformation",),
    "PD1[Observation-LivingWill]": ("living_will",),
    "PID[Provenance-Patient]": ("patient_update",),
    "SCH[Provenance]": ("booking",),
}
_CONDITION = re.compile(r"([A-Z0-9]{3}-\d+) (?:EQUALS|IN|IS|=) (\([^)]*\)|\S+)")
_CODE = re.compile(r"[A-Z0-9]{2,3}")

Place = tuple[str, str]  # mapping, resource


def implementing(row: Row) -> Rule | None:
    """A rule that does what a row asks, or None."""
    matches = _by_datatype if row.of_datatype else _by_field
    return next(matches(row), None)


def reads(row: Row) -> bool:
    """Whether any rule reads the row's field at all."""
    return any(_touches(row, rule.sources | rule.conditions) for rule in _of(row.segment))


@cache
def _of(segment: str) -> tuple[Rule, ...]:
    return tuple(rule for rule in rules() if any(s.segment == segment for s in _decides(rule)))


@cache
def _decides(rule: Rule) -> frozenset[Source]:
    """All on which a rule depends, what is read for the resources it refers to included."""
    found = rule.sources | rule.conditions
    for name in rule.references:
        found |= _resources().get((rule.mapping, name), ("", frozenset()))[1]
    return found


@cache
def _resources() -> dict[Place, tuple[str, frozenset[Source]]]:
    """The type of each resource and all that is read for it."""
    found: dict[Place, tuple[str, frozenset[Source]]] = {}
    for rule in rules():
        kind, sources = found.get((rule.mapping, rule.resource), (rule.type, frozenset()))
        found[rule.mapping, rule.resource] = kind, sources | rule.sources | rule.conditions
    return found


def _by_field(row: Row) -> Iterator[Rule]:
    if row.attribute == "local implementation":
        yield from (rule for rule in _of(row.segment) if _touches(row, rule.sources))
        return
    *before, last = row.steps
    for rule in _candidates(row, last):
        if all(_leads(row, step, rule) for step in before[-1:]):
            yield rule


def _candidates(row: Row, last: Step) -> Iterator[Rule]:
    """Rules that fill the last step's element from the row's field."""
    for rule in _of(row.segment) if row.field else rules():
        if rule.type not in last.types or not _fills(row, rule, last) or not _holds(row, rule):
            continue
        if not last.path or agrees(last.path, rule.element):
            yield rule
    if not row.constant:
        yield from _referring(row, last)


def _referring(row: Row, last: Step) -> Iterator[Rule]:
    """Rules whose element is a reference to a resource made of the row's field."""
    for rule in _references():
        if rule.type in last.types and last.path == rule.element:
            for name in rule.references:
                _, sources = _resources().get((rule.mapping, name), ("", frozenset()))
                if _touches(row, sources):
                    yield rule


def _leads(row: Row, step: Step, rule: Rule) -> bool:
    """Whether some element named by the step refers to the rule's resource."""
    return any(
        other.mapping == rule.mapping
        and rule.resource in other.references
        and other.type in step.types
        and agrees(step.path, other.element)
        for other in _references()
    )


@cache
def _references() -> tuple[Rule, ...]:
    return tuple(r for r in rules() if r.references and _kinds(r)[-1:] == ["Reference"])


def _kinds(rule: Rule) -> list[str]:
    """The type of each element on the way to the rule's own, as far as R4 knows them."""
    found, kind = [], rule.type
    for name in rule.element:
        element = shapes.type(kind).elements.get(name.lstrip("_")) if shapes.known(kind) else None
        if element is None:
            break
        kind = element.type
        found.append(kind)
    return found


def _fills(row: Row, rule: Rule, last: Step) -> bool:
    """Whether the row's field gives the rule its value, or decides on its constant."""
    if row.url and row.url not in rule.urls:
        return False
    if len(row.steps) == 1 and rule.resource not in _OF_SHEET.get(row.sheet, (rule.resource,)):
        return False
    if row.constant:
        return row.constant in rule.constants and _touches(row, _decides(rule))
    if not row.field:
        return True
    if rule.constants and (rule.element == last.path or _decided(row, rule)):
        return _touches(row, rule.sources | rule.conditions)
    return bool(rule.sources) and _touches(row, rule.sources)


def _holds(row: Row, rule: Rule) -> bool:
    """Whether the rule can hold where the row does: `IF OBX-2 IN ("DT", "DTM")`."""
    for field, text in _CONDITION.findall(row.condition):
        codes = set(_CODE.findall(text))
        for item in rule.filters:
            same = f"{item.source.segment}-{item.source.field}" == field
            if same and codes and bool(codes & item.words) != item.wanted:
                return False
    return True


def _touches(row: Row, sources: Iterable[Source]) -> bool:
    return not row.field or any(
        source.segment == row.segment
        and source.field == row.field
        and (not row.component or source.component in (0, row.component))
        for source in sources
    )


def agrees(wanted: tuple[str, ...], element: tuple[str, ...]) -> bool:
    """Whether two paths name the same element, or one what the other consists of."""
    for one, other in zip(wanted, element, strict=False):
        name = other.lstrip("_")
        if one != name and not (one in _CHOICES and name.startswith(one)):
            return False
    return set(wanted[len(element) :]) <= _WITHIN


def _by_datatype(row: Row) -> Iterator[Rule]:
    target, last = row.steps[0], row.steps[-1]
    for rule in _of_datatype(_alike(row.segment)):
        if len(row.steps) > 1:
            continue
        if row.url and row.url not in rule.urls:
            continue
        if row.constant and row.constant not in rule.constants:
            continue
        if not (row.constant or rule.sources or _decided(row, rule)):
            continue
        if not _of_component(row, rule):
            continue
        if any(agrees(last.path, rest) for rest in _below(rule, target.types[0], last.path)):
            yield rule


@cache
def _of_datatype(name: str) -> tuple[Rule, ...]:
    return tuple(rule for rule in rules() if any(_parts(name, s) for s in _all(rule)))


def _all(rule: Rule) -> frozenset[Source]:
    return rule.sources | rule.conditions


def _decided(row: Row, rule: Rule) -> bool:
    """Whether the rule writes a text of its own because of what it reads."""
    chosen = any(name.startswith("then ") for name in rule.functions)
    return chosen or any(_touches(row, (item.source,)) for item in rule.filters if item.wanted)


def _of_component(row: Row, rule: Rule) -> bool:
    sources = rule.sources if rule.sources and not row.constant else _all(rule)
    whole = "system" in rule.functions
    for source in sources:
        for number in _parts(_alike(row.segment), source):
            if (
                not row.field
                or number == row.field
                or (not number and (whole or row.field in (0, 1)))
            ):
                return True
    return False


@cache
def _parts(datatype: str, source: Source) -> tuple[int, ...]:
    """The components of a data type that a source reads; 0 when it reads the whole."""
    segment = dictionary.segment(source.segment)
    field = segment.field(source.field) if segment and source.field else None
    if field is None:
        return ()
    found, kind = [], field.datatype
    if kind.lower() == "varies":
        kind = datatype
    for number in (source.component, source.sub):
        if _alike(kind) == datatype:
            found.append(number)
        parts = dictionary.datatype(kind)
        if not number or number > len(parts):
            break
        kind = parts[number - 1].datatype
    if _alike(kind) == datatype and not found:
        found.append(0)
    return tuple(found)


def _alike(datatype: str) -> str:
    return _ALIKE.get(datatype, datatype)


def _below(rule: Rule, target: str, wanted: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """What of an element's path lies below an element of a type."""
    if rule.type == target:
        yield rule.element
    for index, kind in enumerate(_kinds(rule), 1):
        rest = rule.element[index:]
        if _SAME.get(kind, kind) == target and (wanted or rest in ((), ("value",))):
            yield rest

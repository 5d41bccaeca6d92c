"""Where the elements of a Bundle came from, and what became of a field, as people read it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from mappings import explain
from mappings.explain import Reading
from mappings.expressions import Path
from mappings.result import Lineage, Result, Rule
from vagus.cli import output
from vagus.formats.hl7v2 import dictionary

_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_HEAD = re.compile(r"(\w+)\[(\d+)\]\.?")
_PLACE = re.compile(r"(\w+?)(?:\((\d+)\))?-(\d+)(?:\((\d+)\))?(?:\.(\d+)(?:\.\d+)?)?")
_SAYS = {
    explain.GAVE: "gave",
    explain.NOTHING: "gave nothing",
    explain.EARLIER: "not needed",
    explain.GUARDED: "not asked",
    explain.UNASKED: "not asked",
}


def elements(result: Result) -> Iterator[str]:
    """Every element with its value, the place it was read from, and the rule, in two lines."""
    entries = _entries(result)
    for head, items in groupby(result.lineage, key=lambda item: item.element.partition("]")[0]):
        kind, _, number = head.partition("[")
        resource = _resource(result, head + "]")
        entry = entries.get((kind, resource.get("id")))
        yield f"\n{kind}" + (
            f", entry {entry} of the Bundle" if entry is not None else f" {number}"
        )
        for item in items:
            path = _HEAD.sub("", item.element, count=1)
            yield f"  {path} = {_value(result, item.element)}"
            yield f"      {_from(item)}  at {_at(item)}"


def _entries(result: Result) -> dict[tuple[str, str | None], int]:
    found = [entry["resource"] for entry in result.bundle.get("entry", ())]
    return {(item["resourceType"], item["id"]): number for number, item in enumerate(found)}


def _from(item: Lineage) -> str:
    if _HEAD.sub("", item.element) == "id" and not item.rule.startswith(("=", "[")):
        return "made of this message: no $key"
    if not item.rule.startswith(("=", "[")):
        return "constant"
    empty = [source for source in item.sources if source not in item.given]
    after = f" after {', '.join(empty)}" if empty else ""
    return f"{', '.join(item.given)}{after} by {item.rule}".strip()


def _at(item: Lineage | Rule) -> str:
    """The line of a rule, after those that asked for the templates it stands in."""
    asked = [place.rpartition("/")[2] for place in item.via]
    return " > ".join(place.rpartition(":")[0] for place in (*asked, item.place))


def _resource(result: Result, head: str) -> dict[str, Any]:
    found = _HEAD.match(head)
    number = int(found[2]) if found else -1
    given = result.resources[number] if 0 <= number < len(result.resources) else {}
    return given if isinstance(given, dict) else {}


def _value(result: Result, element: str) -> str:
    """The value of an element, as JSON; nothing in it can steer a terminal."""
    value: Any = _resource(result, element)
    head = _HEAD.match(element)
    for name, number in _STEP.findall(element[head.end() :] if head else ""):
        try:
            value = value[name] if name else value[int(number)]
        except (KeyError, IndexError, TypeError):
            return "-"
    return output.text(output.dumps(value))


def row(item: Reading) -> dict[str, object]:
    """How one rule fared with a field, for a program."""
    return {
        "element": item.rule.element,
        "role": item.rule.role,
        "rule": item.rule.text,
        "place": item.rule.place,
        "via": item.rule.via,
        "outcome": item.outcome,
        "times": item.times,
        "elements": item.elements,
        "sources": item.sources,
        "given": item.given,
        "because": item.because.place if item.because else None,
    }


def history(
    message: Any, result: Result, field: Path, readings: Sequence[Reading]
) -> Iterator[str]:
    """What is in a field, and what every rule that reads it made of it."""
    known = dictionary.segment(field.segment)
    named = known.field(field.field) if known else None
    label = f"{field.segment}-{field.field}"
    values = [row[field.field] for row in message.all(field.segment) if len(row) > field.field]
    yield f"\n{label}{f' ({named.name})' if named else ''}"
    for value in values or ["(not in this message)"]:
        yield f"  {output.text(value) or '(empty)'}"
    for item in readings:
        rule = item.rule
        yield f"\n{_SAYS[item.outcome]}: {rule.element}{f' {rule.role}' if rule.role else ''}"
        yield f"      {rule.text}"
        yield f"      at {_at(rule)}"
        yield from _why(message, result, item, field)
    if not readings:
        yield from _unread(result, field, label, any(values))


def _why(message: Any, result: Result, item: Reading, field: Path) -> Iterator[str]:
    match item.outcome:
        case explain.GAVE:
            for element in item.elements:
                yield f"      {element} = {_value(result, element)}"
        case explain.NOTHING:
            yield f"      {_nothing(message, item, field)}"
        case explain.EARLIER:
            before = ", ".join(item.given) or "what stands before it"
            yield f"      {before} gave the value first"
        case explain.GUARDED if item.because:
            guard = item.because
            yield f"      {guard.role} {guard.text} gave nothing, at {_at(guard)}"
        case _:
            yield "      nothing around it is in this message"


def _nothing(message: Any, item: Reading, field: Path) -> str:
    """Why a place that was looked at gave nothing, and what gave the value instead."""
    places = [place for place in item.sources if explain.touches(place, field)] or ["it"]
    filled = [place for place in places if _there(message, place)]
    instead = f"; {', '.join(item.given)} gave the value" if item.given else ""
    if filled:
        return f"{', '.join(filled)} is there, but the rule makes nothing of it{instead}"
    return f"{', '.join(places)} is empty{instead}"


def _there(message: Any, place: str) -> bool:
    """Whether something is at a position such as `IN1(2)-3(1).4`; without counts, anywhere."""
    found = _PLACE.fullmatch(place)
    if found is None:
        return False
    segment, occurrence, number, repetition, part = found[1], *map(_number, found.groups()[1:5])
    rows = message.all(segment)
    if occurrence is not None:
        rows = rows[occurrence - 1 : occurrence] if occurrence else []
    marks = message.separators
    for row in rows:
        repetitions = row[number].split(marks.repetition) if len(row) > (number or 0) else []
        if repetition:
            repetitions = repetitions[repetition - 1 : repetition]
        for text in repetitions:
            parts = text.split(marks.component)
            if any(parts[part - 1 : part]) if part else text:
                return True
    return False


def _number(text: str | None) -> int | None:
    return int(text) if text else None


def _unread(result: Result, field: Path, label: str, there: bool) -> Iterator[str]:
    place = (field.segment, field.field)
    why = [item.why for item in result.left if (item.segment, item.field) == place]
    yield f"  no rule reads it{f'; left alone on purpose: {why[0]}' if why else ''}"
    if there and not why:
        yield f"  map it, or say why not with  ignore: {{{label}: …}}"

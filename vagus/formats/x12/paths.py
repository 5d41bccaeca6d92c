"""Reading values out of a unit by path: `2010BA/NM1[IL]-09`, `2300/HI[ABK]-01-2`, `EB-03`.

A path is looked up in the unit, and where its loop does not stand there, in the nearest level
above: from a claim, `2010AA/NM1-09` is the billing provider's. Absent is no value, not an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from vagus.formats.x12.guide import Guide
from vagus.formats.x12.tree import QUALIFIED
from vagus.formats.x12.units import Node, Unit
from vagus.formats.x12.values import at

_PATH = re.compile(
    r"(?:(?P<loop>\w*)/)?(?P<segment>[A-Z][A-Z0-9]{1,2})(?:\[(?P<codes>[^\]]+)\])?"
    r"(?:-(?P<element>\d\d)(?:-(?P<component>\d))?)?"
)


@dataclass(frozen=True, slots=True)
class Path:
    """A parsed path; `loop` is None where any goes, `codes` are the qualifiers allowed."""

    loop: str | None
    segment: str
    codes: frozenset[str]
    element: int
    component: int


@lru_cache(maxsize=1 << 12)
def parse(text: str) -> Path:
    """The path a text says; raises ValueError with how to write one."""
    match = _PATH.fullmatch(text)
    if not match:
        raise ValueError(f"'{text}' is not a path; write '2010BA/NM1[IL]-09'")
    codes = frozenset((match["codes"] or "").split("|")) - {""}
    element, component = int(match["element"] or 0), int(match["component"] or 0)
    return Path(match["loop"], match["segment"], codes, element, component)


def problem(text: str, guide: Guide) -> str:
    """Why a path can never find anything in sets of a guide; '' when it can."""
    try:
        path = parse(text)
    except ValueError as error:
        return str(error)
    lines = [line for line in guide.root.lines() if path.loop in (None, line.loop.id)]
    if not lines:
        return f"{guide.type} has no loop {path.loop}"
    lines = [line for line in lines if line.id == path.segment]
    if not lines:
        return f"{path.segment} does not stand in {path.loop or guide.type}"
    if path.codes and not any(line.codes and path.codes & line.codes for line in lines):
        return f"no {path.segment} there has such a qualifier"
    if path.element and not any(
        path.element in {use.number for use in line.uses} for line in lines
    ):
        return f"{path.segment}-{path.element:02} is not used there"
    return ""


def values(unit: Unit, text: str) -> list[str]:
    """Every value at a path, in the order of the file; repetitions count as values."""
    path = parse(text)
    for nodes in _scopes(unit.node, path.loop):
        rows = [raw for node in nodes for raw in _rows(node, path, unit)]
        if rows:
            return [value for raw in rows for value in _values(raw, path, unit)]
    return []


def first(unit: Unit, text: str) -> str:
    """The first value at a path, or ''."""
    return next(iter(values(unit, text)), "")


def _scopes(node: Node, loop: str | None) -> Iterator[list[Node]]:
    """Where to look: in the unit, then in each level above and the loops beside the way."""
    yield [item for item in node.walk() if loop in (None, item.loop)]
    for above in node.above():
        near = [above, *above.children]
        yield [item for item in near if loop in (None, item.loop)]


def _rows(node: Node, path: Path, unit: Unit) -> Iterator[str]:
    for line, raw in node.rows:
        is_meant = line is not None and line.id == path.segment
        if is_meant and (not path.codes or _qualifier(raw, unit) in path.codes):
            yield raw


def _qualifier(raw: str, unit: Unit) -> str:
    parts = raw.split(unit.delimiters.element)
    number, component = QUALIFIED.get(parts[0], (1, 0))
    value = at(parts, number)
    return value.split(unit.delimiters.component)[0] if component else value


def _values(raw: str, path: Path, unit: Unit) -> Iterator[str]:
    parts = raw.split(unit.delimiters.element)
    if not path.element:
        yield raw
        return
    value = at(parts, path.element)
    mark = unit.delimiters.repetition
    for repeat in value.split(mark) if mark else [value]:
        if path.component:
            pieces = repeat.split(unit.delimiters.component)
            repeat = at(pieces, path.component - 1)
        if repeat:
            yield repeat

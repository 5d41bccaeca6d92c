"""What a field or component may look like in a release, as a tree made once from the tables."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from vagus.formats.hl7v2 import dictionary
from vagus.formats.hl7v2.checks import primitives, rules
from vagus.formats.hl7v2.checks.primitives import Check
from vagus.formats.hl7v2.checks.rules import NOTHING, Demand, Release, Table

_CODED = frozenset(("CE", "CF", "CNE", "CWE"))


class Shape(NamedTuple):
    """How a value may look, and what it is called in texts.

    A composite has `parts`, of which the first `width` exist; a primitive has a `check`, or none
    when any text will do. The `table` of a coded composite is that of its first part, unless its
    third names another one. `plain` says that a value without delimiters is never
    wrong; `watched` are the numbers of the parts that can be wrong.
    """

    name: str
    check: Check | None = None
    parts: tuple[Shape, ...] = ()
    width: int = 1
    table: Table | None = None
    longest: int = 0
    required: bool = False
    plain: bool = True
    watched: tuple[int, ...] = ()
    withdrawn: bool = False


@cache
def shape(datatype: str, name: str, release: Release, demand: Demand = NOTHING) -> Shape:
    """The shape of a field or component of that data type, called `name`."""
    if datatype == "varies" or demand.withdrawn:
        plain = not demand.withdrawn
        return Shape(name, width=1000, plain=plain, withdrawn=demand.withdrawn)
    inner = rules.demands(datatype, release)
    parts = tuple(
        shape(item.datatype, f"{name}, {item.name}", release, inner.get(item.number, NOTHING))
        for item in dictionary.datatype(datatype)
    )
    required = bool(demand.required)
    if parts:
        coded = demand.table if datatype in _CODED else None
        plain = coded is None and all(part.plain for part in parts)
        plain = plain and not any(part.required for part in parts[1:])
        watched = [number for number, part in enumerate(parts, 1) if _can_be_wrong(part)]
        return Shape(
            name, None, parts, len(parts), coded, demand.longest, required, plain, tuple(watched)
        )
    check = primitives.CHECKS.get(datatype)
    # Up to 2.5 a time stamp had its precision as a second component (TS).
    width = 2 if datatype == "DTM" else 1
    plain = check is None and demand.table is None and not demand.longest
    return Shape(name, check, (), width, demand.table, demand.longest, required, plain)


def _can_be_wrong(part: Shape) -> bool:
    return part.required or not part.plain

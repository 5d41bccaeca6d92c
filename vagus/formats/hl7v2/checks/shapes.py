"""What a field or component may look like in a release, as a tree made once from the tables."""

from __future__ import annotations

from collections.abc import Mapping
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
    third names another one. A `plain` one is never wrong while no delimiter stands in it; `watched`
    are the numbers of the parts that are not plain, `needed` those that must have a value.
    """

    name: str
    check: Check | None = None
    parts: tuple[Shape, ...] = ()
    width: int = 1
    table: Table | None = None
    longest: int = 0
    plain: bool = True
    watched: tuple[int, ...] = ()
    needed: tuple[int, ...] = ()
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
    if parts:
        return _composite(name, parts, inner, demand, coded=datatype in _CODED)
    check = primitives.CHECKS.get(datatype)
    # Up to 2.5 a time stamp had its precision as a second component (TS).
    width = 2 if datatype == "DTM" else 1
    plain = check is None and demand.table is None and not demand.longest
    return Shape(name, check, (), width, demand.table, demand.longest, plain)


def _composite(
    name: str,
    parts: tuple[Shape, ...],
    inner: Mapping[int, Demand],
    demand: Demand,
    *,
    coded: bool,
) -> Shape:
    needed = tuple(number for number, part in sorted(inner.items()) if part.required)
    table = demand.table if coded else None
    plain = table is None and parts[0].plain and not any(number > 1 for number in needed)
    watched = tuple(number for number, part in enumerate(parts, 1) if not part.plain)
    return Shape(name, None, parts, len(parts), table, demand.longest, plain, watched, needed)

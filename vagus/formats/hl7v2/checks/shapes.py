"""What each data type lets a value be, as a tree of parts, made once from the dictionary."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from vagus.formats.hl7v2 import dictionary
from vagus.formats.hl7v2.checks import primitives
from vagus.formats.hl7v2.checks.primitives import Check


class Shape(NamedTuple):
    """How a value may look.

    A composite has `parts`, of which the first `width` exist; a primitive has a `check`, or none
    when any text will do. `plain` says that no part has a check.
    """

    name: str
    check: Check | None = None
    parts: tuple[Shape, ...] = ()
    width: int = 1
    plain: bool = True


@cache
def shape(datatype: str, name: str) -> Shape:
    """The shape of a field or component of that data type, called `name` in texts."""
    if datatype == "varies":
        return Shape(name, width=1000)
    parts = tuple(
        shape(item.datatype, f"{name}, {item.name}") for item in dictionary.datatype(datatype)
    )
    if parts:
        plain = all(part.plain for part in parts)
        return Shape(name, None, parts, len(parts), plain)
    check = primitives.CHECKS.get(datatype)
    # Up to 2.5 a time stamp had its precision as a second component (TS).
    width = 2 if datatype == "DTM" else 1
    return Shape(name, check, (), width, check is None)

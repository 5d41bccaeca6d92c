"""Comparisons inside one object that JSON schema has no words for, as keywords of jsonschema-rs.

A keyword's `validate` gets the object itself and raises ValueError, without any value of it, when
the comparison fails. What is structurally broken is left to the schema to find.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

_LINKS = (
    ("careTeamSequence", "careTeam"),
    ("diagnosisSequence", "diagnosis"),
    ("procedureSequence", "procedure"),
    ("informationSequence", "supportingInfo"),
)


class InOrder:
    """`start` is not after `end`, as far as their precision and offsets tell (per-1)."""

    __slots__ = ()

    def __init__(self, parent: object, value: object, path: object) -> None:
        pass

    def validate(self, instance: Any) -> None:
        """Raise ValueError when the end is before the start."""
        start, end = instance.get("start"), instance.get("end")
        if isinstance(start, str) and isinstance(end, str) and _after(start, end):
            raise ValueError("the end is before the start")


def _after(start: str, end: str) -> bool:
    if "T" in start and "T" in end:
        try:
            return datetime.fromisoformat(start) > datetime.fromisoformat(end)
        except (ValueError, TypeError):
            return False
    width = min(len(start), len(end), 10)
    return start[:width] > end[:width]


class Sequences:
    """The numbers by which a claim's items point at its own lists exist there (R4 Claim.item)."""

    __slots__ = ()

    def __init__(self, parent: object, value: object, path: object) -> None:
        pass

    def validate(self, instance: Any) -> None:
        """Raise ValueError when a number leads nowhere."""
        items = _objects(instance.get("item"))
        for link, target in _LINKS:
            wanted = [number for item in items for number in _numbers(item.get(link))]
            if wanted:
                known = {item.get("sequence") for item in _objects(instance.get(target))}
                if not known.issuperset(wanted):
                    raise ValueError("a number leads nowhere")


def _objects(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _numbers(value: object) -> list[int]:
    return [item for item in value if isinstance(item, int)] if isinstance(value, list) else []


KEYWORDS = {"vagusInOrder": InOrder, "vagusSequences": Sequences}

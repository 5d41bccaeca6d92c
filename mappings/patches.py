"""Reads back the deletes that a Bundle says in its Parameters: the other half of `deletes.py`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from mappings.deletes import PATCHED

_EQUAL = re.compile(r"([a-z][A-Za-z.]*) = '((?:[^'\\]|\\.)*)'")


def operations(parameters: Iterable[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """The reference and the FHIRPath of every delete."""
    for resource in parameters:
        for operation in _listed(resource.get("parameter")):
            parts = {part.get("name"): part for part in _listed(operation.get("part"))}
            path = parts.get("path", {}).get("valueString")
            if parts.get("type", {}).get("valueCode") != "delete" or not isinstance(path, str):
                continue
            for extension in _listed(operation.get("extension")):
                target = extension.get("valueReference") or {}
                if extension.get("url") == PATCHED and isinstance(target.get("reference"), str):
                    yield target["reference"], path


def item(path: str) -> tuple[str, dict[str, Any]] | None:
    """The list and the item that a path such as `Appointment.participant.where(…)` takes out of it,
    as far as the condition describes it; None when it takes out a whole element.
    """
    element, found, condition = path.partition(".where(")
    if not found:
        return None
    coded, _, inner = condition.partition("coding.where(")
    if not coded and inner:
        return element, {"coding": [dict(_equals(inner))]}
    taken: dict[str, Any] = {}
    for name, value in _equals(condition):
        *parents, last = name.split(".")
        holder = taken
        for parent in parents:
            holder = holder.setdefault(parent, {})
        holder[last] = value
    return element, taken


def _equals(condition: str) -> list[tuple[str, str]]:
    return [(name, re.sub(r"\\(.)", r"\1", text)) for name, text in _EQUAL.findall(condition)]


def _listed(value: Any) -> list[dict[str, Any]]:
    return [found for found in value if isinstance(found, dict)] if isinstance(value, list) else []

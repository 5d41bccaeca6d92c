"""Reads and writes the cells of segment formats: parts, repetitions, slices, nulls (§3, §4.3).

Every function is total and linear in its input.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mappings.runtime import NEVER, State
from vagus.formats.hl7v2.escapes import unescape_counting
from vagus.formats.hl7v2.separators import Separators

NULL = '""'


def cut(value: str, component: str, repetition: str, sub: str) -> str:
    """The first sub-component of the first component of the first repetition of a field."""
    if repetition in value:
        value = value[: value.index(repetition)]
    if component in value:
        value = value[: value.index(component)]
    return value[: value.index(sub)] if sub in value else value


def cut_full(value: str, state: State, site: int) -> str:
    """As `cut`, with nulls noted and escapes resolved."""
    return leaf(cut(value, state.component, state.repetition, NEVER), state, site)


def leaf(value: str, state: State, site: int) -> str:
    """The text of a component: first sub-component, nulls noted, escapes resolved."""
    if state.sub in value:
        value = value[: value.index(state.sub)]
    if value == NULL:
        state.nulls.append(site)
        return ""
    if value.isspace():
        return ""
    separators = state.separators
    if isinstance(separators, Separators) and separators.escape in value:
        value, unknown = unescape_counting(value, separators, state.charset)
        if unknown:
            state.warn("bad-escape", site)
    return value


def subs(parts: list[str], sub: str) -> list[str]:
    """The first sub-component of each component."""
    return [part.split(sub, 1)[0] if sub in part else part for part in parts]


def part(value: str, separator: str, index: int) -> str:
    """One part of a text, counted from 0; '' beyond the last."""
    if not value:
        return ""
    parts = value.split(separator)
    return parts[index] if index < len(parts) else ""


def parts(values: Sequence[str], separator: str, index: int) -> list[str]:
    """One part of each text, counted from 0, where it holds something."""
    return [found for value in values if (found := part(value, separator, index))]


def items(value: str, repetition: str) -> Sequence[str]:
    """The repetitions of a field that hold something."""
    if repetition in value:
        return [item for item in value.split(repetition) if item]
    return (value,)


def halves(
    value: str, component: str, repetition: str, _sub: str, padding: tuple[str, ...]
) -> list[str]:
    """The components of a field's first repetition, and some empty ones."""
    if repetition in value:
        value = value[: value.index(repetition)]
    parts = value.split(component)
    parts += padding
    return parts


def split(
    value: str, component: str, repetition: str, sub: str, padding: tuple[str, ...]
) -> tuple[list[str], list[str]]:
    """As `halves`, and the same cut to their first sub-components."""
    if repetition in value:
        value = value[: value.index(repetition)]
    parts = value.split(component)
    parts += padding
    return parts, subs(parts, sub) if sub in value else parts


def halves_to(
    value: str, component: str, repetition: str, _sub: str, pads: Mapping[int, Sequence[str]]
) -> list[str]:
    """As `halves`, brought to a number of components; Unfit when there are more."""
    if repetition in value:
        value = value[: value.index(repetition)]
    parts = value.split(component)
    parts += pads[len(parts)]
    return parts


def split_to(
    value: str, component: str, repetition: str, sub: str, pads: Mapping[int, Sequence[str]]
) -> tuple[list[str], list[str]]:
    """As `split`, brought to a number of components; Unfit when there are more."""
    if repetition in value:
        value = value[: value.index(repetition)]
    parts = value.split(component)
    parts += pads[len(parts)]
    return parts, subs(parts, sub) if sub in value else parts


def reps(rows: Sequence[Sequence[str]], field: int, repetition: str) -> list[str]:
    """Every repetition of a field that holds something, over all rows."""
    found: list[str] = []
    for row in rows:
        value = row[field]
        if not value:
            continue
        if repetition in value:
            found += [item for item in value.split(repetition) if item]
        else:
            found.append(value)
    return found


def spot(
    name: str,
    rows: Sequence[Sequence[Any]],
    field: int,
    repetition: str,
    position: int,
    occurrence: int,
) -> str:
    """How the n-th item of `reps` is called: segment, occurrence, field, repetition."""
    for row in rows:
        for index, item in enumerate(row[field].split(repetition), 1):
            position -= bool(item)
            if position == 0:
                return f"{name}({row[occurrence]})-{field}({index})"
    return f"{name}-{field}"


def without_nulls(items: list[str], state: State, site: int) -> list[str]:
    """The items that are not an explicit null; nulls are noted."""
    if NULL not in items:
        return items
    state.nulls.append(site)
    return [item for item in items if item != NULL]


def chunks(row: Sequence[str], start: int, size: int, used: int) -> list[list[str]]:
    """Slices of a segment from an element on; those with nothing in them are left out."""
    fields = list(row[start:used])
    fields += [""] * (-len(fields) % size)
    found = [fields[at : at + size] for at in range(0, len(fields), size)]
    return [item for item in found if any(item)]


def place(row: list[Any], field: int, component: int, sub: int, value: Any) -> None:
    """Put a component or sub-component into the first repetition of an output field."""
    repetitions = row[field] if isinstance(row[field], list) else [row[field]]
    parts = repetitions[0] if isinstance(repetitions[0], list) else [repetitions[0]]
    parts += [""] * (component - len(parts))
    if sub:
        below = parts[component - 1]
        below = below if isinstance(below, list) else [below]
        below += [""] * (sub - len(below))
        below[sub - 1] = value
        value = below
    parts[component - 1] = value
    repetitions[0] = parts
    row[field] = repetitions


def in_order(parts: dict[int, Any]) -> list[Any]:
    """Numbered parts as a list, with nothing where a number is left out."""
    return [parts.get(number, "") for number in range(1, max(parts) + 1)] if parts else []

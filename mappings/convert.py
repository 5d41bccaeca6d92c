"""Turns texts of a message into dates, numbers, codes and systems; bad ones warn (§4, §5).

Every function is total: it gives a value or nothing, in time linear in its input.
"""

from __future__ import annotations

import decimal
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from mappings import coding, dates
from mappings.cells import NULL, leaf
from mappings.runtime import State
from mappings.tables import Table

EXACT = decimal.Context(prec=60)


def number(value: str, state: State, site: int) -> Decimal | None:
    """The exact number of a text."""
    text = value.strip()
    body = text[1:] if text[:1] in ("+", "-") else text
    whole, _, fraction = body.partition(".")
    digits = whole + fraction
    if digits.isascii() and digits.isdigit() and len(digits) <= 40:
        return Decimal(text)
    state.warn("bad-value", site)
    return None


def times(value: Decimal | int, factor: Decimal) -> Decimal:
    """The exact product."""
    return EXACT.multiply(Decimal(value), factor)


def whole(value: Decimal | int, least: int, state: State, site: int) -> int | None:
    """The number as an integer of 32 bits that is not below `least`."""
    if least <= value < 2**31 and value == int(value):
        return int(value)
    state.warn("bad-value", site)
    return None


def date(value: str, state: State, site: int) -> str:
    """The FHIR date of a text."""
    found = dates.date(value)
    if not found:
        state.warn("bad-value", site)
    return found


def datetime(value: str, state: State, site: int) -> str:
    """The FHIR dateTime of a text."""
    found = state.times.get(value)
    if found is None:
        found = state.times[value] = dates.datetime(value, state.offset_at)
    if not found:
        state.warn("bad-value", site)
    return found


def instant(value: str, state: State, site: int) -> str:
    """The FHIR instant of a text; a text that is less precise gives nothing, and no warning."""
    found = state.instants.get(value)
    if found is None:
        found = state.instants[value] = dates.instant(value, state.offset_at)
    if not found and not dates.date(value[:8]):
        state.warn("bad-value", site)
    return found


def plus(value: str, state: State, site: int, amount: str, unit: str = "") -> str:
    """A FHIR dateTime some minutes later, or as many of the unit named; '' when it cannot be."""
    found = dates.plus(value, amount, unit)
    if not found and amount:
        state.warn("bad-value", site)
    return found


def truth(value: str, state: State, site: int) -> bool | None:
    """The boolean of a text."""
    if value == "true":
        return True
    if value == "false":
        return False
    state.warn("bad-value", site)
    return None


def missing_code(value: str, table: Table, state: State, site: int) -> str:
    """What a code that a table lacks becomes where a code is wanted."""
    if table.unmapped == "error":
        raise state.fail("unmapped-code", site, f"table {table.name}")
    state.warn("unmapped-code", site)
    return value if table.unmapped == "pass" else ""


def missing_coding(value: str, table: Table, state: State, site: int) -> dict[str, str] | None:
    """What a code that a table lacks becomes where a Coding is wanted."""
    return table.passed(value) if missing_code(value, table, state, site) else None


def code_back(value: str, table: Table, state: State, site: int) -> str:
    """The code that a table turns into a target code."""
    return table.key(value) or missing_code(value, table, state, site)


def coding_back(value: dict[str, Any], table: Table, state: State, site: int) -> str:
    """The code that a table turns into a Coding, or into one Coding of a CodeableConcept."""
    listed = value.get("coding") or [value]
    codings = [item for item in listed if isinstance(item, dict) and item.get("code")]
    for item in codings:
        if found := table.key_of(str(item.get("system", "")), str(item["code"])):
            return found
    if codings:
        if table.unmapped == "error":
            raise state.fail("unmapped-code", site, f"table {table.name}")
        state.warn("unmapped-code", site)
    return ""


def code_system(value: str, state: State, site: int) -> str:
    """The URI of a code system's short name."""
    uri, known = coding.code_system(value, state.context.source)
    if not known:
        state.warn("unknown-system", site)
    return uri


def system(value: str, separator: str, first: int, state: State, site: int) -> str:
    """The URI of an assigning authority whose namespace is part `first` of a raw text."""
    uris = state.context.uris
    key = f"{first}{separator}{value}"
    found = uris.get(key)
    if found is None:
        found = _system(value, separator, first, state, site)
        if len(uris) < 10_000:
            uris[key] = found
    if not found[1] and found[0]:
        state.warn("unknown-system", site)
    return found[0]


def _system(value: str, separator: str, first: int, state: State, site: int) -> tuple[str, bool]:
    parts = value.split(separator)[first : first + 3]
    texts = ["" if item in ("", NULL) else leaf(item, state, site) for item in parts]
    texts += [""] * (3 - len(texts))
    if not texts[0] and not texts[1]:
        return "", True
    return state.context.systems.uri(*texts)


def besides(items: Sequence[str], others: Sequence[str], state: State) -> list[str]:
    """The CX identifiers that are not among others: another number, or another authority's.

    An identifier without authority is like any of the same number.
    """
    known: dict[str, list[set[str]]] = {}
    for number, authority in (_identifier(item, state) for item in others):
        known.setdefault(number, []).append(authority)
    found = []
    for item in items:
        number, authority = _identifier(item, state)
        whose = known.get(number, ())
        if all(authority and one and not authority & one for one in whose):
            found.append(item)
    return found


def _identifier(item: str, state: State) -> tuple[str, set[str]]:
    """The number of a CX, and its authority by namespace and as a URI."""
    number, _, _, authority, *_ = item.split(state.component, 4) + [""] * 3
    uri, _ = _system(authority, state.sub, 0, state, -1)
    return number, {authority.split(state.sub, 1)[0], uri} - {""}


def tidy(value: str) -> str:
    """A code as FHIR takes it: no blanks at the ends, single ones inside."""
    return " ".join(value.split())


def solid(value: str, state: State, site: int) -> str:
    """A URI or id: one that holds blanks gives nothing."""
    found = value.strip()
    if found and len(found.split()) == 1:
        return found
    state.warn("bad-value", site)
    return ""


def digits(value: str) -> str:
    """The decimal digits of a text."""
    return "".join([char for char in value if char in "0123456789"])


def reference(value: Any) -> str:
    """The text of a FHIR reference; '' when it has none."""
    text = value.get("reference") if isinstance(value, dict) else value
    return text if isinstance(text, str) else ""


def total(values: Sequence[Decimal | int]) -> Decimal | int | None:
    """The exact sum; nothing of nothing."""
    if not values:
        return None
    found = Decimal(values[0])
    for value in values[1:]:
        found = EXACT.add(found, value)
    return found

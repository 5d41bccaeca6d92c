"""Amounts of X12 (data element 782), exactly, in cents."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

Cents = int | Decimal


def cents(text: str) -> Cents | None:
    """An amount in cents, with every digit kept; None for what is no amount."""
    if text.isdecimal():
        return int(text) * 100
    whole, dot, part = text.partition(".")
    if dot and len(part) == 2 and part.isdecimal() and whole.isdecimal():
        return int(whole + part)
    try:
        value = Decimal(text) * 100
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def adjusted(cas: Sequence[str]) -> Cents | None:
    """The sum of the adjustments of a CAS, of which there are up to six; None when one is none."""
    total: Cents = 0
    for number in range(3, len(cas), 3):
        if cas[number]:
            amount = cents(cas[number])
            if amount is None:
                return None
            total += amount
    return total

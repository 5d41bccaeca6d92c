"""Amounts of X12 (data element 782), exactly, in cents."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

Cents = int | Decimal
#: Longer than any amount; sums of amounts so long are still exact.
_LONGEST = 20
_AMOUNT = re.compile(r"-?(?:\d+\.?\d*|\.\d+)", re.ASCII)


def cents(text: str) -> Cents | None:
    """An amount in cents, with every digit kept; None for what is no amount."""
    if len(text) > _LONGEST:
        return None
    if text.isdecimal():
        return int(text) * 100
    whole, dot, part = text.partition(".")
    if dot and len(part) == 2 and part.isdecimal() and whole.isdecimal():
        return int(whole + part)
    return Decimal(text) * 100 if _AMOUNT.fullmatch(text) else None


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

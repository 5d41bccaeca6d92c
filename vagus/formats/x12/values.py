"""What a single value of each X12 type may look like (X12.6 §3.3, X12.3)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

_NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)", re.ASCII)
_WHOLE = re.compile(r"-?\d+", re.ASCII)
_TIME = re.compile(r"(?:[01]\d|2[0-3])[0-5]\d(?:[0-5]\d(?:\d{1,2})?)?", re.ASCII)
_DIGITS = re.compile(r"\d+", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

DATE, TIME = "bad-date", "bad-time"


def fault(kind: str, value: str) -> str:
    """The kind of finding a value of a type deserves, '' when it is sound; lengths apart."""
    if _CONTROL.search(value):
        return "bad-character"
    match kind:
        case "R":
            return "" if _NUMBER.fullmatch(value) else "bad-character"
        case "N0":
            return "" if _WHOLE.fullmatch(value) else "bad-character"
        case "DT":
            return "" if is_date(value) else DATE
        case "TM":
            return "" if _TIME.fullmatch(value) else TIME
    return "trailing-blank" if value.endswith(" ") else ""


def length(kind: str, value: str) -> int:
    """How long a value counts as: of a number its digits only."""
    if kind in ("R", "N0"):
        return len(value.replace("-", "").replace(".", ""))
    return len(value)


def is_date(value: str) -> bool:
    """Whether a text is a day as YYYYMMDD, or as YYMMDD where the century is left out."""
    if not _DIGITS.fullmatch(value) or len(value) not in (6, 8):
        return False
    text = value if len(value) == 8 else "20" + value
    try:
        date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return False
    return 1800 <= int(text[:4]) <= 2199


def period_fault(form: str, value: str) -> str:
    """The fault of a date or period (element 1251) in the form that element 1250 names."""
    match form:
        case "D8":
            return "" if len(value) == 8 and is_date(value) else DATE
        case "RD8":
            first, dash, last = value.partition("-")
            sound = len(first) == len(last) == 8 and is_date(first) and is_date(last)
            return "" if dash and sound else DATE
        case "D6":
            return "" if len(value) == 6 and is_date(value) else DATE
        case "TM":
            return "" if _TIME.fullmatch(value) else TIME
        case "DT":
            return _instant(value)
        case "RDT" | "DTS":
            first, dash, last = value.partition("-")
            return (_instant(first) or _instant(last)) if dash else DATE
    return ""


def _instant(value: str) -> str:
    if not is_date(value[:8]) or len(value) < 12:
        return DATE
    return "" if _TIME.fullmatch(value[8:]) else TIME


def whole(text: str) -> int:
    """A count or number of at most twelve digits; -1 for anything else."""
    return int(text) if text.isdecimal() and len(text) <= 12 else -1


def at(parts: Sequence[str], number: int) -> str:
    """The element of a number in a segment that has been split, '' beyond its end."""
    return parts[number] if number < len(parts) else ""

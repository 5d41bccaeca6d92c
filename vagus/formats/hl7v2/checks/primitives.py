"""The shapes of the data types that have one: NM, SI, DT, TM and DTM (chapter 2A)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

Check = Callable[[str], str]
"""The code of what is wrong with a value, or ''."""

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)", re.ASCII)
_SEQUENCE = re.compile(r"\d+", re.ASCII)
_CLOCK = r"(?:[01]\d|2[0-3])(?:[0-5]\d(?:[0-5]\d(?:\.\d{1,4})?)?)?"
_ZONE = r"(?:[+-](?:0\d|1[0-4])[0-5]\d)?"
_DATE = re.compile(r"(\d{4})(?:(\d\d)(\d\d)?)?", re.ASCII)
_TIME = re.compile(_CLOCK + _ZONE, re.ASCII)
_STAMP = re.compile(rf"(\d{{4}})(?:(\d\d)(?:(\d\d)(?:{_CLOCK})?)?)?{_ZONE}", re.ASCII)


def _number(value: str) -> str:
    if not _NUMBER.fullmatch(value):
        return "bad-number"
    return "too-long" if len(value) > 16 else ""


def _sequence(value: str) -> str:
    if not _SEQUENCE.fullmatch(value):
        return "bad-sequence"
    return "too-long" if len(value) > 4 else ""


def _date(value: str) -> str:
    return "" if _in_calendar(_DATE.fullmatch(value)) else "bad-date"


def _time(value: str) -> str:
    return "" if _TIME.fullmatch(value) else "bad-time"


def _timestamp(value: str) -> str:
    return "" if _in_calendar(_STAMP.fullmatch(value)) else "bad-timestamp"


def _in_calendar(match: re.Match[str] | None) -> bool:
    if match is None:
        return False
    year, month, day = (int(part or 1) for part in match.groups())
    if month == 2 and day == 29:
        return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    try:
        date(year or 1, month, day)
    except ValueError:
        return False
    return True


CHECKS: dict[str, Check] = {
    "NM": _number,
    "SI": _sequence,
    "DT": _date,
    "TM": _time,
    "DTM": _timestamp,
}

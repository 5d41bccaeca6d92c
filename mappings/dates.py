"""Dates and times of HL7 v2, X12 and FHIR texts, at the precision they were written with (§4.4).

A check is a set membership of the month and day, or of the hour and minute: several times
cheaper than calendar arithmetic, and it cannot raise.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime as Moment
from datetime import timedelta
from functools import lru_cache
from itertools import takewhile
from zoneinfo import ZoneInfo

_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
YEARS = frozenset(f"{year:04d}" for year in range(1, 10_000))
LEAP = frozenset(
    f"{year:04d}"
    for year in range(1, 10_000)
    if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
)
MONTHS = frozenset(f"{month:02d}" for month in range(1, 13))
MMDD = frozenset(
    f"{month:02d}{day:02d}" for month in range(1, 13) for day in range(1, _DAYS[month - 1] + 1)
)
HHMM = frozenset(f"{hour:02d}{minute:02d}" for hour in range(24) for minute in range(60))
HOURS = frozenset(f"{hour:02d}" for hour in range(24))
SECONDS = frozenset(f"{second:02d}" for second in range(60))
OFFSETS = frozenset(
    f"{sign}{hour:02d}{minute:02d}" for sign in "+-" for hour in range(15) for minute in range(60)
)

_UNITS = {
    word: seconds
    for words, seconds in (
        (("", "MIN", "M", "MINUTE", "MINUTES"), 60),
        (("S", "SEC", "SECOND", "SECONDS"), 1),
        (("H", "HR", "HOUR", "HOURS"), 3600),
        (("D", "DAY", "DAYS"), 86_400),
    )
    for word in words
}

OffsetAt = Callable[[str], str]


@lru_cache(maxsize=4096)
def date(text: str) -> str:
    """The FHIR date of a text, at most to the day; '' when it is none."""
    year = text[:4]
    if year not in YEARS:
        return ""
    size = len(text)
    if size == 8 or (size > 8 and text[4] != "-"):
        day = text[4:8]
        if day not in MMDD or (day == "0229" and year not in LEAP):
            return ""
        if size > 8 and not _time(text[8:]):
            return ""
        return f"{year}-{day[:2]}-{day[2:]}"
    if size == 4:
        return year
    if size == 6 and text[4:] in MONTHS:
        return f"{year}-{text[4:]}"
    return _dashed(text) if size >= 7 and text[4] == "-" else ""


def datetime(text: str, offset_at: OffsetAt) -> str:
    """The FHIR dateTime of a text; a time without offset gets the one `offset_at` names.

    `offset_at` takes the local time as `YYYYMMDDHHMM` and gives `+hh:mm`. An hour without
    minutes cannot be said in FHIR, so only its day is kept.
    """
    size = len(text)
    if size <= 8 or text[4] == "-":
        return date(text) if size <= 10 else _stamp(text, offset_at)
    day = date(text[:8])
    clock = _time(text[8:])
    if not day or not clock:
        return ""
    time, offset = clock
    if len(time) == 2:
        return day
    minute = f"{time[:2]}:{time[2:4]}"
    if not offset:
        offset = offset_at(text[:12])
    return f"{day}T{minute}:{time[4:] or '00'}{offset}"


def instant(text: str, offset_at: OffsetAt) -> str:
    """The FHIR instant of a text that is precise to the minute at least; '' otherwise."""
    if len(text) > 10 and text[4] == "-":
        return as_instant(datetime(text, offset_at))
    clock = _time(text[8:]) if len(text) >= 12 else None
    if clock is None or len(clock[0]) < 4:
        return ""
    return datetime(text, offset_at)


def as_instant(text: str) -> str:
    """The text when it is a dateTime with seconds and an offset; '' otherwise."""
    return text if len(text) >= 20 and text[10] == "T" else ""


def offset_of(text: str) -> str:
    """The offset a text ends in as `+hh:mm`; '' when it has none."""
    tail = text[-5:]
    return f"{tail[:3]}:{tail[3:]}" if len(text) > 8 and tail in OFFSETS else ""


@lru_cache(maxsize=4096)
def zone_offset(zone: ZoneInfo, local: str) -> str:
    """The offset of a zone at a local time `YYYYMMDDHHMM`; the earlier one when it is ambiguous."""
    try:
        moment = Moment.strptime(local, "%Y%m%d%H%M").replace(tzinfo=zone)
    except ValueError:
        return "+00:00"
    offset = moment.utcoffset() or timedelta()
    minutes = round(offset.total_seconds() / 60)
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def plus(text: str, amount: str, unit: str) -> str:
    """A dateTime with a time, later by an amount of minutes, or of the unit named."""
    seconds = _UNITS.get(unit.strip().upper())
    digits = amount.strip().removeprefix("+")
    if seconds is None or not (digits.isascii() and digits.isdigit()) or len(digits) > 7:
        return ""
    if len(text) < 20 or text[10] != "T":
        return ""
    try:
        moment = Moment.fromisoformat(text[:19]) + timedelta(seconds=seconds * int(digits))
    except (ValueError, OverflowError):
        return ""
    return moment.isoformat() + text[19:]


def minutes(start: str | None, end: str | None) -> int | None:
    """The whole minutes between two dateTimes; None when either has no time or they are odd."""
    if not start or not end or len(start) < 20 or len(end) < 20:
        return None
    try:
        between = Moment.fromisoformat(end) - Moment.fromisoformat(start)
    except (ValueError, TypeError):
        return None
    found, rest = divmod(between, timedelta(minutes=1))
    return None if rest or found < 0 else found


def form(text: str, wanted: str) -> str:
    """A FHIR date or time written for another format; '' when it lacks what is asked for."""
    day = text[:10].replace("-", "")
    clock = text[11:19].replace(":", "") if len(text) > 10 else ""
    match wanted:
        case "hl7-date":
            return day
        case "hl7-datetime":
            offset = "" if not clock else _hl7_offset(text)
            return day + clock + _fraction(text) + offset
        case "x12-date":
            return day if len(day) == 8 else ""
        case _:
            return clock[:4] if len(clock) >= 4 else ""


def _fraction(text: str) -> str:
    """The fraction of a second, at most four digits as HL7 has it, with its point."""
    digits = "".join(takewhile(str.isdigit, text[20:24])) if text[19:20] == "." else ""
    return f".{digits}" if digits else ""


def _hl7_offset(text: str) -> str:
    if text.endswith("Z"):
        return "+0000"
    tail = text[-6:]
    return tail.replace(":", "") if tail[:1] in "+-" and tail[3:4] == ":" else ""


def _time(text: str) -> tuple[str, str] | None:
    """`HH`, `HHMM`, `HHMMSS` or `HHMMSS.S…` with its offset as `+hh:mm` or ''; None = no time."""
    offset = ""
    if text[-5:-4] in ("+", "-"):
        if text[-5:] not in OFFSETS:
            return None
        offset = f"{text[-5:-2]}:{text[-2:]}"
        text = text[:-5]
    size = len(text)
    if size == 2:
        return (text, offset) if text in HOURS else None
    if text[:4] not in HHMM or (size not in (4, 6) and not 8 <= size <= 15):
        return None
    if size >= 6 and text[4:6] not in SECONDS:
        return None
    if size > 6 and not (text[6] == "." and text[7:].isascii() and text[7:].isdigit()):
        return None
    return text, offset


def _dashed(text: str) -> str:
    year, month, day = text[:4], text[5:7], text[8:10]
    if len(text) == 7:
        return text if month in MONTHS else ""
    if text[7] != "-" or month + day not in MMDD or (month + day == "0229" and year not in LEAP):
        return ""
    if len(text) > 10 and text[10] != "T":
        return ""
    return text[:10]


def _stamp(text: str, offset_at: OffsetAt) -> str:
    """A FHIR dateTime with a time, checked; an offset is added where it lacks one."""
    day = _dashed(text)
    if not day or text[4] != "-" or text[13:14] != ":" or text[:4] not in YEARS:
        return ""
    rest = text[11:]
    offset = ""
    if rest.endswith("Z"):
        rest, offset = rest[:-1], "Z"
    elif rest[-6:-5] in ("+", "-") and rest[-3:-2] == ":":
        rest, offset = rest[:-6], rest[-6:]
        if offset.replace(":", "") not in OFFSETS:
            return ""
    clock = rest[:2] + rest[3:5]
    seconds = rest[5:]
    if clock not in HHMM or (seconds and (seconds[0] != ":" or not _time(clock + seconds[1:]))):
        return ""
    if not offset:
        offset = offset_at(day.replace("-", "") + clock)
    return f"{day}T{rest[:5]}{seconds or ':00'}{offset}"

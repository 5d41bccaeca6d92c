"""Which day a message belongs to: the UTC day in its id, for all its rows and for ever."""

from __future__ import annotations

from datetime import date, timedelta

from vagus.kernel.ids import EPOCH_MS

DAY_MS = 86_400_000
_FIRST = date(2020, 1, 1)


def day_of(message_id: int) -> int:
    """The day of a message, counted from 2020-01-01."""
    return (message_id >> 21) // DAY_MS


def day_at(unix_ms: int) -> int:
    """The day of a time, counted from 2020-01-01."""
    return max(0, unix_ms - EPOCH_MS) // DAY_MS


def day_name(day: int) -> str:
    """The day as `2026-11-22`, which is also the stem of its file."""
    return (_FIRST + timedelta(days=day)).isoformat()


def day_number(name: str) -> int:
    """The day behind its name; ValueError when it is not one."""
    return (date.fromisoformat(name) - _FIRST).days


def first_id(day: int) -> int:
    """The smallest id a message of that day can have."""
    return day * DAY_MS << 21

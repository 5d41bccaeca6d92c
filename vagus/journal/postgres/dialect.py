"""The journal's statements as PostgreSQL has them: each is written once, for SQLite.

Every day of every engine has tables of its own, and every engine tables for its state; what a
statement calls `message` is then, say, `message_20261122_n1`.
"""

from __future__ import annotations

import re
from functools import lru_cache

_DAY = ("message", "body", "delivery", "event", "seal", "ledger")
_STATE = ("meta", "partition", "past", "audit", "request")
_HINTS = re.compile(r" (?:INDEXED BY \w+|NOT INDEXED)\b")
_TABLE = re.compile(
    rf"\b(FROM|JOIN|INTO|UPDATE) ({'|'.join((*_DAY, *_STATE))})\b( AS \w+)?(?! *\.)"
)
_CREATED = re.compile(rf"\b(TABLE|EXISTS|ON) ({'|'.join((*_DAY, *_STATE))})\(")
_COUNTED = "GENERATED ALWAYS AS IDENTITY"
_INDEX = re.compile(r"\bINDEX (IF NOT EXISTS )?(\w+) ON")


@lru_cache(maxsize=4096)
def rendered(sql: str, suffix: str) -> str:
    """A statement, over the tables of that suffix."""
    sql = _HINTS.sub("", sql).replace("CROSS JOIN", "JOIN").replace("?", "%s")
    return _TABLE.sub(lambda found: _named(found, suffix), sql)


def _named(found: re.Match[str], suffix: str) -> str:
    word, table, alias = found.groups()
    return f"{word} {table}_{suffix}{alias or f' AS {table}'}"


def created(script: str, suffix: str) -> str:
    """A script that makes tables, for the tables of that suffix; it ends before any PRAGMA."""
    sql = re.sub(r"--.*", "", script).split("PRAGMA")[0]
    sql = re.sub(r"\s+WITHOUT ROWID", "", sql)
    sql = sql.replace("INTEGER PRIMARY KEY AUTOINCREMENT", f"bigint {_COUNTED} PRIMARY KEY")
    sql = re.sub(r"\bINTEGER\b", "bigint", sql)
    sql = re.sub(r"\bBLOB\b", "bytea", sql)
    sql = _INDEX.sub(lambda found: f"INDEX {found[1] or ''}{found[2]}_{suffix} ON", sql)
    return _CREATED.sub(lambda found: f"{found[1]} {found[2]}_{suffix}(", sql)


def day_suffix(day: str, node: int) -> str:
    """What the tables of a day end in."""
    return f"{day.replace('-', '')}_n{node}"


def day_tables(day: str, node: int) -> list[str]:
    """The tables of a day."""
    return [f"{table}_{day_suffix(day, node)}" for table in _DAY]


def state_suffix(node: int) -> str:
    """What the tables of an engine's state end in."""
    return f"n{node}"

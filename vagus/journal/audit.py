"""The audit: what people did (viewed, exported, replayed, changed), one chained row each.

The digest of a row is keyed and covers the row before it, and the newest is remembered apart, so
that a row altered, moved or taken away shows.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Any

from vagus.journal.seam import Connection
from vagus.journal.share import clean
from vagus.journal.state import REMEMBER, State
from vagus.kernel.clock import Clock
from vagus.kernel.keys import Keyset

_HEAD = "audit"
_COLUMNS = "n, at, actor, action, subject, detail, previous, digest"


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One thing somebody did; `at` is in unix ms."""

    n: int
    at: int
    actor: str
    action: str
    subject: str
    detail: str


class Audit:
    """Appends to and checks the chain of one journal, from any process."""

    def __init__(self, state: State, keyset: Keyset, clock: Clock) -> None:
        self._state = state
        self._key = keyset.derive("journal audit")
        self._clock = clock

    def append(self, actor: str, action: str, subject: str = "", detail: str = "") -> int:
        """Record that somebody did something; durable when it returns its number."""
        texts = [clean(text) for text in (actor, action, subject, detail)]
        at = int(self._clock.now() * 1000)
        with self._state.writing() as con:
            n, previous = _head(con)
            digest = self._digest(previous, n + 1, at, texts)
            con.execute(
                f"INSERT INTO audit({_COLUMNS}) VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
                (n + 1, at, *texts, previous, digest),
            )
            con.execute(REMEMBER, (_HEAD, (n + 1).to_bytes(8, "big") + digest))
        return n + 1

    def rows(self, limit: int = 100, before: int | None = None) -> list[AuditRow]:
        """What was done, newest first, below number `before`."""
        with self._state.reading() as con:
            found = con.execute(
                "SELECT n, at, actor, action, subject, detail FROM audit"
                " WHERE n < coalesce(?, 9223372036854775807) ORDER BY n DESC LIMIT ?",
                (before, limit),
            ).fetchall()
        return [AuditRow(*row) for row in found]

    def verify(self) -> list[str]:
        """Every break of the chain, as a sentence; nothing when it is whole."""
        found: list[str] = []
        before, expected = b"", 1
        with self._state.reading() as con:
            rows = con.execute(f"SELECT {_COLUMNS} FROM audit ORDER BY n").fetchall()  # noqa: S608
            head = con.execute("SELECT value FROM meta WHERE key = ?", (_HEAD,)).fetchone()
        for n, at, *texts, previous, digest in rows:
            if n != expected:
                found.append(f"audit rows {expected} to {n - 1} are missing")
            if previous != before or digest != self._safe_digest(before, n, at, texts):
                found.append(f"audit row {n} is not as it was written")
            before, expected = digest, n + 1
        if (head[0] if head else None) != (_packed(expected - 1, before) if rows else None):
            found.append(f"audit row {expected - 1} is not the newest that was written")
        return found

    def _digest(self, previous: bytes, n: int, at: int, texts: list[str]) -> bytes:
        raw = [text.encode("utf-8", "surrogateescape") for text in texts]
        fields = b"".join(len(item).to_bytes(4, "big") + item for item in raw)
        numbers = n.to_bytes(8, "big") + at.to_bytes(8, "big", signed=True)
        return hmac.digest(self._key, previous + numbers + fields, "sha256")

    def _safe_digest(self, previous: Any, n: int, at: Any, texts: list[Any]) -> bytes | None:
        try:
            return self._digest(previous, n, at, texts)
        except (AttributeError, TypeError, OverflowError):
            return None


def _head(con: Connection) -> tuple[int, bytes]:
    row = con.execute("SELECT n, digest FROM audit ORDER BY n DESC LIMIT 1").fetchone()
    return (row[0], row[1]) if row else (0, b"")


def _packed(n: int, digest: Any) -> bytes | None:
    return n.to_bytes(8, "big") + digest if isinstance(digest, bytes) else None

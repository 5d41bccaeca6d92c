"""Requests: how another process asks the engine to act, now or when it next runs."""

from __future__ import annotations

from dataclasses import dataclass

from vagus.journal.state import State
from vagus.kernel.clock import Clock


@dataclass(frozen=True, slots=True)
class Request:
    """Something asked for; `detail` is JSON, `at` is in unix ms."""

    id: int
    at: int
    actor: str
    kind: str
    detail: str


class Requests:
    """The list of requests of a journal, from any process."""

    def __init__(self, state: State, clock: Clock) -> None:
        self._state = state
        self._clock = clock
        self._seen: int | None = None
        self._added = False

    def add(self, kind: str, detail: str, actor: str) -> int:
        """Ask; durable when it returns the request's id."""
        with self._state.writing() as con:
            row = con.execute(
                "INSERT INTO request(at, actor, kind, detail) VALUES(?, ?, ?, ?) RETURNING id",
                (self._now(), actor, kind, detail),
            ).fetchone()
        self._added = True
        return int(row[0])

    def changed(self) -> bool:
        """Whether anything may have been asked since the last call; costs microseconds."""
        version = self._state.version()
        changed = self._added or version != self._seen
        self._seen, self._added = version, False
        return changed

    def pending(self, limit: int = 100) -> list[Request]:
        """What is not finished, oldest first."""
        with self._state.reading() as con:
            rows = con.execute(
                "SELECT id, at, actor, kind, detail FROM request INDEXED BY r_open"
                " WHERE finished IS NULL ORDER BY id LIMIT ?",
                (limit,),
            ).fetchall()
        return [Request(*row) for row in rows]

    def finish(self, request: int, result: str) -> None:
        """Answer a request with JSON; the first answer stands."""
        with self._state.writing() as con:
            con.execute(
                "UPDATE request SET finished = ?, result = ? WHERE id = ? AND finished IS NULL",
                (self._now(), result, request),
            )

    def result(self, request: int) -> str | None:
        """The answer to a request, or None while there is none."""
        with self._state.reading() as con:
            row = con.execute("SELECT result FROM request WHERE id = ?", (request,)).fetchone()
        return None if row is None else row[0]

    def forget(self, before_ms: int) -> int:
        """Remove what was finished before a time; how many there were."""
        with self._state.writing() as con:
            return con.execute("DELETE FROM request WHERE finished < ?", (before_ms,)).rowcount

    def _now(self) -> int:
        return int(self._clock.now() * 1000)

"""The state of one engine in tables of its own; names and control numbers belong to all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

from vagus.journal.postgres.dialect import created, state_suffix
from vagus.journal.postgres.lease import Lease
from vagus.journal.postgres.session import Session, Tables, Use
from vagus.journal.postgres.settings import Postgres
from vagus.journal.seam import Connection
from vagus.journal.state import State
from vagus.journal.statements import script

_ONE_WRITER = "SELECT pg_advisory_xact_lock(hashtext('vagus ' || current_schema()))"


def _use(node: int, lease: Lease | None) -> Use:
    """An engine's event loop does not wait; a verb of the command line may."""
    return Use(f"state of node {node}", lease, patience=0.0 if lease else 5.0)


class TableState(State):
    """What one engine keeps beside its days; another process may use it beside the engine."""

    def __init__(self, settings: Postgres, node: int, lease: Lease | None = None) -> None:
        """Raises StoreFault. With a lease nothing is written without it."""
        self._lock = RLock()
        self._session = Session(settings, _use(node, lease))
        self._suffix = state_suffix(node)
        self._tables = Tables(self._session, self._suffix)
        if lease is not None:
            with self.writing():
                self._session.script(created(script("state.sql"), self._suffix))

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that shuts out every other engine's; durable when it is left."""
        with self._lock:
            self._session.begin()
            try:
                self._session.run(_ONE_WRITER)
                yield self._tables
                self._session.commit()
            except BaseException:
                self._session.roll_back()
                raise

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """The connection, for a query."""
        with self._lock:
            yield self._tables

    def version(self) -> int:
        """The number of the newest request."""
        with self._lock:
            row = self._tables.execute("SELECT coalesce(max(id), 0) FROM request").fetchone()
        return int(row[0])

    def keys_changed(self) -> None:
        """Have the old rows overwritten; the server's own log and its backups are its own."""
        with self._lock:
            self._session.run(f"VACUUM partition_{self._suffix}")

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

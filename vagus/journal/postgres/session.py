"""One connection to PostgreSQL, which comes back by itself, and its transactions.

A COMMIT whose answer is lost is neither repeated nor given up: the server is asked what became of
it. Errors leave here as a `StoreFault` without the server's own text, which may quote rows.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.types.numeric import Int8Dumper

from vagus.journal.postgres.dialect import rendered
from vagus.journal.postgres.settings import Postgres
from vagus.journal.seam import Cursor, StoreFault, Trouble
from vagus.kernel.log import get_logger

log = get_logger(__name__)
CONNECT_SECONDS = 4
#: How long the server is asked what became of a COMMIT before the engine stops.
DOUBT_SECONDS = 60.0
_PAUSE = 0.2
_OLDEST = 130000
#: Classes of codes behind which the same statement can succeed later.
_PASSING = ("08", "25", "40", "53", "55", "57")
#: New tables have no statistics: without this the planner reads them from end to end; and what it
#: then thinks costly must not be compiled anew for every batch.
_PLANNER = "-c jit=off -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off"


class Fence(Protocol):
    """What a writer must hold: looked at, and held still, at the start of every transaction."""

    @property
    def statement(self) -> str:
        """A SELECT for the number of the transaction and whatever `judge` looks at."""
        ...

    def judge(self, row: Any) -> None:
        """Raise StoreFault when it is not held any more."""
        ...


@dataclass(frozen=True, slots=True)
class Use:
    """What a connection is for."""

    name: str
    fence: Fence | None = None
    #: Seconds to wait for a server that is away before a query fails.
    patience: float = 0.0
    planner: str = _PLANNER


class Session:
    """A connection for one use; safe from any thread, for one at a time."""

    def __init__(self, settings: Postgres, use: Use) -> None:
        self._settings = settings
        self._use = use
        self._lock = threading.RLock()
        self._con: psycopg.Connection[Any] | None = None
        self._transaction: str | None = None
        self._begun = False

    def connection(self) -> psycopg.Connection[Any]:
        """The connection, made anew when it was lost; raises StoreFault."""
        if self._con is None or self._con.closed:
            if self._begun:
                raise StoreFault("PostgreSQL was lost", Trouble.PASSING)
            try:
                self._con = _connect(self._settings, self._use)
            except psycopg.Error as error:
                raise fault(error) from None
        return self._con

    def run(self, sql: str, values: Sequence[Any] = ()) -> Cursor:
        """Run one statement; outside a transaction it is tried again while patience lasts."""
        deadline = time.monotonic() + self._use.patience
        with self._lock:
            while True:
                begun = self._begun
                try:
                    return self._run(sql, values)
                except StoreFault as error:
                    passing = error.trouble is Trouble.PASSING and not begun
                    if not passing or time.monotonic() >= deadline:
                        raise
                    time.sleep(_PAUSE)

    def _run(self, sql: str, values: Sequence[Any]) -> Cursor:
        con = self.connection()
        try:
            return con.cursor(binary=True).execute(sql, values or None)
        except psycopg.Error as error:
            raise fault(error) from None

    def script(self, sql: str) -> None:
        """Run several statements, without values; raises StoreFault."""
        with self._lock:
            con = self.connection()
            try:
                con.execute(sql, prepare=False)
            except psycopg.Error as error:
                raise fault(error) from None

    def pages(self, name: str, sql: str, size: int) -> Iterator[Any]:
        """The rows of a query, so many at a time; within a transaction that `run` has begun."""
        con = self.connection()
        try:
            with con.cursor(name=name, binary=True) as cursor:
                cursor.itersize = size
                yield from cursor.execute(sql)
        except psycopg.Error as error:
            raise fault(error) from None

    def begin(self) -> None:
        """Begin a transaction, unless one is under way; raises StoreFault without the fence."""
        with self._lock:
            if self._begun:
                return
            fence = self._use.fence
            first = fence.statement if fence else "SELECT pg_current_xact_id()::text"
            con = self.connection()
            self._begun = True
            try:
                cursor = con.execute(f"BEGIN; {first}", prepare=False)
                cursor.nextset()
                row = cursor.fetchone()
                if fence is not None:
                    fence.judge(row)
            except psycopg.Error as error:
                self.roll_back()
                raise fault(error) from None
            except StoreFault:
                self.roll_back()
                raise
            self._transaction = row[0] if row else None

    def commit(self) -> None:
        """Make it durable, if there is one; raises StoreFault when it is not."""
        with self._lock:
            if not self._begun:
                return
            con, number = self._con, self._transaction
            assert con is not None
            try:
                con.execute("COMMIT", prepare=False)
            except psycopg.Error as error:
                self._begun = False
                if not con.closed or number is None:
                    raise fault(error) from None
                self._find_out(number)
            self._begun = False

    def _find_out(self, number: str) -> None:
        """Return when the transaction was committed; raises StoreFault when not, or in doubt."""
        deadline = time.monotonic() + DOUBT_SECONDS
        log.warning("commit_in_doubt", name=self._use.name)
        while time.monotonic() < deadline:
            try:
                row = self._run("SELECT pg_xact_status(%s::xid8)", (number,)).fetchone()
            except StoreFault:
                row = ("in progress",)
            if row[0] == "committed":
                return
            if row[0] == "aborted":
                raise StoreFault("PostgreSQL did not commit", Trouble.PASSING)
            time.sleep(_PAUSE)
        raise StoreFault("nobody knows what became of a commit", Trouble.BROKEN)

    def roll_back(self) -> None:
        """Undo the transaction, if there is one; a lost connection has undone it already."""
        with self._lock:
            if not self._begun:
                return
            self._begun = False
            if self._con is not None and not self._con.closed:
                try:
                    self._con.execute("ROLLBACK", prepare=False)
                except psycopg.Error:
                    self._con.close()

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            con, self._con = self._con, None
            self._begun = False
            if con is not None:
                con.close()


class Tables:
    """Runs statements written for SQLite over the tables of one day, or of one engine's state."""

    __slots__ = ("_session", "_suffix")

    def __init__(self, session: Session, suffix: str) -> None:
        self._session = session
        self._suffix = suffix

    def execute(self, sql: str, values: Sequence[Any] = (), /) -> Cursor:
        """Run one statement; raises StoreFault."""
        return self._session.run(rendered(sql, self._suffix), values)


def fault(error: psycopg.Error) -> StoreFault:
    """What an error of the driver means."""
    code = error.sqlstate or ""
    if isinstance(error, psycopg.DataError | psycopg.IntegrityError) or code[:2] == "54":
        trouble = Trouble.REFUSED
    elif code[:2] in _PASSING or (
        not code and isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    ):
        trouble = Trouble.PASSING
    else:
        trouble = Trouble.BROKEN
    return StoreFault(f"PostgreSQL: {type(error).__name__} {code}".strip(), trouble)


def _connect(settings: Postgres, use: Use) -> psycopg.Connection[Any]:
    lease = int(settings.lease * 1000)
    options = f"-c search_path={settings.namespace} {use.planner}"
    if use.fence is not None:
        # A writer that hangs must not keep the others from taking over what it holds.
        options += f" -c idle_in_transaction_session_timeout={lease}"
    words = make_conninfo(
        settings.url,
        connect_timeout=CONNECT_SECONDS,
        application_name=f"vagus {use.name}",
        options=options,
        tcp_user_timeout=2 * lease,
        **settings.options,
    )
    con = psycopg.connect(words, autocommit=True, prepare_threshold=1)
    con.prepared_max = 500
    con.adapters.register_dumper(int, Int8Dumper)
    row = con.execute(
        "SELECT current_setting('fsync'), current_setting('synchronous_commit'),"
        " current_setting('server_version_num')::int"
    ).fetchone()
    assert row is not None
    if row[0] != "on" or row[2] < _OLDEST:
        con.close()
        why = "its fsync is off" if row[0] != "on" else "it is older than version 13"
        raise StoreFault(f"PostgreSQL cannot keep what is accepted: {why}", Trouble.BROKEN)
    if row[1] == "off":
        con.execute("SET synchronous_commit = on")
    return con

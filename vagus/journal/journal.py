"""The journal: the one writer of the durable record, through which every message passes twice.

`put` runs on the event loop and never waits. A batch is whatever was put while the last commit was
under way: its statements run on the loop, its COMMIT on one thread, then its callbacks on the loop.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable
from pathlib import Path

from vagus.journal import connect
from vagus.journal.audit import Audit
from vagus.journal.batch import Batch
from vagus.journal.calendar import Calendar
from vagus.journal.committer import Committer
from vagus.journal.counts import Counts, name_counts
from vagus.journal.days import day_at
from vagus.journal.dedupe import Dedupe
from vagus.journal.entries import Entry
from vagus.journal.lock import FolderLock
from vagus.journal.queues import Queues
from vagus.journal.recovery import mend_replays
from vagus.journal.requests import Requests
from vagus.journal.rows import Open, Stored
from vagus.journal.settings import JournalSettings
from vagus.journal.state import Kind, State
from vagus.journal.tending import Tender
from vagus.journal.tokens import Tokens
from vagus.kernel.clock import Clock
from vagus.kernel.errors import EngineFault
from vagus.kernel.ids import Ids
from vagus.kernel.keys import Keyset
from vagus.kernel.log import get_logger

log = get_logger(__name__)
_RETRY_SECONDS = 1.0
_TEND_SECONDS = 30.0


class Journal:
    """The durable record of one engine; made by `open`."""

    def __init__(
        self,
        calendar: Calendar,
        state: State,
        lock: FolderLock,
        keyset: Keyset,
        settings: JournalSettings,
    ) -> None:
        self.state = state
        #: Called on the loop when a batch cannot be made durable: stalled or failed.
        self.on_failure: Callable[[EngineFault], None] | None = None
        self.calendar = calendar
        self._lock = lock
        self._settings = settings
        self._tokens = Tokens(keyset)
        self._queues = Queues(calendar)
        self._loop = asyncio.get_running_loop()
        self._committer = Committer(self._loop)
        self._waiting: deque[Entry] = deque()
        self._busy = False
        self._closing = self._closed = False
        self._singly = 0
        self._flushes: list[asyncio.Future[None]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._failed: EngineFault | None = None
        self._current: Batch | None = None
        self.audit = Audit(state, keyset, calendar.clock)
        self.requests = Requests(state, calendar.clock)
        self._tender = Tender(calendar, state, self.audit, settings)
        self._tending = self._loop.create_task(self._tend_always())
        self._stalled = False
        self._names: dict[str, dict[str, int]] = {"endpoint": {}, "destination": {}}
        self.ids: Ids

    @classmethod
    async def open(
        cls,
        folder: Path,
        keyset: Keyset,
        clock: Clock,
        *,
        node: int = 0,
        settings: JournalSettings | None = None,
        factory: type[sqlite3.Connection] = sqlite3.Connection,
    ) -> Journal:
        """Take the folder and recover what it holds.

        Raises ConfigError when another engine has it, EngineFault when it cannot be used.
        """
        settings = settings or JournalSettings()
        lock = FolderLock(folder)
        state: State | None = None
        calendar: Calendar | None = None
        try:
            state = State(folder)
            clean = state.meta("clean") == b"1"
            state.remember("clean", b"0")
            calendar = Calendar(folder, keyset, clock, state, settings, factory)
            calendar.find(clean=clean)
            last = _last_id(calendar)
            number = max([day_at(calendar.now_ms()), *calendar.days])
            calendar.prepare(number)
            if not clean:
                mend_replays(calendar)
        except BaseException as error:
            if calendar is not None:
                calendar.close(checkpoint=False)
            if state is not None:
                state.close()
            lock.release()
            if isinstance(error, sqlite3.Error | OSError):
                raise EngineFault(f"{folder}: the journal cannot be opened") from error
            raise
        journal = cls(calendar, state, lock, keyset, settings)
        journal.ids = Ids(clock, node, last)
        return journal

    @property
    def failed(self) -> EngineFault | None:
        """Why the journal takes nothing more, if a write failed in a way that must not go on."""
        return self._failed

    @property
    def folder(self) -> Path:
        """Where the journal keeps its files."""
        return self.calendar.folder

    @property
    def stalled(self) -> bool:
        """Whether a batch waits for disk space; it is tried again every second."""
        return self._stalled

    @property
    def busy(self) -> bool:
        """Whether something that was put is not yet durable."""
        return self._busy or bool(self._waiting)

    @property
    def backlog(self) -> int:
        """Entries put and not yet begun to be written."""
        return len(self._waiting)

    @property
    def damaged(self) -> list[str]:
        """Files that were set aside at this start."""
        return list(self.calendar.damaged)

    def endpoint(self, name: str) -> int:
        """The number by which entries name an endpoint."""
        number = self._number("endpoint", name)
        if name in self._settings.tokenise_control:
            self._tokens.hide(number)
        return number

    def destination(self, name: str) -> int:
        """The number by which entries name a destination."""
        return self._number("destination", name)

    def names(self, kind: Kind) -> dict[int, str]:
        """The names of all endpoints or destinations, by number."""
        return self.state.names(kind)

    def _number(self, kind: Kind, name: str) -> int:
        known = self._names[kind]
        if name not in known:
            known[name] = self.state.name_id(kind, name)
        return known[name]

    def put(self, entry: Entry) -> None:
        """Have an entry written; its `then` is called once it is durable. Raises EngineFault."""
        if self._failed is not None:
            raise self._failed
        if self._closed:
            raise EngineFault("the journal is closed")
        self._waiting.append(entry)
        if not self._busy:
            self._busy = True
            self._loop.call_soon(self._next)

    async def flush(self) -> None:
        """Wait until nothing is left to write, also of what callbacks put; raises EngineFault.

        While the disk is full that can take for ever: see `stalled`.
        """
        while self._failed is None and (self._busy or self._waiting):
            future: asyncio.Future[None] = self._loop.create_future()
            self._flushes.append(future)
            await future
        if self._failed is not None:
            raise self._failed

    def _next(self) -> None:
        """Begin the next batch, or rest."""
        waiting = self._waiting
        if not waiting:
            self._current = None
            self._busy = False
            self._wake()
            return
        count = min(len(waiting), self._settings.batch)
        if self._singly:
            self._singly, count = self._singly - 1, 1
        self._begin(Batch([waiting.popleft() for _ in range(count)]))

    def _begin(self, batch: Batch) -> None:
        self._current = batch
        calendar = self.calendar
        for number in batch.accepting:
            calendar.drop_keys(number)
        missing = [day for day in batch.days if not calendar.ready(day)]
        if not missing:
            self._write(batch)
            return
        newest = calendar.newest
        gone = [day for day in missing if day < newest and day not in calendar.days]
        for day in gone:
            if day not in batch.accepting:
                batch.forget(day)
                missing.remove(day)

        def work() -> None:
            for day in sorted(missing):
                calendar.prepare(day)

        def done(error: BaseException | None) -> None:
            if error is None:
                self._write(batch)
            else:
                self._trouble(batch, error)

        self._committer.submit(work, done)

    def _write(self, batch: Batch) -> None:
        calendar = self.calendar
        try:
            batch.write(
                calendar.days.__getitem__,
                calendar.now_ms(),
                Dedupe(calendar.window),
                calendar.sealer,
                self._tokens,
            )
        except Exception as error:
            self._trouble(batch, error)
            return
        self._committer.submit(batch.commit, lambda error: self._committed(batch, error))

    def _committed(self, batch: Batch, error: BaseException | None) -> None:
        if error is not None:
            self._trouble(batch, error)
            return
        batch.settle()
        self._stalled = False
        for entry in batch.entries:
            then = entry.then
            if then is not None:
                try:
                    then()
                except Exception:
                    log.exception("callback_failed", kind=type(entry).__name__)
        self._next()

    def _trouble(self, batch: Batch, error: BaseException) -> None:
        """A batch is not durable: keep it and try again, or stop for good."""
        try:
            batch.roll_back()
        except sqlite3.Error as second:
            error = second if not connect.is_passing(second) else error
        if connect.is_refusal(error):
            self._isolate(batch, error)
            return
        if connect.is_passing(error) and not self._closing:
            fault = EngineFault("the journal cannot be written: the disk is full or locked")
            first, self._stalled = not self._stalled, True
            self._timer = self._loop.call_later(_RETRY_SECONDS, self._begin, batch)
            if first:
                log.error("journal_stalled", error=error)
                self._tell(fault)
            return
        fault = EngineFault("the journal has stopped: a write failed, so nothing more is accepted")
        fault.__cause__ = error
        if connect.is_damage(error):
            self.calendar.suspect(
                day
                for day in self.calendar.ordered()
                if day.writer is not None or day.number in batch.days
            )
        self._failed = fault
        self._waiting.clear()
        self._busy = False
        log.error("journal_failed", error=error, code=str(connect.primary_code(error)))
        self._tell(fault)
        self._wake()

    def _isolate(self, batch: Batch, error: BaseException) -> None:
        """An entry cannot be written whatever the disk does: find it, and write the others.

        It is not called back, so nobody is told that it is durable.
        """
        if len(batch.entries) > 1:
            self._waiting.extendleft(reversed(batch.entries))
            self._singly += len(batch.entries)
        else:
            log.error("entry_refused", kind=type(batch.entries[0]).__name__, error=error)
        self._loop.call_soon(self._next)

    def _tell(self, fault: EngineFault) -> None:
        if self.on_failure is not None:
            self.on_failure(fault)

    def _wake(self) -> None:
        flushes, self._flushes = self._flushes, []
        for future in flushes:
            if not future.done():
                future.set_result(None)

    def stored(self, after: int = 0, limit: int = 500) -> list[Stored]:
        """Messages not yet processed, by id, from all endpoints and days."""
        return self._queues.stored(after, limit)

    def waiting(
        self, destination: int, after: tuple[int, int] = (0, -1), limit: int = 500
    ) -> list[Open]:
        """Open deliveries of a destination, by message and part."""
        return self._queues.waiting(destination, after, limit)

    def lane_waiting(
        self, destination: int, lane: bytes, after: tuple[int, int] = (0, -1), limit: int = 500
    ) -> list[Open]:
        """Open deliveries of one lane of a destination, by message and part."""
        return self._queues.lane_waiting(destination, lane, after, limit)

    def body(self, message_id: int) -> bytes:
        """A message as it was accepted; raises CorruptBody, or KeyError for an unknown id."""
        return self._queues.body(message_id)

    def counts(self) -> Counts:
        """The ledger's counters: `endpoints` and `destinations` by name, and the `total`."""
        return name_counts(
            self.calendar.counts(), self.names("endpoint"), self.names("destination")
        )

    async def tend(self) -> None:
        """Close days that are over, release idle files, drop days past keeping."""
        await self._tender.tend(lambda: self._current)

    async def _tend_always(self) -> None:
        while True:
            await asyncio.sleep(_TEND_SECONDS)
            try:
                await self.tend()
            except Exception:
                log.exception("tending_failed")

    async def close(self) -> None:
        """Write what was put, anchor the seals, leave files that stand alone."""
        if self._closing:
            return
        self._closing = True
        self._tending.cancel()
        await asyncio.wait([self._tending])
        if self._failed is None and not self._stalled:
            try:
                await self.flush()
            except EngineFault:
                pass
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        clean = self._failed is None and not self._stalled
        try:
            if clean:
                await self._committer.run(self._rest)
        finally:
            self._committer.stop()
            self.calendar.close(checkpoint=False)
            self.state.close()
            self._lock.release()

    def _rest(self) -> None:
        for day in self.calendar.ordered():
            try:
                if day.writer is not None:
                    self.calendar.anchor(day)
                day.close(checkpoint=True)
            except sqlite3.DatabaseError as error:
                log.warning("day_damaged", file=day.path.name, error=error)
                self.calendar.suspect([day])
        self.state.remember("clean", b"1")


def _last_id(calendar: Calendar) -> int:
    """The newest id ever handed out; a damaged file may not know, so its anchor is asked too."""
    stored = [day.last for day in calendar.ordered()]
    return max([*stored, *(item.last or 0 for item in calendar.partitions())], default=0)

"""Group commit: a batch is whatever was put while the last commit was under way.

No timer and no wait: a batch's statements run on the loop (with PostgreSQL on the thread, because
each waits for an answer), its COMMIT on one thread, then its callbacks on the loop, in the order in
which entries were put.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from vagus.journal import connect
from vagus.journal.batch import Batch
from vagus.journal.calendar import Calendar
from vagus.journal.committer import Committer, Work
from vagus.journal.dedupe import Dedupe
from vagus.journal.entries import Entry
from vagus.journal.seam import FAILURES
from vagus.journal.tokens import Tokens
from vagus.kernel.errors import EngineFault
from vagus.kernel.log import get_logger

log = get_logger(__name__)
RETRY_SECONDS = 1.0


class Pump:
    """Takes entries in and makes them durable, one batch after another."""

    def __init__(self, calendar: Calendar[Any], tokens: Tokens, most: int) -> None:
        #: Called on the loop when a batch cannot be made durable: stalled or failed.
        self.on_failure: Callable[[EngineFault], None] | None = None
        #: Why nothing more is taken, if a write failed in a way that must not go on.
        self.failed: EngineFault | None = None
        #: Whether a batch waits for disk space; it is tried again every second.
        self.stalled = False
        #: The batch that is being written.
        self.current: Batch | None = None
        self.closing = False
        #: Since the start: commits, the entries in them, the seconds they took in all.
        self.commits = 0
        self.committed = 0
        self.commit_seconds = 0.0
        self._begun = 0.0
        self._calendar = calendar
        self._tokens = tokens
        self._most = most
        self._loop = asyncio.get_running_loop()
        self._committer = Committer(self._loop)
        self._waiting: deque[Entry] = deque()
        self._busy = False
        self._closed = False
        self._singly = 0
        self._flushes: list[asyncio.Future[None]] = []
        self._timer: asyncio.TimerHandle | None = None

    @property
    def busy(self) -> bool:
        """Whether something that was put is not yet durable."""
        return self._busy or bool(self._waiting)

    @property
    def backlog(self) -> int:
        """Entries put and not yet begun to be written."""
        return len(self._waiting)

    async def stop(self, last: Work) -> None:
        """Write what was put, unless the disk does not let us; if all went well, do `last`."""
        self.closing = True
        if self.failed is None and not self.stalled:
            try:
                await self.flush()
            except EngineFault:
                pass
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        try:
            if self.failed is None and not self.stalled:
                await self._committer.run(last)
        finally:
            self._committer.stop()

    def put(self, entry: Entry) -> None:
        """Have an entry written; its `then` is called once it is durable. Raises EngineFault."""
        if self.failed is not None:
            raise self.failed
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
        while self.failed is None and (self._busy or self._waiting):
            future: asyncio.Future[None] = self._loop.create_future()
            self._flushes.append(future)
            await future
        if self.failed is not None:
            raise self.failed

    def _next(self) -> None:
        """Begin the next batch, or rest."""
        waiting = self._waiting
        if not waiting:
            self.current = None
            self._busy = False
            self._wake()
            return
        count = min(len(waiting), self._most)
        if self._singly:
            self._singly, count = self._singly - 1, 1
        self._begin(Batch([waiting.popleft() for _ in range(count)]))

    def _begin(self, batch: Batch) -> None:
        self.current = batch
        calendar = self._calendar
        for number in batch.accepting:
            calendar.reopened(number)
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
        self._begun = self._loop.time()
        work: Work = batch.commit
        if self._calendar.on_loop:
            try:
                self._state(batch)
            except Exception as error:
                self._trouble(batch, error)
                return
            self._begun = self._loop.time()
        else:
            work = partial(self._state_and_commit, batch)
        self._committer.submit(work, lambda error: self._committed(batch, error))

    def _state(self, batch: Batch) -> None:
        calendar = self._calendar
        batch.write(
            calendar.days.__getitem__,
            calendar.now_ms(),
            Dedupe(calendar.window),
            calendar.sealer,
            self._tokens,
        )

    def _state_and_commit(self, batch: Batch) -> None:
        self._state(batch)
        batch.commit()

    def _committed(self, batch: Batch, error: BaseException | None) -> None:
        if error is not None:
            self._trouble(batch, error)
            return
        self.commits += 1
        self.committed += len(batch.entries)
        self.commit_seconds += self._loop.time() - self._begun
        batch.settle()
        self.stalled = False
        for entry in batch.entries:
            then = entry.then
            if then is not None:
                # Callbacks hold their entry: without this a whole message waits for the collector.
                entry.then = None
                try:
                    then()
                except Exception:
                    log.exception("callback_failed", kind=type(entry).__name__)
        self._next()

    def _trouble(self, batch: Batch, error: BaseException) -> None:
        """A batch is not durable: keep it and try again, or stop for good."""
        try:
            batch.roll_back()
        except FAILURES as second:
            error = second if not connect.is_passing(second) else error
        if connect.is_refusal(error):
            self._isolate(batch, error)
            return
        if connect.is_passing(error) and not self.closing:
            fault = EngineFault("the journal cannot be written: its store is full, locked or away")
            first, self.stalled = not self.stalled, True
            self._timer = self._loop.call_later(RETRY_SECONDS, self._begin, batch)
            if first:
                log.error("journal_stalled", error=error)
                self._tell(fault)
            return
        fault = EngineFault("the journal has stopped: a write failed, so nothing more is accepted")
        fault.__cause__ = error
        if connect.is_damage(error):
            self._calendar.suspect(
                day for day in self._calendar.ordered() if day.writable or day.number in batch.days
            )
        self.failed = fault
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

"""The journal: the one writer of the durable record, through which every message passes twice.

`put` runs on the event loop and never waits; what was put is called back when it is durable.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vagus.journal.audit import Audit
from vagus.journal.calendar import Calendar
from vagus.journal.counts import Counts, name_counts
from vagus.journal.days import day_at
from vagus.journal.place import Folder, Lock, Place
from vagus.journal.pump import Pump
from vagus.journal.queues import Queues
from vagus.journal.recovery import mend_replays
from vagus.journal.requests import Requests
from vagus.journal.rows import Fate, Open, Stored
from vagus.journal.seam import FAILURES
from vagus.journal.search import Reader
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
_TEND_SECONDS = 30.0


class Journal:
    """The durable record of one engine; made by `open`."""

    def __init__(
        self,
        place: Place,
        calendar: Calendar[Any],
        state: State,
        lock: Lock,
        keyset: Keyset,
        settings: JournalSettings,
    ) -> None:
        self.state = state
        self.calendar = calendar
        self.audit = Audit(state, keyset, calendar.clock)
        self.requests = Requests(state, calendar.clock)
        self.ids: Ids
        self._place = place
        self._keyset = keyset
        self._lock = lock
        self._settings = settings
        self._tokens = Tokens(keyset)
        self._queues = Queues(calendar)
        self._pump = Pump(calendar, self._tokens, settings.batch)
        self._tender = Tender(calendar, state, self.audit, settings)
        self._tending = asyncio.create_task(self._tend_always(), name="journal-tending")
        self._names: dict[str, dict[str, int]] = {"endpoint": {}, "destination": {}}
        self._closed = False
        #: Have an entry written; its `then` is called once it is durable. Raises EngineFault.
        self.put = self._pump.put

    @classmethod
    async def open(
        cls,
        place: Place | Path,
        keyset: Keyset,
        clock: Clock,
        *,
        node: int = 0,
        settings: JournalSettings | None = None,
    ) -> Journal:
        """Take the place, or the folder, and recover what it holds.

        Raises ConfigError when another engine has it, EngineFault when it cannot be used.
        """
        settings = settings or JournalSettings()
        if isinstance(place, Path):
            place = Folder(place)
        lock = await asyncio.to_thread(place.lock, keyset)
        state: State | None = None
        calendar: Calendar[Any] | None = None
        try:
            state = place.state()
            clean = state.meta("clean") == b"1"
            state.remember("clean", b"0")
            calendar = place.calendar(keyset, clock, state, settings)
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
            if isinstance(error, (OSError, *FAILURES)):
                raise EngineFault(f"{place.name}: the journal cannot be opened") from error
            raise
        journal = cls(place, calendar, state, lock, keyset, settings)
        journal.ids = Ids(clock, node, last)
        return journal

    @property
    def folder(self) -> Path:
        """Where the engine keeps files of its own."""
        return self._place.folder

    def reader(self) -> Reader:
        """What reads this journal, and those of its other nodes, for people."""
        return Reader.open(self._place, self._keyset)

    @property
    def wanted(self) -> bool:
        """Whether its own engine wants the journal back."""
        return self._lock.wanted

    def orphans(self) -> set[int]:
        """The nodes of this journal's place that nobody runs; on any thread."""
        return self._place.orphans()

    @property
    def failed(self) -> EngineFault | None:
        """Why the journal takes nothing more, if a write failed in a way that must not go on."""
        return self._pump.failed

    @property
    def stalled(self) -> bool:
        """Whether a batch waits for disk space; it is tried again every second."""
        return self._pump.stalled

    @property
    def busy(self) -> bool:
        """Whether something that was put is not yet durable."""
        return self._pump.busy

    @property
    def backlog(self) -> int:
        """Entries put and not yet begun to be written."""
        return self._pump.backlog

    @property
    def commits(self) -> tuple[int, int, float]:
        """Since the start: commits, the entries in them, the seconds they took in all."""
        return self._pump.commits, self._pump.committed, self._pump.commit_seconds

    @property
    def on_failure(self) -> Callable[[EngineFault], None] | None:
        """Called on the loop when a batch cannot be made durable: stalled or failed."""
        return self._pump.on_failure

    @on_failure.setter
    def on_failure(self, hook: Callable[[EngineFault], None] | None) -> None:
        self._pump.on_failure = hook

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

    async def flush(self) -> None:
        """Wait until nothing is left to write, also of what callbacks put; raises EngineFault.

        While the disk is full that can take for ever: see `stalled`.
        """
        await self._pump.flush()

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

    def dead(
        self, destination: int, after: tuple[int, int] = (0, -1), limit: int = 500
    ) -> list[Open]:
        """Deliveries of a destination that were given up, neither redriven nor discarded."""
        return self._queues.dead(destination, after, limit)

    def fate(self, message_id: int) -> Fate | None:
        """How far a committed message has come, or None for an unknown id."""
        return self._queues.fate(message_id)

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
        await self._tender.tend(lambda: self._pump.current)

    async def _tend_always(self) -> None:
        while True:
            await asyncio.sleep(_TEND_SECONDS)
            try:
                await self.tend()
            except Exception:
                log.exception("tending_failed")

    async def close(self) -> None:
        """Write what was put, anchor the seals, leave files that stand alone."""
        if self._closed:
            return
        self._closed = True
        self._tending.cancel()
        await asyncio.wait([self._tending])
        try:
            await self._pump.stop(self._rest)
        finally:
            self.calendar.close(checkpoint=False)
            self.state.close()
            await asyncio.to_thread(self._lock.release)
            self._place.close()

    def _rest(self) -> None:
        for day in self.calendar.ordered():
            try:
                if day.writable:
                    self.calendar.anchor(day)
                day.close(checkpoint=True)
            except FAILURES as error:
                log.warning("day_damaged", name=day.name, error=error)
                self.calendar.suspect([day])
        try:
            self.state.remember("clean", b"1")
        except FAILURES as error:
            log.warning("journal_not_marked_clean", error=error)


def _last_id(calendar: Calendar[Any]) -> int:
    """The newest id ever handed out; a damaged file may not know, so its anchor is asked too."""
    stored = [day.last for day in calendar.ordered()]
    return max([*stored, *(item.last or 0 for item in calendar.partitions())], default=0)

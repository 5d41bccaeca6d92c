"""The days there are: found at the start, begun at midnight, closed and dropped later."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

from vagus.journal.batch import Batch
from vagus.journal.day import Counter, Day
from vagus.journal.days import DAY_MS, day_at, day_name
from vagus.journal.seals import Sealer
from vagus.journal.settings import JournalSettings
from vagus.journal.state import Partition, State
from vagus.journal.statements import QUERIES
from vagus.journal.vault import CorruptBody, Vault, day_vault, new_day_key
from vagus.kernel.clock import Clock
from vagus.kernel.errors import EngineFault
from vagus.kernel.keys import Keyset

D = TypeVar("D", bound=Day)
Current = Callable[[], Batch | None]


class Calendar(ABC, Generic[D]):
    """Every day of one journal, by number."""

    #: Whether a batch's statements run on the event loop, and only its COMMIT on the thread.
    on_loop: bool

    def __init__(
        self, keyset: Keyset, clock: Clock, state: State, settings: JournalSettings
    ) -> None:
        self.clock = clock
        self.sealer = Sealer(keyset)
        self.days: dict[int, D] = {}
        #: Days that could not be used and were set aside at this start.
        self.damaged: list[str] = []
        self._keyset = keyset
        self._state = state
        self._past: dict[Counter, int] | None = None
        self._span = int(-(-settings.window * 1000 // DAY_MS))

    # What the database offers.

    @abstractmethod
    def find(self, *, clean: bool) -> None:
        """Load the days there are; what is damaged is set aside and reported."""

    @abstractmethod
    def open(self, day: D) -> None:
        """Make a day writable; on any thread."""

    @abstractmethod
    def create(self, number: int, at: int, start: bytes, partition: Partition) -> D:
        """Make a new day whose seal 0 is `start`, so that all of it is there or nothing."""

    @abstractmethod
    def suspect(self, days: Iterable[Day]) -> None:
        """Have these days looked through at the next start: reading or writing them failed."""

    @abstractmethod
    def reopened(self, number: int) -> None:
        """A day gets another message, perhaps after it was closed."""

    @abstractmethod
    def unfinished(self, day: D, partition: Partition | None) -> bool:
        """Whether a day that is over has not been closed properly."""

    @abstractmethod
    async def finish(self, day: D, current: Current) -> bool:
        """Do what is done to a day that is over; False to be asked again later."""

    @abstractmethod
    async def release(self, days: list[D]) -> None:
        """Let go of days in which nothing is left to write."""

    @abstractmethod
    async def remove(self, day: D) -> None:
        """Take a forgotten day's rows away for good."""

    # What is the same for all.

    @property
    def newest(self) -> int:
        """The newest day there is."""
        return max(self.days)

    def _add(self, day: D) -> None:
        # A copy, because a day is begun on the commit thread while the loop may go through them.
        self.days = self.days | {day.number: day}

    def ordered(self) -> list[D]:
        """The days, oldest first."""
        return [self.days[number] for number in sorted(self.days)]

    def now_ms(self) -> int:
        """The time in milliseconds since 1970."""
        return int(self.clock.now() * 1000)

    def window(self, number: int) -> Iterator[D]:
        """The other days in which a message of this day may already have been accepted."""
        for day in self.days.values():
            if day.number != number and abs(number - day.number) <= self._span:
                yield day

    def in_window(self, number: int) -> bool:
        """Whether a repeat of a message of this day could still be recognised."""
        return max(self.newest, day_at(self.now_ms())) - number <= self._span

    def _vault(self, name: str, wrapped: bytes) -> Vault:
        try:
            return day_vault(self._keyset, name, wrapped)
        except CorruptBody as error:
            # Going on would keep what can never be read beside what came before.
            raise EngineFault(str(error)) from error

    def begin(self, number: int) -> D:
        """Make a new day and link its seal chain to the day before; may run on any thread."""
        name = day_name(number)
        before = max((day for day in self.days if day < number), default=None)
        link_n, link, previous = self._link(before)
        at = self.now_ms()
        wrapped = new_day_key(self._keyset, name)
        partition = Partition(
            name, wrapped, "open", previous, link_n, link, None, None, None, None, None
        )
        day = self.create(number, at, self.sealer.start(name, at, link or b""), partition)
        self.open(day)
        self._add(day)
        return day

    def _link(self, before: int | None) -> tuple[int | None, bytes | None, str | None]:
        if before is not None:
            day = self.days[before]
            n, digest = day.reader.execute(QUERIES["last_seal"]).fetchone()
            self._state.anchor(day.name, n, digest, day.span())
            return n, digest, day.name
        last = [item for item in self._state.partitions().values() if item.seal is not None]
        if not last:
            return None, None, None
        return last[-1].seal_n, last[-1].seal, last[-1].day

    def ready(self, number: int) -> bool:
        """Whether the day can be written at once."""
        day = self.days.get(number)
        return day is not None and day.writable

    def prepare(self, number: int) -> None:
        """Make a day writable, beginning it if it is newer than all others; on any thread."""
        day = self.days.get(number)
        if day is not None:
            self.open(day)
        else:
            self.begin(number)

    def partitions(self) -> list[Partition]:
        """What the state knows of every day, oldest first."""
        return list(self._state.partitions().values())

    def counts(self) -> dict[Counter, int]:
        """Every counter over all days, dropped ones included."""
        if self._past is None:
            self._past = self._state.past()
        total = dict(self._past)
        for day in self.days.values():
            for key, n in day.counts.items():
                total[key] = total.get(key, 0) + n
        return total

    def anchor(self, day: D) -> None:
        """Remember the day's newest seal in the state."""
        row = day.reader.execute(QUERIES["last_seal"]).fetchone()
        if row is not None:
            self._state.anchor(day.name, row[0], row[1], day.span())

    def forget(self, day: D) -> None:
        """Close a day and know it no more."""
        self.days = {number: other for number, other in self.days.items() if other is not day}
        self._past = None
        day.close(checkpoint=False)

    def close(self, *, checkpoint: bool) -> None:
        """Close every day."""
        for day in self.days.values():
            day.close(checkpoint=checkpoint)

"""Back-pressure: sources are paused when the engine falls behind or room runs out."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from typing import Protocol

from channels.channel import Channel
from channels.courier import Courier
from vagus.journal.journal import Journal
from vagus.kernel.log import get_logger

log = get_logger(__name__)

SOFT_LAG = 2_000  # accepted messages that no destination has yet, outages not counted
TICK = 0.02
DISK_EVERY = 5.0


class Watched(Protocol):
    """What is looked at: an engine."""

    journal: Journal
    channels: dict[int, Channel]

    @property
    def couriers(self) -> Sequence[Courier]:
        """Those of all channels."""
        ...

    @property
    def backlog(self) -> int:
        """Messages in memory that no step has seen yet."""
        ...


class Pressure:
    """Decides whether sources may read, and says why not."""

    def __init__(self, engine: Watched) -> None:
        self._engine = engine
        self._task: asyncio.Task[None] | None = None
        self._disk_low = False
        self.min_free = 1 << 30  # bytes of disk below which intake is paused
        self.paused = False

    @property
    def reason(self) -> str:
        """Why nothing more can be accepted for now; empty when all is well."""
        if self._engine.journal.stalled:
            return "journal-stalled"
        return "disk-low" if self._disk_low else ""

    def lag(self) -> int:
        """Accepted messages on their way to destinations that answer."""
        moving = (
            item.dispatch.moving
            for item in self._engine.couriers
            if not (item.dispatch.health.down or item.dispatch.paused)
        )
        return self._engine.backlog + max(moving, default=0)

    def check(self) -> None:
        """Pause or resume the sources as the lag demands."""
        lag = self.lag()
        if not self.paused and (lag > SOFT_LAG or self.reason):
            self._set(paused=True)
        elif self.paused and lag < SOFT_LAG // 2 and not self.reason:
            self._set(paused=False)

    def start(self) -> None:
        """Keep watching: what is paused must be resumed without new arrivals."""
        self._task = asyncio.create_task(self._watch(), name="pressure")

    async def stop(self) -> None:
        """Stop watching."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _watch(self) -> None:
        elapsed = DISK_EVERY
        while True:
            if elapsed >= DISK_EVERY:
                elapsed = 0.0
                self._look_at_disk()
            self.check()
            pause = TICK if self.paused else 10 * TICK
            elapsed += pause
            await asyncio.sleep(pause)

    def _look_at_disk(self) -> None:
        low = shutil.disk_usage(self._engine.journal.folder).free < self.min_free
        if low and not self._disk_low:
            log.error("disk_low", reason="intake paused")
        self._disk_low = low

    def _set(self, *, paused: bool) -> None:
        self.paused = paused
        for channel in self._engine.channels.values():
            if not channel.paused:
                channel.hold_back(paused=paused)

    def operate(self, channel: Channel, *, paused: bool) -> None:
        """An operator pauses or resumes a channel: it reads when neither they nor we object."""
        channel.paused = paused
        channel.hold_back(paused=paused or self.paused)

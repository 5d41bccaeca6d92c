"""A simulated system that leaves files in a folder, each under a name of its own."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

from vagus.kernel.clock import Clock, SystemClock
from vagus.kernel.log import get_logger
from vagus.simulators.config import Drops
from vagus.simulators.messages import renumbered, wire
from vagus.simulators.pace import Pace
from vagus.simulators.tally import Tally

log = get_logger(__name__)


class Dropper:
    """Leaves one file after another, written aside and renamed, as careful systems do."""

    feeds = True

    def __init__(
        self,
        name: str,
        config: Drops,
        files: Sequence[Path],
        folder: Path,
        clock: Clock | None = None,
    ) -> None:
        self.name = name
        self._config = config
        self._files = files
        self._folder = folder
        self._clock = clock or SystemClock()
        self._pace = Pace(0)
        self._tally = Tally()
        self._run = f"-{int(self._clock.now()):x}"
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin; the first file is left at once."""
        self._task = asyncio.create_task(self._work())

    async def finished(self) -> None:
        """Wait until every loop is over; never, when they have no end."""
        if self._task:
            await self._task

    async def stop(self) -> None:
        """Finish the file under way."""
        self._pace.stop()
        await self.finished()

    def report(self) -> dict[str, Any]:
        """How many files were left."""
        return {"simulator": self.name, **self._tally.report()}

    async def _work(self) -> None:
        for number in range(end) if (end := self._config.loops * len(self._files)) else count():
            if number and not await self._pace.rest(self._config.every):
                return
            loop, at = divmod(number, len(self._files))
            try:
                await asyncio.to_thread(self._leave, self._files[at], loop)
            except OSError as error:
                log.warning("simulator_cannot_write", fault=error)
                self._tally.counts["failed"] += 1
            else:
                self._tally.counts["files"] += 1

    def _leave(self, path: Path, loop: int) -> None:
        data = wire(path.read_bytes())
        mark = f"{self._run if self._config.fresh else ''}-{loop}"
        if self._config.fresh or loop:
            data = renumbered(data, mark, self._clock.now())
        self._folder.mkdir(parents=True, exist_ok=True)
        aside = self._folder / f".{path.stem}{mark}.part"
        aside.write_bytes(data)
        os.replace(aside, self._folder / f"{path.stem}{mark}{path.suffix}")

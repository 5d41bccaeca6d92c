"""Several nodes of one project: whoever sees that another's engine is gone runs its channels too.

A taken-over node is run as it was: its own journal, its own channels and numbers, recovered as
after any crash, so that nothing of order or ledger depends on which machine does it. When its own
engine comes back it is drained here and handed over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from vagus.kernel.errors import ConfigError, EngineFault
from vagus.kernel.log import get_logger

log = get_logger(__name__)
EVERY = 0.5
#: How long a node that could not be taken over is left alone.
PAUSE = 5.0


class TakenOver(Protocol):
    """Another node, running here."""

    @property
    def wanted(self) -> bool:
        """Whether it must end: its own engine is back, or its journal has failed."""
        ...

    async def end(self) -> None:
        """Drain it and let go of its journal."""
        ...


class Neighbours:
    """Watches the other nodes of a project for one engine."""

    def __init__(
        self,
        nodes: Iterable[int],
        orphans: Callable[[], set[int]],
        take: Callable[[int], Awaitable[TakenOver]],
    ) -> None:
        self._nodes = set(nodes)
        self._orphans = orphans
        self._take = take
        #: The nodes that run here beside the engine's own.
        self.running: dict[int, TakenOver] = {}
        self._barred: dict[int, float] = {}
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    def start(self) -> None:
        """Begin to watch."""
        self._task = asyncio.create_task(self._follow(), name="neighbours")

    async def stop(self) -> None:
        """Watch no more, and let go of what was taken over."""
        self._stopping.set()
        if self._task is not None:
            await asyncio.wait([self._task])
        await asyncio.gather(*(self._give(node) for node in list(self.running)))

    async def _follow(self) -> None:
        while not self._stopping.is_set():
            try:
                await self._look()
            except Exception:
                log.exception("neighbours_unseen")
            try:
                async with asyncio.timeout(EVERY):
                    await self._stopping.wait()
            except TimeoutError:
                pass

    async def _look(self) -> None:
        for node in [node for node, taken in self.running.items() if taken.wanted]:
            await self._give(node)
        orphans = await asyncio.to_thread(self._orphans)
        now = asyncio.get_running_loop().time()
        for node in sorted(orphans & self._nodes - self.running.keys()):
            if self._barred.get(node, 0.0) <= now and not self._stopping.is_set():
                await self._adopt(node)

    async def _adopt(self, node: int) -> None:
        try:
            self.running[node] = await self._take(node)
            log.warning("node_taken_over", node=node)
        except (ConfigError, EngineFault, OSError) as error:
            self._barred[node] = asyncio.get_running_loop().time() + PAUSE
            log.warning("node_not_taken_over", node=node, error=error)

    async def _give(self, node: int) -> None:
        taken = self.running.pop(node)
        try:
            await taken.end()
        finally:
            # Its own engine comes first.
            self._barred[node] = asyncio.get_running_loop().time() + PAUSE
            log.warning("node_let_go", node=node)

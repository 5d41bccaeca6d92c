"""A project that is running: what can be asked of it, and how it ends."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from channels.engine import PATIENCE, Engine
from channels.operations import Operations
from channels.outgoing import wanted
from vagus.journal.journal import Journal
from vagus.neighbours import Neighbours
from vagus.project import Project

#: What nearly every feed of a practice begins with.
USUAL_MAPPINGS = ("ADT_A01", "ADT_A05", "SIU_S12", "ADT_A03", "ADT_A39")
#: And what is written of it where a destination chooses by event.
USUAL_WRITTEN = tuple(f"to_{name}" for name in USUAL_MAPPINGS)


@dataclass(slots=True)
class Running:
    """A project that is running, or what one node runs of it."""

    project: Project
    engine: Engine
    journal: Journal
    operations: Operations
    neighbours: Neighbours | None = None  # what sees to the other nodes
    _last: dict[str, int] | None = None

    def counts(self) -> dict[str, int]:
        """Messages since the journal began; after the end, as they stood then."""
        if self._last is not None:
            return self._last
        return self.journal.counts()["total"]["messages"]

    async def prepare(self, pause: float = 0.0) -> None:
        """Compile the mappings that are met first, with a pause after each for other work."""
        catalogue = self.project.catalogue
        every = [item.config for file in self.project.channels for item in file.destinations]
        written_out = wanted(catalogue, USUAL_WRITTEN, every)
        for full in (False, True):
            for name in dict.fromkeys([*catalogue.own_names(), *USUAL_MAPPINGS, *written_out]):
                if (mapping := catalogue.get(name)) is not None:
                    await asyncio.to_thread(mapping.prepare, full=full)
                    await asyncio.sleep(pause)

    @property
    def wanted(self) -> bool:
        """Whether its own engine wants this node back, or it cannot go on here."""
        return self.journal.wanted or self.journal.failed is not None

    async def end(self, patience: float = PATIENCE) -> None:
        """Drain for so many seconds at most, and close everything."""
        try:
            if self.neighbours is not None:
                await self.neighbours.stop()
            await self.operations.stop()
            await self.engine.stop(patience)
            self._last = self.counts()
        finally:
            if self.engine.carrier is not None:
                await self.engine.carrier.stop()
            await self.journal.close()

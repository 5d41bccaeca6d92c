"""What operators ask of a running engine: replay, discard, pause, resume, drain.

Requests wait in the journal, so that one made while the engine is down is carried out at its
next start, and the one who made it is on record.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from channels.engine import Engine
from vagus.journal.entries import Discarded, Redriven
from vagus.kernel import ids
from vagus.kernel.envelope import Delivery
from vagus.kernel.errors import EngineFault
from vagus.kernel.log import get_logger

log = get_logger(__name__)

EVERY = 0.25


class Operations:
    """Carries out the requests in the journal."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._journal = engine.journal
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to look for requests."""
        self._task = asyncio.create_task(self._watch(), name="operations")

    async def stop(self) -> None:
        """Look no more; what is not done waits for the next start."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _watch(self) -> None:
        while True:
            for request in self._journal.requests.pending():
                result = await self._carry_out(request.kind, json.loads(request.detail), request)
                self._journal.requests.finish(request.id, json.dumps(result))
            await asyncio.sleep(EVERY)

    async def _carry_out(self, kind: str, detail: dict[str, Any], request: Any) -> dict[str, Any]:
        try:
            if kind == "replay":
                return await self._replay(detail["ids"], detail.get("mapping"), request.actor)
            if kind == "discard":
                return await self._discard(detail["ids"], request.actor)
            if kind == "channel":
                return await self._channel(detail["name"], detail["action"])
        except (KeyError, TypeError, ValueError):
            return {"error": "bad-request"}
        return {"error": "unknown-request"}

    async def _channel(self, name: str, action: str) -> dict[str, Any]:
        channel = self._engine.by_name(name)
        if channel is None:
            return {"error": "unknown-channel"}
        if action == "resume":
            channel.resume()
        else:
            channel.pause()
        drained = await self._engine.drain(30.0) if action == "drain" else None
        log.info("channel_" + action, channel=name)
        return {"name": name, "action": action, "drained": drained}

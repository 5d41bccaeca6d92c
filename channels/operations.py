"""What operators ask of a running engine: replay, discard, pause, resume, drain.

Requests wait in the journal, so that one made while the engine is down is carried out at its
next start, and the one who made it is on record.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from functools import partial
from typing import Any

from channels.channel import Channel
from channels.engine import Engine
from vagus.journal.entries import Discarded, Entry, Redriven, Then
from vagus.journal.found import FoundMessage, Word
from vagus.journal.requests import Request
from vagus.journal.search import Reader
from vagus.journal.tally import DeliveryState
from vagus.kernel import ids
from vagus.kernel.errors import EngineFault, MessageError
from vagus.kernel.log import get_logger

log = get_logger(__name__)

EVERY = 0.25
FINISH_PATIENCE = 5.0
DRAIN_PATIENCE = 30.0
Result = dict[str, Any]


class Operations:
    """Carries out the requests in the journal."""

    def __init__(self, engine: Engine, reader: Reader, has_mapping: Callable[[str], bool]) -> None:
        self._engine = engine
        self._has_mapping = has_mapping
        self._journal = engine.journal
        self._reader = reader
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    async def start(self) -> None:
        """Begin to look for requests."""
        self._task = asyncio.create_task(self._watch(), name="operations")

    async def stop(self) -> None:
        """Look no more; what is not done waits for the next start."""
        if self._task:
            self._stopping.set()
            await asyncio.wait([self._task], timeout=FINISH_PATIENCE)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._reader.close()

    async def _watch(self) -> None:
        while not self._stopping.is_set():
            try:
                await self._look()
            except Exception:  # the list cannot be read just now; the next look may succeed
                log.exception("requests_unreadable")
            await self._pause()

    async def _look(self) -> None:
        if not self._journal.requests.changed():
            return
        while requests := self._journal.requests.pending():
            for request in requests:
                result = await self._carry_out(request)
                self._journal.requests.finish(request.id, json.dumps(result))
                if self._stopping.is_set():
                    return

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(EVERY):
                await self._stopping.wait()
        except TimeoutError:
            pass

    async def _carry_out(self, request: Request) -> Result:
        try:
            detail = json.loads(request.detail)
            if request.kind == "replay":
                return await self._replay(detail["ids"], detail.get("mapping"), request.actor)
            if request.kind == "discard":
                return await self._discard(detail["ids"], request.actor)
            if request.kind == "channel":
                return await self._channel(detail["name"], detail["action"], request.actor)
        except (KeyError, TypeError, ValueError):
            return {"error": "bad-request"}
        except Exception:  # one request that cannot be carried out must not stop the others
            log.exception("request_failed", kind=request.kind)
            return {"error": "engine-fault"}
        return {"error": "unknown-request"}

    async def _channel(self, name: str, action: str, actor: str) -> Result:
        channel = self._engine.by_name(name)
        if channel is None:
            return {"error": "unknown-channel"}
        self._journal.audit.append(actor, f"channel-{action}", name)
        self._engine.pressure.operate(channel, paused=action != "resume")
        log.info("channel_" + action, channel=name, actor=actor)
        if action != "drain":
            return {"name": name, "action": action}
        return {"name": name, "action": action, "drained": await self._drained(name)}

    async def _drained(self, name: str) -> bool:
        """Wait until nothing of a channel is pending."""
        for _ in range(int(DRAIN_PATIENCE / EVERY)):
            counts = self._journal.counts()["endpoints"].get(name, {})
            if not counts.get("pending"):
                return True
            if self._stopping.is_set():
                break
            await self._pause()
        return False

    async def _replay(self, texts: list[str], mapping: str | None, actor: str) -> Result:
        """Each message again: its dead deliveries, or the whole of it as a new message."""
        replayed: dict[str, str] = {}
        failed: dict[str, str] = {}
        for text in texts:
            found, channel, problem = self._find(text)
            if mapping is not None and not self._has_mapping(mapping):
                problem = problem or "unknown-mapping"
            if found is None or channel is None or problem:
                failed[text] = problem
                continue
            self._journal.audit.append(actor, "replay", text)
            try:
                if mapping is None and self._dead_deliveries(found):
                    await self._redrive(channel, found, actor)
                    replayed[text] = text
                else:
                    replayed[text] = await self._again(channel, found, mapping)
            except (EngineFault, MessageError, KeyError) as error:
                failed[text] = getattr(error, "code", "corrupt")
        return {"replayed": replayed, "failed": failed}

    def _find(self, text: str) -> tuple[FoundMessage | None, Channel | None, str]:
        try:
            found = self._reader.message(ids.from_text(text))
        except ValueError:
            return None, None, "not-an-id"
        if found is None:
            return None, None, "unknown-message"
        channel = self._engine.by_name(found.channel)
        return found, channel, "" if channel else "channel-not-running"

    def _dead_deliveries(self, found: FoundMessage) -> list[tuple[int, int]]:
        """Part and destination of each dead delivery of a message."""
        return [
            (item.part, self._journal.destination(item.destination))
            for item in self._reader.deliveries(found.id)
            if item.state is DeliveryState.DEAD
        ]

    async def _again(self, channel: Channel, found: FoundMessage, mapping: str | None) -> str:
        stored: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        body = self._journal.body(found.id)
        channel.intake.again(body, found.id, mapping, stored.set_result)
        return ids.to_text(await stored)

    async def _redrive(self, channel: Channel, found: FoundMessage, actor: str) -> None:
        """Put the dead deliveries of a message back, as the newest of their lanes."""
        for part, destination in self._dead_deliveries(found):
            delivery = channel.revived(found.id, part, destination)
            dispatch = channel.couriers[destination].dispatch
            await self._durable(
                partial(Redriven, found.id, part, destination, actor),
                partial(dispatch.redrive, delivery),
            )

    async def _durable(self, entry: Callable[[Then], Entry], then: Then) -> None:
        """Have an entry written; `then` follows its commit at once, whoever still waits here."""
        durable = asyncio.Event()

        def committed() -> None:
            then()
            durable.set()

        self._journal.put(entry(committed))
        await durable.wait()

    async def _discard(self, texts: list[str], actor: str) -> Result:
        """Give up dead letters for good; their messages count as filtered."""
        discarded: list[str] = []
        failed: dict[str, str] = {}
        for text in texts:
            found, channel, problem = self._find(text)
            if found is None or (found.word is not Word.DEAD and not self._dead_deliveries(found)):
                failed[text] = problem or "not-dead"
                continue
            self._journal.audit.append(actor, "discard", text)
            parts: list[tuple[int, int | None]] = list(self._dead_deliveries(found))
            for part, destination in parts or [(0, None)]:
                courier = channel.couriers.get(destination or 0) if channel else None
                after = partial(courier.dispatch.discard, (found.id, part)) if courier else None
                await self._durable(
                    partial(Discarded, found.id, part, destination, actor), after or _nothing
                )
            discarded.append(text)
        return {"discarded": discarded, "failed": failed}


def _nothing() -> None:
    """What follows when nobody in memory needs to know."""

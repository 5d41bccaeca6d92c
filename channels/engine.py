"""All channels together: feeds them what is stored, and starts and stops them in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial

from broker.seam import Broker, Carrier
from channels.backlog import Backlog, Order
from channels.channel import Channel
from channels.courier import Courier
from channels.pipeline import Outcome, where_of
from channels.poison import StartedMark
from channels.pressure import Pressure
from vagus.journal.connect import JournalAway
from vagus.journal.entries import Died, Filtered, Noted, Routed, Target
from vagus.journal.journal import Journal
from vagus.kernel.clock import Clock
from vagus.kernel.envelope import Delivery, Envelope
from vagus.kernel.errors import EngineFault, MessageError
from vagus.kernel.log import get_logger

log = get_logger(__name__)

FEED_LIMIT = 20_000
BUDGET = 16  # messages per turn of the event loop, so that sockets are served in between
PATIENCE = 10.0
PART_FILTERED = "part-filtered"
CHECKED = "checked"  # and found to break its standard, which the channel lets pass


class Engine:
    """Runs the channels of a project over one journal and one broker."""

    def __init__(
        self,
        journal: Journal,
        broker: Broker,
        clock: Clock,
        mark: StartedMark,
        soon: Callable[[Callable[[], None]], object],
    ) -> None:
        self.journal = journal
        self.broker = broker
        self.carrier: Carrier | None = None  # what brings events to other processes
        self.channels: dict[int, Channel] = {}
        self.clock = clock
        self._mark = mark
        self._soon = soon  # runs something in the next turn of the event loop
        self._queue: deque[Envelope] = deque()
        self._backlog: Backlog[Envelope] = Backlog(
            self._page, self._queue.append, lambda: len(self._queue), FEED_LIMIT
        )
        self._pumping = False
        self._stopped = False
        self.pressure = Pressure(self)

    def add(self, channel: Channel) -> None:
        """Take a channel in before the start."""
        self.channels[channel.endpoint] = channel
        for courier in channel.couriers.values():
            courier.dispatch.ended = channel.intake.awaiting.ended

    def by_name(self, name: str) -> Channel | None:
        """The channel of that name."""
        return next((item for item in self.channels.values() if item.name == name), None)

    @property
    def couriers(self) -> list[Courier]:
        """Those of all channels."""
        return [item for channel in self.channels.values() for item in channel.couriers.values()]

    @property
    def backlog(self) -> int:
        """Messages in memory that no step has seen yet."""
        return len(self._queue)

    # The life of a message after its acceptance.

    def arrived(self, envelope: Envelope) -> None:
        """A message is durably accepted."""
        if not self._backlog.add(envelope):
            self._backlog.durable(envelope.order)
        self._keep_pumping()

    def _keep_pumping(self) -> None:
        if not self._pumping and not self._stopped:
            self._pumping = True
            self._soon(self._pump)

    def _pump(self) -> None:
        self._pumping = False
        queue = self._queue
        if not queue and self._backlog.wants_rows:
            try:
                self._backlog.refill()
            except JournalAway:
                pass  # asked again in the next turn
        for _ in range(min(BUDGET, len(queue))):
            self._process(queue.popleft())
        self.pressure.check()
        if queue or self._backlog.wants_rows:
            self._keep_pumping()

    def _process(self, envelope: Envelope) -> None:
        channel = self.channels.get(envelope.endpoint)
        if channel is None:
            return  # its channel is switched off: it stays stored until it is on again
        owed: list[Delivery] = []
        if not self._mark.start(envelope.id):
            outcome = Outcome(error=_Poison("killed-the-process"))
        else:
            try:
                outcome = channel.pipeline.run(envelope)
                owed = channel.deliveries(envelope, outcome)
            except Exception:  # a defect of ours must not stop the feed, nor lose the message
                log.exception("pipeline_fault", channel=channel.name)
                outcome = Outcome(error=_Defect("engine-defect"))
        self._mark.finish()
        self._record(channel, envelope, outcome, owed)

    def _record(
        self, channel: Channel, envelope: Envelope, outcome: Outcome, owed: list[Delivery]
    ) -> None:
        number, endpoint, error = envelope.id, channel.endpoint, outcome.error
        for note in outcome.notes:
            self.journal.put(Noted(number, CHECKED, detail=note))
        if error is None and owed:
            targets = [Target(item.destination, item.part, b"".join(item.lanes)) for item in owed]
            mapping = outcome.routed[0][0].mapping
            self.broker.publish(Routed(number, endpoint, mapping, targets), owed)
            for part, reason in outcome.dropped:
                self.journal.put(Noted(number, PART_FILTERED, detail=f"{part} {reason}"))
            return
        ended: Died | Filtered
        if error is not None:
            ended = Died(number, endpoint, error.stage, error.code, where_of(error))
        else:
            ended = Filtered(number, endpoint, outcome.dropped[0][1])
        if number in channel.intake.awaiting:
            ended.then = partial(channel.intake.awaiting.ended, number)
        self.journal.put(ended)

    def _page(self, after: Order, limit: int) -> list[Envelope]:
        page = []
        for row in self.journal.stored(after[0], limit):
            envelope = Envelope(
                row.id, row.endpoint, row.body or b"", cause=row.cause, override=row.override
            )
            if row.body is None:
                self.journal.put(Died(row.id, row.endpoint, "corrupt", "corrupt"))
                envelope.endpoint = 0  # nobody's: only the place in the order counts
            page.append(envelope)
        return page

    # Starting and stopping.

    async def start(self) -> None:
        """Destinations first, then what is stored, then the sources."""
        for courier in self.couriers:
            await courier.start()
        self._keep_pumping()
        for channel in self.channels.values():
            for source in channel.sources:
                await source.start(channel.intake)
        self.pressure.start()

    async def stop(self, patience: float = PATIENCE) -> None:
        """Sources first, then what is under way, then the journal."""
        sources = [source for channel in self.channels.values() for source in channel.sources]
        await asyncio.gather(*(source.stop() for source in sources))
        await self.drain(patience)
        self._stopped = True
        await self.pressure.stop()
        await asyncio.gather(*(courier.stop(patience) for courier in self.couriers))
        try:
            async with asyncio.timeout(patience):
                await self.journal.flush()
        except (EngineFault, TimeoutError):
            pass  # failed, or without disk: what is not durable was told to nobody
        self._mark.close()

    async def drain(self, patience: float) -> bool:
        """Wait until nothing is open that could still move; False when patience ran out."""
        deadline = self.clock.monotonic() + patience
        while self.clock.monotonic() < deadline:
            if not self._moving() and not self.journal.busy:
                return True
            await asyncio.sleep(0.01)
        return False

    def _moving(self) -> bool:
        if self._queue or not self._backlog.hot:
            return True
        return any(
            (item.dispatch.in_flight and not item.dispatch.health.away)
            or (item.dispatch.available and not item.dispatch.health.down)
            or (item.dispatch.cold and not item.dispatch.health.down)
            for item in self.couriers
            if not item.dispatch.paused
        )


class _Poison(MessageError):
    stage = "poison"


class _Defect(MessageError):
    stage = "engine"

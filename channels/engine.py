"""All channels together: feeds them what is stored, and starts and stops them in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from broker.seam import Broker
from channels.backlog import Backlog, Order
from channels.channel import Channel
from channels.courier import Courier
from channels.pipeline import Outcome, where_of
from channels.poison import StartedMark
from channels.pressure import Pressure
from vagus.formats.format import Verdict
from vagus.journal.entries import Died, Filtered, Routed, Target
from vagus.journal.journal import Journal
from vagus.kernel.clock import Clock
from vagus.kernel.envelope import Delivery, Envelope
from vagus.kernel.errors import MessageError
from vagus.kernel.log import get_logger

log = get_logger(__name__)

FEED_LIMIT = 20_000
BUDGET = 16  # messages per turn of the event loop, so that sockets are served in between
PATIENCE = 10.0


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
        if channel.intake.awaits:
            awaiting = channel.intake.awaiting

            def ended(delivery: Delivery, dead: bool) -> None:
                awaiting.one_done(delivery.message, dead=dead)

            for courier in channel.couriers.values():
                courier.dispatch.ended = ended

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
            self._backlog.refill()
        for _ in range(min(BUDGET, len(queue))):
            self._process(queue.popleft())
        self.pressure.check()
        if queue or self._backlog.wants_rows:
            self._keep_pumping()

    def _process(self, envelope: Envelope) -> None:
        channel = self.channels.get(envelope.endpoint)
        if channel is None:
            return  # its channel is switched off: it stays stored until it is on again
        if not self._mark.start(envelope.id):
            outcome = Outcome(error=_Poison("killed-the-process"))
        else:
            outcome = self._run(channel, envelope)
        self._mark.finish()
        self._record(channel, envelope, outcome)

    def _run(self, channel: Channel, envelope: Envelope) -> Outcome:
        try:
            return channel.pipeline.run(envelope)
        except Exception:  # a defect of ours must not stop the feed, nor lose the message
            log.exception("pipeline_fault", channel=channel.name)
            return Outcome(error=_Defect("engine-defect"))

    def _record(self, channel: Channel, envelope: Envelope, outcome: Outcome) -> None:
        if outcome.error is not None:
            self._put_died(channel, envelope, outcome.error)
        elif not outcome.routed:
            filtered = Filtered(envelope.id, channel.endpoint, outcome.dropped)
            if channel.intake.awaits:
                filtered.then = lambda: channel.intake.awaiting.done(envelope.id, Verdict.ACCEPTED)
            self.journal.put(filtered)
        else:
            owed = channel.deliveries(envelope, outcome)
            targets = [Target(item.destination, item.part, b"".join(item.lanes)) for item in owed]
            if channel.intake.awaits:
                channel.intake.awaiting.fanout(envelope.id, len(owed))
            mapping = outcome.routed[0][0].mapping
            self.broker.publish(Routed(envelope.id, channel.endpoint, mapping, targets), owed)

    def _put_died(self, channel: Channel, envelope: Envelope, error: MessageError) -> None:
        died = Died(envelope.id, channel.endpoint, error.stage, error.code, where_of(error))
        if channel.intake.awaits:
            died.then = lambda: channel.intake.awaiting.done(envelope.id, Verdict.ERROR)
        self.journal.put(died)

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
        for channel in self.channels.values():
            for source in channel.sources:
                await source.stop()
        await self.drain(patience)
        self._stopped = True
        await self.pressure.stop()
        await asyncio.gather(*(courier.stop(patience) for courier in self.couriers))
        await self.journal.flush()
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
            item.dispatch.in_flight
            or (item.dispatch.available and not item.dispatch.health.down)
            or (item.dispatch.cold and not item.dispatch.health.down)
            for item in self.couriers
            if not item.dispatch.paused
        )


class _Poison(MessageError):
    stage = "poison"


class _Defect(MessageError):
    stage = "engine"

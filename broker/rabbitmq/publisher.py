"""Publishing with confirms, a window of them at once: nothing is done before the broker says so.

What was sent and not confirmed is *pending*, in the order sent; what was not sent is *waiting*.
When the connection goes, what is pending is in doubt: it is sent again first, in order, under the
same id. So the broker may get an event twice, and never one that is older than its predecessor.
A confirm that does not come in time means the same: in doubt, send again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

import pika
from pika.channel import Channel

from broker.rabbitmq.declaring import answered, declare
from broker.rabbitmq.link import Link, LinkDown
from broker.rabbitmq.settings import RabbitMQ
from broker.rabbitmq.topology import Topology, routing_key
from broker.seam import CarrierMeasures, CarrierState, Event, Refused
from vagus.kernel.clock import Clock
from vagus.kernel.log import get_logger

log = get_logger(__name__)

BUDGET = 64  # events sent in one turn of the event loop
SWEEP_SECONDS = 0.5
PERSISTENT = 2
CONTENT_TYPE = "application/jose"
UNROUTED = "unrouted"
REFUSED = "refused-by-broker"
Availability = Callable[[bool], None]


class _Item:
    """One event on its way, and who waits for its confirm."""

    __slots__ = ("event", "future", "returned", "sent")

    def __init__(self, event: Event, future: asyncio.Future[None]) -> None:
        self.event = event
        self.future = future
        self.returned = False
        self.sent = 0.0


class Publisher:
    """Hands events to RabbitMQ; made for one event loop."""

    kind = "rabbitmq"

    def __init__(
        self,
        name: str,
        settings: RabbitMQ,
        topology: Topology,
        clock: Clock,
        *,
        declares: bool = True,
    ) -> None:
        self._declares = declares
        self.window = settings.window
        self._timeout = settings.confirm_timeout
        self._topology = topology
        self._clock = clock
        self._link = Link(name, settings, self, self._prepare)
        self._channel: Channel | None = None
        self._pending: dict[int, _Item] = {}  # by delivery tag, which is the order sent
        self._waiting: deque[_Item] = deque()
        self._tag = 0
        self._blocked = False
        self._flushing = False
        self._watching: list[Availability] = []
        self._sweeper: asyncio.Task[None] | None = None
        self._mending: asyncio.Task[None] | None = None
        self.measures = CarrierMeasures()

    def start(self) -> None:
        """Begin to connect; events may be published at once. Raises ConfigError."""
        self._link.start()
        self._sweeper = asyncio.create_task(self._sweep(), name="publisher-sweep")

    async def stop(self) -> None:
        """Close the connection; whoever still waits hears nothing more."""
        tasks = [task for task in (self._sweeper, self._mending) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._link.stop()

    def watch(self, told: Availability) -> None:
        """Have somebody told when events can be sent, and when not."""
        self._watching.append(told)
        told(self.available)

    @property
    def available(self) -> bool:
        """Whether the broker takes events now."""
        return self.state is CarrierState.UP

    @property
    def state(self) -> CarrierState:
        """Whether events can be sent now."""
        if self._channel is None:
            return CarrierState.DOWN
        return CarrierState.BLOCKED if self._blocked else CarrierState.UP

    @property
    def unconfirmed(self) -> int:
        """Events sent and not confirmed."""
        return len(self._pending)

    async def publish(self, event: Event) -> None:
        """Return when the broker has confirmed the event; it waits as long as that takes.

        Raises Refused when the broker has nowhere to put it, or will not take it now.
        """
        item = _Item(event, asyncio.get_running_loop().create_future())
        self._waiting.append(item)
        self._flush_soon()
        await item.future

    # What the link says.

    async def _prepare(self, channel: Channel) -> None:
        if self._declares:
            await declare(channel, self._topology)

        def confirm(frame: Any) -> None:
            self._confirmed(channel, frame.method)

        await answered(channel.confirm_delivery, ack_nack_callback=confirm)
        channel.add_on_return_callback(self._came_back)

    def opened(self, channel: Channel) -> None:
        """Send again what is in doubt, before anything new."""
        again = [item for item in self._pending.values() if not item.future.done()]
        self.measures.resent += len(again)
        self._waiting.extendleft(reversed(again))
        self._pending.clear()
        self._channel, self._tag, self._blocked = channel, 0, False
        self.measures.connects += 1
        self._tell()
        self._flush_soon()

    def closed(self) -> None:
        """Nothing can be sent; what is pending stays pending until the next connection."""
        self._channel = None
        self._tell()

    def blocked(self, *, blocked: bool) -> None:
        """The broker is short of memory or disk: hold everything, time-outs too."""
        log.warning("broker_blocked" if blocked else "broker_unblocked")
        self._blocked = blocked
        now = self._clock.monotonic()
        for item in self._pending.values():
            item.sent = now
        self._tell()
        self._flush_soon()

    def _tell(self) -> None:
        for told in self._watching:
            told(self.available)

    # Sending.

    def _flush_soon(self) -> None:
        if not self._flushing and self._waiting and self.available:
            self._flushing = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        waiting, pending, channel = self._waiting, self._pending, self._channel
        if channel is None or not channel.is_open or self._blocked:
            return
        now = self._clock.monotonic()
        room = min(BUDGET, self.window - len(pending))
        while waiting and room > 0:
            item = waiting.popleft()
            if item.future.done():
                continue  # whoever wanted it has gone
            self._tag += 1
            room -= 1
            item.sent, item.returned = now, False
            pending[self._tag] = item
            self._send(channel, item.event)
        if len(pending) < self.window:
            self._flush_soon()

    def _send(self, channel: Channel, event: Event) -> None:
        properties = pika.BasicProperties(
            content_type=CONTENT_TYPE,
            delivery_mode=PERSISTENT,
            message_id=event.id,
            headers=dict(event.headers),
        )
        key = routing_key(event.subscriber, event.type, event.lane)
        channel.basic_publish(self._topology.events, key, event.sealed, properties, mandatory=True)

    # What the broker says.

    def _confirmed(self, channel: Channel, method: Any) -> None:
        """One confirm, for one event or for all up to it."""
        if channel is not self._channel:
            return  # a connection that was given up
        tag, pending = method.delivery_tag, self._pending
        if method.multiple:
            tags = []
            for known in pending:
                if known > tag:
                    break
                tags.append(known)
        else:
            tags = [tag] if tag in pending else []
        taken = isinstance(method, pika.spec.Basic.Ack)
        for known in tags:
            self._settle(pending.pop(known), taken=taken)
        self._flush_soon()

    def _settle(self, item: _Item, *, taken: bool) -> None:
        if item.future.done():
            return
        if taken and not item.returned:
            self.measures.confirmed += 1
            self.measures.sealed_bytes += len(item.event.sealed)
            item.future.set_result(None)
        elif item.returned:
            self.measures.returned += 1
            item.future.set_exception(Refused(UNROUTED))
            self._mend_soon()
        else:
            self.measures.refused += 1
            item.future.set_exception(Refused(REFUSED))

    def _came_back(self, _: Channel, method: Any, properties: Any, __: bytes) -> None:
        """An event that no queue takes; its confirm follows, and does not mean taken."""
        for item in self._pending.values():
            if item.event.id == properties.message_id and method.routing_key.startswith(
                item.event.subscriber + "."
            ):
                item.returned = True
                return

    def _mend_soon(self) -> None:
        """A queue is missing: declare everything again, beside what is being published."""
        if self._declares and (self._mending is None or self._mending.done()):
            self._mending = asyncio.create_task(self._mend(), name="publisher-mend")

    async def _mend(self) -> None:
        log.warning("broker_queue_missing", reason="declaring again")
        try:
            await self._link.aside(lambda channel: declare(channel, self._topology))
        except LinkDown as error:
            log.warning("broker_not_mended", reason=str(error))

    async def _sweep(self) -> None:
        """Confirms that are overdue: all that is pending is in doubt."""
        while True:
            await asyncio.sleep(min(SWEEP_SECONDS, self._timeout / 4))
            if not self.available or not self._pending:
                continue
            oldest = next(iter(self._pending.values()))
            if self._clock.monotonic() - oldest.sent > self._timeout:
                self._link.restart("confirm-timeout")

"""Taking events from queues: so many at a time, each settled once, in the order of the queue.

The end of a consumer must not break the order. So it is never cancelled and never closed while it
holds events: what is under way is settled, and then the connection is left as a crash would leave
it, which puts the rest back to its place in the queue before anybody else is served.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from pika.channel import Channel

from broker.rabbitmq.declaring import answered
from broker.rabbitmq.link import Link
from broker.rabbitmq.settings import RabbitMQ

FLUSH_SECONDS = 5.0


class Taken:
    """One event that a consumer holds; `sealed` is opaque."""

    __slots__ = ("_channel", "_tag", "headers", "id", "redelivered", "sealed")

    def __init__(self, channel: Channel, method: Any, properties: Any, sealed: bytes) -> None:
        self.id = str(properties.message_id or "")
        self.headers: Mapping[str, Any] = properties.headers or {}
        self.sealed = sealed
        self.redelivered = bool(method.redelivered)
        self._channel = channel
        self._tag = method.delivery_tag

    def ack(self) -> None:
        """It is done with. Once the connection is gone this says nothing to anybody."""
        if self._channel.is_open:
            self._channel.basic_ack(self._tag)

    def reject(self) -> None:
        """It is given up, and goes to the dead letters of its queue."""
        if self._channel.is_open:
            self._channel.basic_reject(self._tag, requeue=False)


class Worker(Protocol):
    """Whoever works off what a consumer takes."""

    async def begin(self) -> None:
        """A connection is there, and nothing was taken on it yet. What was held is void."""
        ...

    def take(self, taken: Taken) -> None:
        """Take one event; it must be settled in the end."""
        ...

    def lost(self) -> None:
        """The connection is gone: what is held will come again, to us or to somebody else."""
        ...


class Consumer:
    """Feeds a worker from queues, over a connection that is kept up."""

    def __init__(
        self, name: str, settings: RabbitMQ, queues: Sequence[str], worker: Worker
    ) -> None:
        self._prefetch = settings.prefetch
        self._queues = queues
        self._worker = worker
        self._channel: Channel | None = None
        self._link = Link(name, settings, self, self._prepare)

    def start(self) -> None:
        """Begin to connect; raises ConfigError."""
        self._link.start()

    @property
    def connected(self) -> bool:
        """Whether events can come."""
        return self._channel is not None

    async def stop(self) -> None:
        """Make sure that the broker has heard what was settled, and leave."""
        channel = self._channel
        if channel is not None and channel.is_open:
            try:
                async with asyncio.timeout(FLUSH_SECONDS):
                    # An answer on the same channel: all that was said before it was heard.
                    await answered(channel.basic_qos, prefetch_count=self._prefetch)
            except TimeoutError:
                pass  # the broker is not there any more; what was settled comes again
        await self._link.stop(abruptly=True)

    async def _prepare(self, channel: Channel) -> None:
        await self._worker.begin()
        channel.add_on_cancel_callback(lambda _: self._link.restart("consumer-cancelled"))
        await answered(channel.basic_qos, prefetch_count=self._prefetch)
        for queue in self._queues:
            await answered(channel.basic_consume, queue=queue, on_message_callback=self._arrived)

    def _arrived(self, channel: Channel, method: Any, properties: Any, sealed: bytes) -> None:
        self._worker.take(Taken(channel, method, properties, sealed))

    def opened(self, channel: Channel) -> None:
        """Events flow."""
        self._channel = channel

    def closed(self) -> None:
        """What is held is void."""
        self._channel = None
        self._worker.lost()

    def blocked(self, *, blocked: bool) -> None:
        """Only those who publish are held up."""

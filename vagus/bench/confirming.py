"""The bare loop that publishing is compared with: a window of unconfirmed messages, nothing else.

Publishes messages of one size to one quorum queue and counts confirms; no journal, no mapping, no
encryption, no headers.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

import pika
from pika.adapters.asyncio_connection import AsyncioConnection
from pika.channel import Channel

from vagus.bench.load import print_line
from vagus.kernel.process import loop_factory

QUEUE = "vagus.bench.bare"
PERSISTENT = pika.BasicProperties(delivery_mode=2)


class Loop:
    """Keeps a window of messages unconfirmed until a moment."""

    def __init__(self, url: str, size: int, window: int, seconds: float, warm: float) -> None:
        self._body = bytes(size)
        self._window = window
        self._begin = time.perf_counter() + warm
        self._end = self._begin + seconds
        self._tag = self._confirmed = self.counted = 0
        self.done = asyncio.get_running_loop().create_future()
        self._connection = AsyncioConnection(
            pika.URLParameters(url),
            on_open_callback=lambda connection: connection.channel(on_open_callback=self._opened),
            on_open_error_callback=self._failed,
            on_close_callback=self._failed,
        )

    def _failed(self, _: Any, error: BaseException) -> None:
        if not self.done.done():
            self.done.set_exception(ConnectionError(type(error).__name__))

    def _opened(self, channel: Channel) -> None:
        self._channel = channel
        arguments = {"x-queue-type": "quorum"}
        channel.queue_declare(QUEUE, durable=True, arguments=arguments, callback=self._declared)

    def _declared(self, _: Any) -> None:
        self._channel.confirm_delivery(self._heard, callback=lambda _: self._fill())

    def _fill(self) -> None:
        while self._tag - self._confirmed < self._window:
            self._tag += 1
            self._channel.basic_publish("", QUEUE, self._body, PERSISTENT, mandatory=True)

    def _heard(self, frame: Any) -> None:
        method, now = frame.method, time.perf_counter()
        # Confirms of one queue come in order: everything up to this tag is confirmed.
        fresh = max(0, method.delivery_tag - self._confirmed) if method.multiple else 1
        self._confirmed += fresh
        if self._begin <= now < self._end:
            self.counted += fresh
        if now < self._end:
            self._fill()
        elif not self.done.done():
            self.done.set_result(None)
            self._channel.queue_delete(QUEUE, callback=lambda _: self._connection.close())


async def measure(url: str, size: int, window: int, seconds: float, warm: float) -> None:
    """Publish for a while and print how much was confirmed a second."""
    loop = Loop(url, size, window, seconds, warm)
    await loop.done
    await asyncio.sleep(0.5)
    print_line({"confirmed_per_s": round(loop.counted / seconds, 1)})


if __name__ == "__main__":
    factory = loop_factory() if sys.argv[6] == "fast" else None
    size, window = int(sys.argv[2]), int(sys.argv[3])
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(measure(sys.argv[1], size, window, float(sys.argv[4]), float(sys.argv[5])))

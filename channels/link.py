"""A destination that is another channel of the same engine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from channels.intake import Intake
from connectors.seam import Outbound, Receipt, Reply
from vagus.kernel.errors import DeliveryRejected


class Link:
    """Hands deliveries to another channel's intake; done once they are durable there."""

    concurrency = 8

    def __init__(self, target: Callable[[], Intake]) -> None:
        self._target = target

    async def open(self) -> None:
        """Nothing to prepare."""

    async def send(self, message: Outbound) -> Receipt:
        """Wait until the other channel has stored it; raises DeliveryRejected if it refuses."""
        stored: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

        def respond(reply: Reply) -> None:
            if not stored.done():
                stored.set_result(reply)

        self._target().receive(message.body, "channel", respond)
        if not (await stored).accepted:
            raise DeliveryRejected("refused-by-channel")
        return Receipt("stored")

    async def close(self) -> None:
        """Nothing to let go of."""


class LinkedSource:
    """The source of a channel that other channels send to; there is nothing to listen to."""

    def __init__(self) -> None:
        self.paused = False

    async def start(self, receiver: object) -> None:
        """Nothing to start."""

    def pause(self) -> None:
        """The other channels keep what they have until it is resumed."""
        self.paused = True

    def resume(self) -> None:
        """Take messages again."""
        self.paused = False

    async def stop(self) -> None:
        """Nothing to close."""

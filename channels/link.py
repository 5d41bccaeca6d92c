"""A destination that is another channel of the same engine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from channels.intake import Intake
from connectors.seam import Outbound, Receipt, Reply
from vagus.kernel.errors import DeliveryDelayed, DeliveryRejected

PAUSED_SECONDS = 1.0


class Target(Protocol):
    """The channel that a link leads to."""

    intake: Intake
    paused: bool


class Link:
    """Hands deliveries to another channel's intake; done once they are durable there."""

    concurrency = 8

    def __init__(self, target: Callable[[], Target]) -> None:
        self._target = target

    async def open(self) -> None:
        """Nothing to prepare."""

    async def send(self, message: Outbound) -> Receipt:
        """Wait until the other channel has taken it.

        Raises DeliveryRejected when it refuses the message, DeliveryDelayed while it is paused.
        """
        target = self._target()
        if target.paused:
            raise DeliveryDelayed("paused", after=PAUSED_SECONDS)
        stored: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

        def respond(reply: Reply) -> None:
            if not stored.done():
                stored.set_result(reply)

        target.intake.receive(message.body, "channel", respond)
        if not (await stored).accepted:
            raise DeliveryRejected("refused-by-channel")
        return Receipt("stored")

    async def close(self) -> None:
        """Nothing to let go of."""


class LinkedSource:
    """The source of a channel that other channels send to; there is nothing to listen to.

    Back-pressure does not hold it up: what it would keep out is already inside.
    """

    async def start(self, receiver: object) -> None:
        """Nothing to start."""

    def pause(self) -> None:
        """Nothing to do: links look whether an operator has paused the channel."""

    def resume(self) -> None:
        """Nothing to do."""

    async def stop(self) -> None:
        """Nothing to close."""

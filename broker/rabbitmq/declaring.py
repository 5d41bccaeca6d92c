"""Having the broker make what a topology says; what is there already must be the same."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from pika.channel import Channel

from broker.rabbitmq.topology import Topology


async def declare(channel: Channel, topology: Topology) -> None:
    """Declare exchanges, queues and bindings.

    When one is there with other arguments the broker closes the channel, with reply code 406.
    """
    for exchange in topology.exchanges():
        await answered(
            channel.exchange_declare, exchange=exchange, exchange_type="topic", durable=True
        )
    for queue, arguments in topology.declared():
        await answered(channel.queue_declare, queue=queue, durable=True, arguments=arguments)
    for exchange, queue, key in topology.bindings():
        await answered(channel.queue_bind, queue=queue, exchange=exchange, routing_key=key)


async def answered(method: Callable[..., Any], **arguments: Any) -> Any:
    """The broker's answer to a method of a channel."""
    answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def arrived(frame: Any) -> None:
        if not answer.done():
            answer.set_result(frame)

    method(callback=arrived, **arguments)
    return await answer

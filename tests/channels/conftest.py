"""A destination's queue on a real journal, without channel, steps or sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from broker.embedded import EmbeddedBroker
from broker.seam import Queue
from channels.dispatch import Dispatch
from channels.health import Health
from channels.retry import RetryPolicy
from vagus.journal.entries import Accept, Routed, Target
from vagus.journal.journal import Journal
from vagus.kernel.clock import ManualClock
from vagus.kernel.envelope import Delivery
from vagus.kernel.keys import Keyset


def lane(name: str) -> bytes:
    return name.encode().ljust(12, b".")


class Bench:
    """Publishes to one destination and plays its couriers."""

    def __init__(self, folder: Path, keys: Keyset, **options: Any) -> None:
        self._folder = folder
        self._keys = keys
        self._options = options
        self.clock = ManualClock()
        self.order: list[int] = []

    async def open(self) -> Bench:
        self.journal = await Journal.open(self._folder, self._keys, self.clock)
        self.broker = EmbeddedBroker(self.journal)
        self.endpoint = self.journal.endpoint("bench")
        self.destination = self.journal.destination("bench.peer")
        options = dict(self._options)
        policy = RetryPolicy(options.pop("attempts", 3), 1.0, 8.0)
        health = Health(options.pop("concurrency", 4), lambda: 0.5)
        self.dispatch = Dispatch(
            self.destination, self.broker, policy, health, lambda: 0.5, **options
        )
        self.broker.attach(Queue(self.destination, "bench.peer", "bench"), self.dispatch)
        self.dispatch.recover()
        return self

    async def again(self) -> Bench:
        """Stop and start on the same journal."""
        await self.journal.close()
        return await self.open()

    def publish(self, *lanes: str) -> int:
        """One message with one delivery in those lanes; its id."""
        number = self.journal.ids.next()
        body = b"%d" % number
        self.journal.put(
            Accept(
                number, self.endpoint, "ADT^A08", str(number), 1, None, sha256(body).digest(), body
            )
        )
        tokens = tuple(map(lane, lanes))
        delivery = Delivery(number, 0, self.destination, tokens, content=str(number))
        targets = [Target(self.destination, 0, b"".join(tokens))]
        self.broker.publish(Routed(number, self.endpoint, b"", targets), [delivery])
        return number

    def take(self) -> Delivery | None:
        return self.dispatch.take(self.clock.now())

    def took(self) -> int | None:
        """The id of what may be sent now."""
        delivery = self.take()
        return None if delivery is None else delivery.message

    async def sent(self, delivery: Delivery) -> None:
        self.order.append(delivery.message)
        self.dispatch.delivered(delivery, b"digest")
        await self.journal.flush()

    def fails(self, delivery: Delivery, error: Exception) -> None:
        self.dispatch.failed(delivery, error, self.clock.now())  # type: ignore[arg-type]

    async def drain(self) -> list[int]:
        """Send whatever can be sent, one at a time; the ids in their order."""
        sent: list[int] = []
        while (delivery := self.take()) is not None:
            await self.sent(delivery)
            sent.append(delivery.message)
        return sent

    def figures(self) -> dict[str, int]:
        return self.journal.counts()["destinations"]["bench.peer"]


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Callable[..., Any]]:
    """Makes benches on one journal folder; all are closed at the end."""
    made: list[Bench] = []
    keys = Keyset.generate()

    async def make(**options: Any) -> Bench:
        made.append(await Bench(tmp_path / f"data{len(made)}", keys, **options).open())
        return made[-1]

    yield make
    for item in made:
        await item.journal.close()

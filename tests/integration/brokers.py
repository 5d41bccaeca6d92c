"""What a broker is to its users, over both of them: publish to one queue, handle, settle.

Embedded: the queue is rows of a journal, worked off in this process. RabbitMQ: the same rows are
the outbox, an automation handles what arrives.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from broker.embedded import EmbeddedBroker
from broker.rabbitmq.publisher import Publisher
from broker.rabbitmq.settings import RabbitMQ
from broker.rabbitmq.topology import Subscriber, Topology
from broker.seam import Queue
from channels.courier import Courier
from channels.dispatch import Dispatch
from channels.health import Health
from channels.measure import DestinationMeasures
from channels.publication import Publication
from channels.retry import RetryPolicy
from connectors.seam import Destination, Outbound, Receipt
from peers.rabbitmq import Server
from vagus.automations import Automation, Event
from vagus.journal.entries import Accept, Redriven, Routed, Target
from vagus.journal.journal import Journal
from vagus.kernel import ids, jwe
from vagus.kernel.clock import SystemClock
from vagus.kernel.envelope import Delivery
from vagus.kernel.keys import Keyset

ATTEMPTS = 3
CONCURRENCY = 4
CLOCK = SystemClock()
Handle = Callable[[str, int], Awaitable[None]]  # lane and number


class Outbox:
    """A journal with one queue, and a courier that works it off."""

    def __init__(self, folder: Path, keys: Keyset, destination: Destination) -> None:
        self._folder = folder
        self._keys = keys
        self._destination = destination

    async def open(self) -> None:
        self.journal = await Journal.open(self._folder, self._keys, CLOCK)
        self._broker = EmbeddedBroker(self.journal)
        self._endpoint = self.journal.endpoint("trial")
        self._number = self.journal.destination("trial.to.desk")
        policy = RetryPolicy(ATTEMPTS, 0.02, 0.05)
        health = Health(self._destination.concurrency, lambda: 0.5)
        self.dispatch = Dispatch(self._number, self._broker, policy, health, lambda: 0.5)
        self._broker.attach(Queue(self._number, "trial.to.desk", "trial"), self.dispatch)
        measures = DestinationMeasures()
        self._courier = Courier("desk", self.dispatch, self._destination, CLOCK, measures)
        self._courier.make = self._make
        await self._courier.start()

    async def close(self) -> None:
        await self._courier.stop(5.0)
        await self.journal.close()

    def publish(self, lane: str, number: int) -> str:
        """One message with one delivery; its id."""
        id = self.journal.ids.next()
        body = json.dumps({"lane": lane, "number": number}).encode()
        digest = sha256(body).digest()
        self.journal.put(Accept(id, self._endpoint, "ADT^A08", str(id), 1, None, digest, body))
        token = sha256(lane.encode()).digest()[:12]
        delivery = Delivery(id, 0, self._number, (token,), content=body)
        targets = [Target(self._number, 0, token)]
        self._broker.publish(Routed(id, self._endpoint, b"", targets), [delivery])
        return ids.to_text(id)

    def _make(self, delivery: Delivery) -> Outbound:
        body = delivery.content or self.journal.body(delivery.message)
        key = ids.to_text(delivery.message)
        return Outbound(key, body, "patient.updated", delivery.lanes)

    def dead(self) -> list[str]:
        """The ids of what was given up."""
        return [ids.to_text(row.message) for row in self.journal.dead(self._number)]

    async def redrive(self, id: str) -> None:
        """Put a dead delivery back in line."""
        number = ids.from_text(id)
        (row,) = [row for row in self.journal.dead(self._number) if row.message == number]
        delivery = Delivery(number, 0, self._number, (row.lane,), redriven=True)
        then = partial(self.dispatch.redrive, delivery)
        self.journal.put(Redriven(number, 0, self._number, "op", then))
        await self.journal.flush()


class Handlers:
    """A destination that is a function."""

    concurrency = CONCURRENCY

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    async def open(self) -> None: ...

    async def send(self, message: Outbound) -> Receipt:
        data = json.loads(message.body)
        await self._handle(data["lane"], data["number"])
        return Receipt("done")

    async def close(self) -> None: ...


class System(ABC):
    """One broker with a queue and a handler."""

    handle: Handle

    async def call(self, lane: str, number: int) -> None:
        await self.handle(lane, number)

    @abstractmethod
    async def start(self) -> None: ...

    @abstractmethod
    async def stop(self) -> None: ...

    @abstractmethod
    def publish(self, lane: str, number: int) -> str: ...

    @abstractmethod
    def dead(self) -> list[str]: ...

    @abstractmethod
    async def redrive(self, id: str) -> None: ...


class Embedded(System):
    """Rows of the journal, handled in this process."""

    def __init__(self, folder: Path, keys: Keyset) -> None:
        self._box = Outbox(folder / "data", keys, Handlers(self.call))

    async def start(self) -> None:
        await self._box.open()

    async def stop(self) -> None:
        await self._box.close()

    def publish(self, lane: str, number: int) -> str:
        return self._box.publish(lane, number)

    def dead(self) -> list[str]:
        return self._box.dead()

    async def redrive(self, id: str) -> None:
        await self._box.redrive(id)


class Remote(System):
    """Rows of the journal as the outbox, a real RabbitMQ, and an automation."""

    def __init__(self, folder: Path, keys: Keyset, server: Server) -> None:
        self._settings = {"url": server.url, "prefetch": 16}
        self._topology = Topology("trial", (Subscriber("desk"),))
        self._folder = folder
        self._keys = keys
        self._key = folder / "desk.jwk"
        self._key.write_text(jwe.generate("desk-1"))
        self._key.chmod(0o600)

    async def start(self) -> None:
        settings = RabbitMQ.model_validate(self._settings)
        self._publisher = Publisher("trial", settings, self._topology, CLOCK)
        seal = jwe.load(self._key)[0].seal
        publication = Publication(self._publisher, "desk", "/trial/bench", seal)
        self._box = Outbox(self._folder / "data", self._keys, publication)
        self._publisher.start()
        await self._box.open()
        self._publisher.watch(self._box.dispatch.reach)
        self._desk = self._automation()
        await self._desk.start()

    def _automation(self) -> Automation:
        more: dict[str, Any] = {"attempts": ATTEMPTS, "first": 0.02, "longest": 0.05}
        desk = Automation(
            "desk",
            project="trial",
            rabbitmq=self._settings,
            key=self._key,
            state=self._folder / "state",
            concurrency=CONCURRENCY,
            **more,
        )

        @desk.on("*")
        async def handle(event: Event) -> None:
            data = json.loads(event.content)
            await self.call(data["lane"], data["number"])

        return desk

    async def stop(self) -> None:
        await self._desk.stop(5.0)
        await self._box.close()
        await self._publisher.stop()

    def publish(self, lane: str, number: int) -> str:
        return self._box.publish(lane, number)

    def dead(self) -> list[str]:
        return [item.id for item in self._desk.dead_letters()]

    async def redrive(self, id: str) -> None:
        assert self._desk.redrive(id)

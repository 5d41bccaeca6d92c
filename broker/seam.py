"""What a broker offers: queues that get events, durably and in order per lane.

A queue is known by the small number the journal gives its name. Bodies are opaque: a broker
reads neither `Delivery.content` nor what a consumer makes of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from vagus.journal.entries import Entry, Routed
from vagus.kernel.envelope import Delivery

Order = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Queue:
    """What one consumer gets: its name, who feeds it, and the event patterns it wants."""

    id: int
    name: str
    channel: str
    patterns: tuple[str, ...] = ()


class Consumer(Protocol):
    """Whoever works off a queue."""

    def add(self, delivery: Delivery) -> bool:
        """Take one; False when it stays with the broker, then `durable` follows."""
        ...

    def durable(self, order: Order) -> None:
        """A delivery that was not taken is safe with the broker."""
        ...


class Broker(Protocol):
    """Carries events from channels to queues."""

    kind: str

    def attach(self, queue: Queue, consumer: Consumer) -> None:
        """Declare a queue and who works it off."""
        ...

    def publish(self, routed: Routed, deliveries: Sequence[Delivery]) -> None:
        """Hand over the deliveries of one message; durable together with its outcome."""
        ...

    def put(self, entry: Entry) -> None:
        """Record what became of a delivery."""
        ...

    def waiting(self, destination: int, after: Order, limit: int) -> list[Delivery]:
        """Deliveries of a queue that wait, in order of acceptance."""
        ...

    def lane_waiting(
        self, destination: int, lane: bytes, first: Order, last: Order, limit: int
    ) -> list[Delivery]:
        """Those of one lane between two places, both included."""
        ...

    def dead(self, destination: int, after: Order, limit: int) -> list[Delivery]:
        """Deliveries of a queue that were given up and not dealt with, in order."""
        ...

    def queues(self) -> list[Queue]:
        """Every queue that is declared."""
        ...


@dataclass(frozen=True, slots=True)
class Event:
    """One canonical event on its way to one subscriber.

    `sealed` is opaque; `headers` and everything else here may be read by whoever looks at the
    broker. `lane` is the opaque token of what must stay in order.
    """

    id: str
    subscriber: str
    type: str  # subject.verb
    lane: bytes
    headers: Mapping[str, str]
    sealed: bytes


class Refused(Exception):
    """The broker did not take an event; `code` is a word. It may be sent again."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class CarrierState(StrEnum):
    """Whether a broker takes events."""

    UP = "up"
    BLOCKED = "blocked"  # it is there, and asks to wait
    DOWN = "down"


@dataclass(slots=True)
class CarrierMeasures:
    """What a carrier has seen since its start."""

    connects: int = 0
    confirmed: int = 0
    resent: int = 0  # in doubt, and so sent again
    returned: int = 0  # no queue for it
    refused: int = 0
    sealed_bytes: int = 0  # of what was confirmed


class Carrier(Protocol):
    """Brings events to subscribers in other processes."""

    kind: str
    window: int  # how many events may be under way at once
    measures: CarrierMeasures

    @property
    def state(self) -> CarrierState:
        """Whether events can be sent now."""
        ...

    @property
    def unconfirmed(self) -> int:
        """Events sent and not confirmed."""
        ...

    def start(self) -> None:
        """Begin to connect; what is published waits. Raises ConfigError."""
        ...

    async def stop(self) -> None:
        """Close; whoever still waits for an event hears nothing more."""
        ...

    async def publish(self, event: Event) -> None:
        """Return once the event is durable there; raises Refused."""
        ...

    def watch(self, told: Callable[[bool], None]) -> None:
        """Have somebody told, now and at every change, whether events can be sent."""
        ...

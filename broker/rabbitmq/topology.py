"""The exchanges, queues and bindings of a project, by names that tell nothing about a patient.

Every subscriber has its own queues and its own encrypted copy of each event, so an event is
published once for each of them: a routing key begins with the subscriber's name, and a message
that comes back unrouted says exactly whose queue is missing. The last word of the routing key is
the partition, 16 in all; a subscriber with several queues has a share of them in each. One queue
has one active consumer, which keeps the order; what that consumer gives up goes to the
subscriber's dead-letter queue, at least once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

PARTITIONS = 16
DELIVERY_LIMIT = 20
MAX_LENGTH = 1_000_000
Arguments = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Subscriber:
    """Who gets events: 1, 2, 4, 8 or 16 queues, in order or not."""

    name: str
    queues: int = 1
    ordered: bool = True


@dataclass(frozen=True, slots=True)
class Topology:
    """What one project declares at the broker."""

    project: str
    subscribers: Sequence[Subscriber] = ()

    @property
    def events(self) -> str:
        """The topic exchange that events are published to."""
        return f"vagus.{self.project}.events"

    @property
    def dead(self) -> str:
        """The topic exchange that gets what consumers give up."""
        return f"vagus.{self.project}.dead"

    def queue(self, subscriber: str, number: int) -> str:
        """One of the queues of a subscriber."""
        return f"vagus.{self.project}.to.{subscriber}.{number}"

    def dead_queue(self, subscriber: str) -> str:
        """Where dead letters of a subscriber wait for somebody."""
        return f"vagus.{self.project}.dead.{subscriber}"

    def queues_of(self, subscriber: Subscriber) -> list[str]:
        """All queues of a subscriber, without that of its dead letters."""
        return [self.queue(subscriber.name, number) for number in range(subscriber.queues)]

    def exchanges(self) -> tuple[str, str]:
        """Both exchanges; they are durable topic exchanges."""
        return self.events, self.dead

    def declared(self) -> Iterator[tuple[str, Arguments]]:
        """Every queue with its arguments."""
        for subscriber in self.subscribers:
            for name in self.queues_of(subscriber):
                yield name, self._arguments(subscriber)
            yield self.dead_queue(subscriber.name), {"x-queue-type": "quorum"}

    def bindings(self) -> Iterator[tuple[str, str, str]]:
        """Exchange, queue and routing key of every binding."""
        for subscriber in self.subscribers:
            for partition in range(PARTITIONS):
                queue = self.queue(subscriber.name, partition % subscriber.queues)
                yield self.events, queue, f"{subscriber.name}.*.*.{partition:02d}"
            yield self.dead, self.dead_queue(subscriber.name), f"{subscriber.name}.#"

    def _arguments(self, subscriber: Subscriber) -> Arguments:
        order = {"x-single-active-consumer": True} if subscriber.ordered else {}
        return {
            "x-queue-type": "quorum",
            **order,
            "x-delivery-limit": DELIVERY_LIMIT,
            "x-max-length": MAX_LENGTH,
            "x-overflow": "reject-publish",
            "x-dead-letter-exchange": self.dead,
            "x-dead-letter-strategy": "at-least-once",
        }

    def definitions(self, vhost: str) -> dict[str, Any]:
        """A definitions document that `rabbitmqctl import_definitions` takes."""
        common = {"vhost": vhost, "durable": True, "auto_delete": False}
        return {
            "exchanges": [
                {"name": name, **common, "type": "topic", "internal": False, "arguments": {}}
                for name in self.exchanges()
            ],
            "queues": [
                {"name": name, **common, "arguments": arguments}
                for name, arguments in self.declared()
            ],
            "bindings": [
                {
                    "source": exchange,
                    "vhost": vhost,
                    "destination": queue,
                    "destination_type": "queue",
                    "routing_key": key,
                    "arguments": {},
                }
                for exchange, queue, key in self.bindings()
            ],
        }


def partition(lane: bytes) -> int:
    """The partition of an opaque lane token, which is a keyed hash already."""
    return lane[0] % PARTITIONS


def routing_key(subscriber: str, event: str, lane: bytes) -> str:
    """Where an event goes: `eligibility.appointment.booked.07`."""
    return f"{subscriber}.{event}.{partition(lane):02d}"

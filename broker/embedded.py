"""The embedded broker: queues are the delivery rows of the journal.

Publishing is the insert in the very transaction that records a message's outcome, so there is
nothing in between that could be lost or be in doubt.
"""

from __future__ import annotations

from collections.abc import Sequence

from broker.seam import Consumer, Order, Queue
from vagus.journal.entries import Routed
from vagus.journal.journal import Journal
from vagus.journal.rows import Open
from vagus.kernel.envelope import Delivery

LANE_BYTES = 12


class EmbeddedBroker:
    """Queues of one process, in its own journal."""

    kind = "embedded"

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._queues: dict[int, Queue] = {}
        self._consumers: dict[int, Consumer] = {}
        self.put = journal.put

    def attach(self, queue: Queue, consumer: Consumer) -> None:
        """Declare a queue and who works it off."""
        self._queues[queue.id] = queue
        self._consumers[queue.id] = consumer

    def publish(self, routed: Routed, deliveries: Sequence[Delivery]) -> None:
        """Record the outcome with its deliveries, and hand them to their consumers."""
        late = [
            delivery
            for delivery in deliveries
            if not self._consumers[delivery.destination].add(delivery)
        ]
        if late:
            before = routed.then

            def durable() -> None:
                if before is not None:
                    before()
                for delivery in late:
                    self._consumers[delivery.destination].durable(delivery.order)

            routed.then = durable
        self._journal.put(routed)

    def waiting(self, destination: int, after: Order, limit: int) -> list[Delivery]:
        """Deliveries of a queue that wait, in order of acceptance."""
        return [_delivery(row) for row in self._journal.waiting(destination, after, limit)]

    def lane_waiting(
        self, destination: int, lane: bytes, first: Order, last: Order, limit: int
    ) -> list[Delivery]:
        """Those of one lane between two places, both included."""
        after = (first[0], first[1] - 1)
        rows = self._journal.lane_waiting(destination, lane, after, limit)
        return [_delivery(row) for row in rows if (row.message, row.part) <= last]

    def dead(self, destination: int, after: Order, limit: int) -> list[Delivery]:
        """Deliveries of a queue that were given up and not dealt with, in order."""
        return [_delivery(row) for row in self._journal.dead(destination, after, limit)]

    def queues(self) -> list[Queue]:
        """Every queue that is declared."""
        return list(self._queues.values())


def _delivery(row: Open) -> Delivery:
    lane = row.lane
    lanes = tuple(lane[at : at + LANE_BYTES] for at in range(0, len(lane), LANE_BYTES))
    return Delivery(
        message=row.message,
        part=row.part,
        destination=row.destination,
        lanes=lanes,
        attempts=row.attempts,
        due=(row.due or 0) / 1000,
    )

"""Lanes: first in, first out per key, parallel across keys; a merge holds both its keys.

A delivery joins the queue of each of its keys in one step, so the order is total and nothing
can wait in a circle. It is ready when it stands at the head of all of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from itertools import islice

from vagus.kernel.envelope import Delivery

Order = tuple[int, int]


class Spill(Delivery):
    """Stands in a lane for deliveries of that lane which stayed rows, `order` to `last`."""

    last: Order = (0, 0)

    @classmethod
    def of(cls, delivery: Delivery) -> Spill:
        """One that stands for a single delivery, for now."""
        spill = cls(delivery.message, delivery.part, delivery.destination, delivery.lanes)
        spill.last = delivery.order
        return spill

    def extend(self, item: Delivery) -> None:
        """Stand for the next one too, or for all that another one stands for."""
        self.last = item.last if isinstance(item, Spill) else item.order


class Lanes:
    """The deliveries of one destination that are in memory, by lane."""

    def __init__(self) -> None:
        self._queues: dict[bytes, deque[Delivery]] = {}
        self.size = 0

    def __len__(self) -> int:
        return self.size

    @property
    def active(self) -> int:
        """How many lanes hold something."""
        return len(self._queues)

    def add(self, delivery: Delivery) -> bool:
        """Queue a delivery; True when it is ready at once."""
        self.size += 1
        waits = 0
        queues = self._queues
        for key in delivery.lanes:
            queue = queues.get(key)
            if queue is None:
                queues[key] = deque((delivery,))
            else:
                queue.append(delivery)
                waits += 1
        delivery.waits = waits
        return waits == 0

    def done(self, delivery: Delivery) -> list[Delivery]:
        """Take away a head; the deliveries that are ready now because of it."""
        self.size -= 1
        ready = []
        queues = self._queues
        for key in delivery.lanes:
            queue = queues[key]
            if queue[0] is not delivery:
                raise AssertionError("only the head of a lane can be done")
            queue.popleft()
            if not queue:
                del queues[key]
                continue
            head = queue[0]
            head.waits -= 1
            if head.waits == 0:
                ready.append(head)
        return ready

    def tail(self, key: bytes) -> Delivery | None:
        """The newest delivery of a lane."""
        queue = self._queues.get(key)
        return queue[-1] if queue else None

    def length(self, key: bytes) -> int:
        """How many deliveries of a lane are in memory."""
        return len(self._queues.get(key, ()))

    def holds(self, delivery: Delivery) -> bool:
        """Whether the same delivery is in its lanes already."""
        return any(
            item.order == delivery.order
            for key in delivery.lanes[:1]
            for item in self._queues.get(key, ())
        )

    def shorten(self, key: bytes, keep: int, fixed: Callable[[Delivery], bool]) -> None:
        """Let spills stand for what is behind the first `keep` (at least 2) of a lane.

        What is in several lanes, or `fixed`, stays as it is.
        """
        queue = self._queues[key]
        if len(queue) <= keep + 1:
            return
        kept = deque(islice(queue, keep))
        for item in islice(queue, keep, None):
            last = kept[-1]
            if len(item.lanes) > 1 or fixed(item):
                kept.append(item)
            elif isinstance(last, Spill):
                last.extend(item)
            else:
                spill = item if isinstance(item, Spill) else Spill.of(item)
                spill.waits = 1
                kept.append(spill)
        self.size -= len(queue) - len(kept)
        self._queues[key] = kept

    def replace_head(self, head: Delivery, followers: list[Delivery]) -> list[Delivery]:
        """Put others, of the same single lane, in a head's place; those that are ready now."""
        (key,) = head.lanes
        queue = self._queues[key]
        queue.popleft()
        self.size += len(followers) - 1
        for position, follower in enumerate(reversed(followers)):
            follower.waits = 0 if position == len(followers) - 1 else 1
            queue.appendleft(follower)
        if not queue:
            del self._queues[key]
            return []
        first = queue[0]
        if followers:
            return [first]
        first.waits -= 1
        return [first] if first.waits == 0 else []

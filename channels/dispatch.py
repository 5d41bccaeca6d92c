"""Sending to one destination: which delivery may go next, and what its outcome means.

A pure state machine: time, randomness, rows and the peer's answers are passed in. A lane is
released only when its outcome is durable, so that what is repeated after a crash is the last
delivery of a lane and never an older one.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from channels.backlog import PAGE, Backlog, Order
from channels.config import OnDead
from channels.health import Health
from channels.lanes import Lanes, Spill
from channels.retry import RetryPolicy
from vagus.journal.entries import Buried, Delivered, Entry, Parked
from vagus.kernel.envelope import Delivery
from vagus.kernel.errors import DeliveryDelayed, DeliveryError, EngineFault, Fault

STORM_WINDOW = 60.0
STORM_FLOOR = 5
STORM_SHARE = 0.2


class Rows(Protocol):
    """The durable side of a destination's queue."""

    def put(self, entry: Entry) -> None:
        """Record an outcome; its `then` follows the commit."""
        ...

    def waiting(self, destination: int, after: Order, limit: int) -> list[Delivery]:
        """Open deliveries after a place, in order."""
        ...

    def lane_waiting(
        self, destination: int, lane: bytes, first: Order, last: Order, limit: int
    ) -> list[Delivery]:
        """Open deliveries of a single lane between two places, both included."""
        ...

    def dead(self, destination: int, after: Order, limit: int) -> list[Delivery]:
        """Deliveries after a place that were given up and not dealt with, in order."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a destination's queue is kept in memory."""

    memory: int = 4096  # deliveries
    lane: int = 1000  # of one lane, beyond which they stay rows; at least 2
    page: int = PAGE  # rows read at once


class Dispatch:
    """The queue and the fortunes of one destination."""

    def __init__(
        self,
        destination: int,
        rows: Rows,
        policy: RetryPolicy,
        health: Health,
        random: Callable[[], float],
        *,
        on_dead: OnDead = OnDead.CONTINUE,
        limits: Limits = Limits(),
    ) -> None:
        self.destination = destination
        self.health = health
        self._rows = rows
        self._policy = policy
        self._random = random
        self._hold = on_dead is OnDead.HOLD
        self._limits = limits
        self._lanes = Lanes()
        self._ready: deque[Delivery] = deque()
        self._parked: list[tuple[float, Order, Delivery]] = []
        self._held: dict[Order, Delivery] = {}
        self._discarded: set[Order] = set()  # no longer held, but not yet at the head
        self._stuck: set[bytes] = set()  # lanes whose head is parked or held
        self._recently_parked: deque[tuple[float, int]] = deque()  # when, and delivered by then
        self._delivered = 0
        self._backlog: Backlog[Delivery] = Backlog(
            self._page, self._admit, lambda: self._lanes.size, limits.memory, limits.page
        )
        self.in_flight = 0
        self.paused = False
        self.retries = 0
        self.notify: Callable[[], None] = lambda: None
        #: Told of the message of every delivery that has ended durably.
        self.ended: Callable[[int], None] | None = None

    # What comes in.

    def recover(self) -> None:
        """Hold up the lanes behind earlier dead letters again, if the destination is to do so."""
        after: Order = (0, -1)
        while self._hold and (page := self._rows.dead(self.destination, after, self._limits.page)):
            for delivery in page:
                after = delivery.order
                if delivery.lanes:
                    self._held[after] = delivery
                    self._lanes.add(delivery)
                    self._stuck.update(delivery.lanes)

    def add(self, delivery: Delivery) -> bool:
        """Queue a new delivery; False when it stays a row, then `durable` follows its commit."""
        if not self._backlog.add(delivery):
            return False
        self.notify()
        return True

    def durable(self, order: Order) -> None:
        """A delivery that `add` did not take is committed."""
        self._backlog.durable(order)
        self.notify()

    def redrive(self, delivery: Delivery) -> None:
        """Put a dead delivery back, once that is committed: as the newest of its lane."""
        held = self._held.pop(delivery.order, None)
        if held is not None:
            held.attempts = 0
            if not held.waits:
                self._stuck.difference_update(held.lanes)
                self._ready.append(held)
        elif (
            self._backlog.has_passed(delivery.order)
            and not self._lanes.holds(delivery)
            and self._lanes.add(delivery)
        ):
            self._ready.append(delivery)
        self.notify()

    def discard(self, order: Order) -> None:
        """An operator gives up a held delivery: its lane goes on."""
        held = self._held.pop(order, None)
        if held is None:
            return
        if held.waits:
            self._discarded.add(order)
        else:
            self._release(held)

    def reach(self, reachable: bool) -> None:
        """The destination says by itself whether it can be reached."""
        self.health.away = not reachable
        self.notify()

    # What goes out.

    def take(self, now: float) -> Delivery | None:
        """The next delivery that may be sent, or None; it is under way until its outcome."""
        if self.paused or self.in_flight >= self.health.allowed(now):
            return None
        self._unpark(now)
        ready = self._ready
        while ready or self._fill():
            delivery = ready.popleft()
            if isinstance(delivery, Spill):
                self._reload(delivery)
            else:
                self.in_flight += 1
                return delivery
        return None

    def wake_at(self, now: float) -> float | None:
        """When something becomes takeable by time alone, in unix seconds; None: it does not."""
        health = self.health
        if health.away:
            return None  # it will tell
        if self.paused or self.in_flight >= (1 if health.down else health.allowed(now)):
            return None  # being resumed, or the outcome of what is under way, will tell
        due = self._parked[0][0] if self._parked else None
        if health.down and (self._ready or due is not None):
            return max(health.probe_at, 0.0 if self._ready else due or 0.0)
        return due

    @property
    def waiting(self) -> int:
        """How many deliveries are in memory, under way included."""
        return self._lanes.size

    @property
    def moving(self) -> int:
        """How many deliveries are in memory, but for those of lanes that are parked or held."""
        return self._lanes.size - sum(map(self._lanes.length, self._stuck))

    def waits_long(self, delivery: Delivery) -> bool:
        """Whether its lane is held up by a head that is parked or held."""
        return not self._stuck.isdisjoint(delivery.lanes)

    @property
    def parked(self) -> int:
        """How many lanes wait for the next try of their head."""
        return len(self._parked)

    @property
    def available(self) -> int:
        """How many deliveries are ready to be taken."""
        return len(self._ready)

    @property
    def cold(self) -> bool:
        """Whether some deliveries wait as rows only."""
        return not self._backlog.hot

    # What became of it.

    def delivered(self, delivery: Delivery, digest: bytes) -> None:
        """The peer has it."""
        self.in_flight -= 1
        self._delivered += 1
        self.health.succeeded()
        self._rows.put(
            Delivered(
                delivery.message,
                delivery.part,
                self.destination,
                delivery.attempts + 1,
                digest,
                partial(self._taken, delivery),
            )
        )

    def failed(self, delivery: Delivery, error: DeliveryError, now: float) -> None:
        """The peer does not have it, or may not have it."""
        self.in_flight -= 1
        if not isinstance(error, DeliveryDelayed):
            self.health.succeeded()
            delivery.attempts += 1
            self._bury(delivery, error.code)
        elif error.fault is Fault.DESTINATION:
            self.retries += 1
            self._ready.appendleft(delivery)
            self.health.failed(now, error.after)
        else:
            self.health.succeeded()
            self._retry_later(delivery, error, now)
        self.notify()

    def unmakeable(self, delivery: Delivery, code: str) -> None:
        """What should be sent cannot be made: a dead letter, no attempt was made."""
        self.in_flight -= 1
        self._bury(delivery, code)
        self.notify()

    def _retry_later(self, delivery: Delivery, error: DeliveryDelayed, now: float) -> None:
        delivery.attempts += 1
        if self._policy.exhausted(delivery.attempts):
            self._bury(delivery, error.code)
            return
        self.retries += 1
        delivery.due = now + self._policy.delay(delivery.attempts, self._random, error.after)
        self._rows.put(
            Parked(
                delivery.message,
                delivery.part,
                self.destination,
                delivery.attempts,
                int(delivery.due * 1000),
                error.code,
            )
        )
        self._park(delivery)
        if delivery.attempts == 1:
            self._watch_for_storm(now)

    def _watch_for_storm(self, now: float) -> None:
        """A large share failing within a minute is the destination's fault, not the messages'."""
        recent = self._recently_parked
        recent.append((now, self._delivered))
        while recent[0][0] < now - STORM_WINDOW:
            recent.popleft()
        tried = len(recent) + self._delivered - recent[0][1]
        if len(recent) > max(STORM_FLOOR, STORM_SHARE * tried):
            recent.clear()
            self.health.failed(now)

    def _bury(self, delivery: Delivery, code: str) -> None:
        if self._hold and delivery.lanes:
            self._held[delivery.order] = delivery
            self._stick(delivery)
        then = partial(self._buried, delivery)
        self._rows.put(
            Buried(delivery.message, delivery.part, self.destination, delivery.attempts, code, then)
        )

    def _buried(self, delivery: Delivery) -> None:
        if self.ended is not None:
            self.ended(delivery.message)
        if delivery.order not in self._held:
            self._release(delivery)

    def _taken(self, delivery: Delivery) -> None:
        if self.ended is not None:
            self.ended(delivery.message)
        self._release(delivery)

    def _release(self, delivery: Delivery) -> None:
        self._stuck.difference_update(delivery.lanes)
        for ready in self._lanes.done(delivery):
            self._line_up(ready)
        self.notify()

    # Rows and memory.

    def _page(self, after: Order, limit: int) -> list[Delivery]:
        return self._rows.waiting(self.destination, after, limit)

    def _admit(self, delivery: Delivery) -> None:
        lanes = delivery.lanes
        if len(lanes) == 1 and self._lanes.length(lanes[0]) >= self._room(lanes[0]):
            tail = self._lanes.tail(lanes[0])
            if isinstance(tail, Spill):
                tail.extend(delivery)
                return
            delivery = Spill.of(delivery)
        if self._lanes.add(delivery):
            self._line_up(delivery)

    def _room(self, key: bytes) -> int:
        """How many deliveries of a lane may be in memory; lanes that are stuck share an eighth."""
        if key not in self._stuck:
            return self._limits.lane
        return max(2, min(self._limits.lane, self._limits.memory // (8 * len(self._stuck))))

    def _line_up(self, delivery: Delivery) -> None:
        """It stands at the head of its lanes."""
        order = delivery.order
        if order in self._held:
            self._stick(delivery)
        elif order in self._discarded:
            self._discarded.discard(order)
            self._release(delivery)
        elif delivery.due:
            self._park(delivery)
        else:
            self._ready.append(delivery)

    def _park(self, delivery: Delivery) -> None:
        heapq.heappush(self._parked, (delivery.due, delivery.order, delivery))
        self._stick(delivery)

    def _stick(self, head: Delivery) -> None:
        """Its lanes wait for long: little of them stays in memory, so that others have room."""
        self._stuck.update(head.lanes)
        for key in head.lanes:
            self._lanes.shorten(key, self._room(key), self._is_fixed)

    def _is_fixed(self, delivery: Delivery) -> bool:
        order = delivery.order
        return delivery.redriven or order in self._held or order in self._discarded

    def _unpark(self, now: float) -> None:
        while self._parked and self._parked[0][0] <= now:
            delivery = heapq.heappop(self._parked)[2]
            delivery.due = 0.0
            self._stuck.difference_update(delivery.lanes)
            self._ready.append(delivery)

    def _fill(self) -> bool:
        """Bring rows into memory until something is ready; False when nothing is."""
        backlog = self._backlog
        while not self._ready and backlog.wants_rows:
            if not backlog.refill():
                return False
        return bool(self._ready)

    def _reload(self, spill: Spill) -> None:
        """Put rows back in a spill's place.

        They are committed: a row is spilled behind at least two deliveries of its lane, and the
        outcome of the second, which had to be durable to come here, was put after that row.
        """
        limit = max(1, self._limits.lane // 2)
        try:
            page = self._rows.lane_waiting(
                self.destination, spill.lanes[0], spill.order, spill.last, limit
            )
        except EngineFault:
            self._ready.appendleft(spill)
            raise
        followers = list(page)
        if len(page) == limit:
            rest = Spill(page[-1].message, page[-1].part + 1, self.destination, spill.lanes)
            rest.last = spill.last
            followers.append(rest)
        for ready in self._lanes.replace_head(spill, followers):
            self._line_up(ready)

"""The work on the events of one connection: in order per lane, tried again, or given up.

Queues, lanes, retries and their limits are those of the engine's own destinations
(channels/dispatch): here the destination is the automation's handler. What a handler has done is
recorded before the event is acknowledged. A lane whose head fails is parked; when parked lanes hold
more than half of what may be unacknowledged, they are moved to the store and acknowledged, so that
the others go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from random import random
from typing import Protocol

from broker.rabbitmq.consumer import Taken
from channels.courier import Courier
from channels.dispatch import Dispatch, Limits
from channels.health import Health
from channels.measure import DestinationMeasures
from channels.retry import RetryPolicy
from connectors.seam import Outbound, Receipt
from vagus.automations import event as events
from vagus.automations.event import Event
from vagus.automations.store import Kept, Store
from vagus.journal.entries import Buried, Delivered, Entry, Parked
from vagus.kernel.clock import Clock
from vagus.kernel.envelope import Delivery
from vagus.kernel.errors import (
    DeliveryDelayed,
    DeliveryError,
    DeliveryRejected,
    Fault,
    MessageError,
)
from vagus.kernel.jwe import Key
from vagus.kernel.log import get_logger

log = get_logger(__name__)

#: Nothing is dropped from memory to be read again: there is never more than what is unsettled.
NO_LIMITS = Limits(memory=1 << 30, lane=1 << 30)
DONE, DEAD, DUPLICATE = "done", "dead", "duplicate"
Handle = Callable[[Event], Awaitable[None]]
Order = tuple[int, int]


class Measures(Protocol):
    """Who counts."""

    def ended(self, type: str, outcome: str) -> None:
        """An event is done, a duplicate, or dead."""
        ...


@dataclass(slots=True)
class Orders:
    """What a shift is given: which events, how often, how many at once."""

    name: str
    keys: Sequence[Key]
    policy: RetryPolicy
    concurrency: int
    prefetch: int


class _Open:
    """An event under way: what is known of it, and how it is settled."""

    __slots__ = ("event", "held", "opened", "taken")

    def __init__(self, event: Kept, taken: Taken | None) -> None:
        self.event = event
        self.taken = [taken] if taken else []  # until acknowledged, with those that came again
        self.held = taken is not None  # counts against what may be unacknowledged
        self.opened: Event | None = None

    def settle(self) -> None:
        """It is durable here, or done with: the broker may forget it."""
        taken, self.taken = self.taken, []
        for item in taken:
            item.ack()


class Shift:
    """Works off events until the connection they came by is gone."""

    def __init__(
        self, orders: Orders, store: Store, handle: Handle, measures: Measures, clock: Clock
    ) -> None:
        self.concurrency = orders.concurrency
        self._orders = orders
        self._store = store
        self._handle = handle
        self._measures = measures
        self._last = store.last()
        self._open: dict[int, _Open] = {}
        self._known: dict[str, _Open] = {}
        self._held = 0
        health = Health(orders.concurrency, random)
        self.dispatch = Dispatch(0, self, orders.policy, health, random, limits=NO_LIMITS)
        self.courier = Courier(orders.name, self.dispatch, self, clock, DestinationMeasures())
        self.courier.make = self._make

    async def start(self) -> None:
        """Begin, with what waits in the store."""
        await self.courier.start()

    async def stop(self, patience: float) -> None:
        """Begin nothing new, and let what is under way end."""
        self.dispatch.paused = True
        await self.courier.stop(patience)
        self._store.commit()

    def take(self, taken: Taken) -> None:
        """Queue an event, unless it was done before."""
        known = self._known.get(taken.id)
        if known is not None or self._store.is_done(taken.id):
            self._measures.ended(events.type_of(taken.headers), DUPLICATE)
            if known is not None and known.event.sealed:
                known.taken.append(taken)  # settled with the first
            else:
                taken.ack()
            return
        self._last += 1
        event = Kept(self._last, taken.id, taken.headers, taken.sealed)
        self._open[event.seq] = self._known[event.id] = item = _Open(event, taken)
        self._held += 1
        delivery = _delivery(event)
        if not self.dispatch.add(delivery):
            self._keep(item, partial(self.dispatch.durable, delivery.order))
        elif self.dispatch.waits_long(delivery):
            self._relieve()

    def revive(self, id: str) -> None:
        """Queue a dead event again, as the newest of its lane."""
        self._last += 1
        self._store.revive(id, self._last)
        (event,) = self._store.kept(self._last - 1, 1)
        if not self.dispatch.add(self._again(event)):
            self.dispatch.durable((event.seq, 0))

    def _relieve(self) -> None:
        """Lanes that are parked must not use up all that may be unacknowledged."""
        if self._held <= self._orders.prefetch // 2:
            return
        for item in list(self._open.values()):
            if item.held and self.dispatch.waits_long(_delivery(item.event)):
                self._keep(item)

    def _keep(self, item: _Open, then: Callable[[], None] | None = None) -> None:
        """Have an event wait in the store."""
        self._let_go(item)

        def kept() -> None:
            item.settle()
            item.event = replace(item.event, sealed=b"")  # it can be read again
            if then is not None:
                then()

        self._store.keep(item.event, kept)

    def _let_go(self, item: _Open) -> None:
        if item.held:
            item.held = False
            self._held -= 1

    # The handler, as the destination of a courier.

    async def open(self) -> None:
        """Nothing to prepare."""

    async def close(self) -> None:
        """Nothing to let go of."""

    def _make(self, delivery: Delivery) -> Outbound:
        """An event, opened; raises MessageError when it cannot be, or is not what it says."""
        item = self._open[delivery.message]
        event = item.event
        sealed = event.sealed or self._store.sealed(event.seq)
        item.opened = events.opened(event.id, event.headers, sealed, self._orders.keys)
        return Outbound(str(event.seq), item.opened.content, item.opened.type)

    async def send(self, message: Outbound) -> Receipt:
        """Have the handler do its work; raises DeliveryDelayed or DeliveryRejected."""
        item = self._open[int(message.key)]
        assert item.opened is not None
        try:
            await self._handle(item.opened)
        except MessageError as error:  # the content is not what the handler can work with
            raise DeliveryRejected(error.code) from None
        except DeliveryError:
            raise
        except Exception as error:
            log.exception("handler_failed", name=self._orders.name, event_type=message.type)
            raise DeliveryDelayed(type(error).__name__, fault=Fault.MESSAGE) from None
        return Receipt(DONE)

    # The outcomes, as rows of a journal.

    def put(self, entry: Entry) -> None:
        """Record what became of an event; what follows, follows when it is durable."""
        if isinstance(entry, Parked):
            self._parked(entry)
        elif isinstance(entry, Delivered):
            item = self._open[entry.message]
            self._store.finish(item.event.id, partial(self._ended, item, DONE, entry.then))
        elif isinstance(entry, Buried):
            item = self._open[entry.message]
            event = item.event if item.event.sealed else self._read(item.event)
            kind = events.type_of(event.headers)
            event = replace(event, attempts=entry.attempts)
            self._store.bury(
                event, kind, entry.reason, partial(self._ended, item, DEAD, entry.then)
            )
        else:
            raise TypeError("a dispatch records what was delivered, parked or buried")

    def _parked(self, entry: Parked) -> None:
        item = self._open[entry.message]
        item.event = replace(item.event, attempts=entry.attempts)
        if not item.held:
            self._store.tried(item.event.id, entry.attempts)
        # The dispatch parks its lane right after this.
        asyncio.get_running_loop().call_soon(self._relieve)
        if entry.then is not None:
            entry.then()

    def _ended(self, item: _Open, outcome: str, then: Callable[[], None] | None) -> None:
        self._let_go(item)
        item.settle()
        del self._open[item.event.seq], self._known[item.event.id]
        self._measures.ended(events.type_of(item.event.headers), outcome)
        if then is not None:
            then()

    def _read(self, event: Kept) -> Kept:
        return replace(event, sealed=self._store.sealed(event.seq))

    def waiting(self, destination: int, after: Order, limit: int) -> list[Delivery]:
        """What waits in the store, in order."""
        return [self._again(event) for event in self._store.kept(after[0], limit)]

    def _again(self, event: Kept) -> Delivery:
        if event.seq not in self._open:
            item = _Open(replace(event, sealed=b""), None)
            self._open[event.seq] = self._known[event.id] = item
        return _delivery(event)

    def lane_waiting(
        self, destination: int, lane: bytes, first: Order, last: Order, limit: int
    ) -> list[Delivery]:
        """Nothing: no lane is ever dropped from memory."""
        return []

    def dead(self, destination: int, after: Order, limit: int) -> list[Delivery]:
        """Nothing: a lane goes on after a dead letter."""
        return []


def _delivery(event: Kept) -> Delivery:
    lanes = events.lanes_of(event.headers)
    return Delivery(event.seq, 0, 0, lanes, attempts=event.attempts)

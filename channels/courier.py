"""Last step of a message's life: the workers that carry deliveries to one destination."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from hashlib import sha256

from channels.dispatch import Dispatch
from channels.measure import DestinationMeasures
from connectors.seam import Destination, Outbound
from vagus.journal.connect import JournalAway
from vagus.kernel.clock import Clock
from vagus.kernel.envelope import Delivery
from vagus.kernel.errors import DeliveryDelayed, DeliveryError, EngineFault, MessageError
from vagus.kernel.log import get_logger

log = get_logger(__name__)

Make = Callable[[Delivery], Outbound]
CONNECTOR_FAULT = "connector-fault"
JOURNAL_AWAY = "journal-away"
ENGINE_DEFECT = "engine-defect"
FAULT_PAUSE = 1.0


class Courier:
    """Takes deliveries from a dispatch, sends them, and tells it what became of them."""

    def __init__(
        self,
        name: str,
        dispatch: Dispatch,
        destination: Destination,
        clock: Clock,
        measures: DestinationMeasures,
    ) -> None:
        self.name = name
        self.dispatch = dispatch
        self.measures = measures
        #: Makes what is sent for a delivery; set by the channel the courier belongs to.
        self.make: Make
        self._destination = destination
        self._clock = clock
        self._idle: deque[asyncio.Future[None]] = deque()
        self._waking = 0  # woken, and not yet running
        self._workers: list[asyncio.Task[None]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._stopping = False
        self._origin = 0.0

    async def start(self) -> None:
        """Open the destination and begin to work."""
        await self._destination.open()
        self._origin = self._clock.now() - self._clock.monotonic()
        self.dispatch.recover()
        self.dispatch.notify = self._notify
        self._workers = [
            asyncio.create_task(self._work(), name=f"{self.name}-{number}")
            for number in range(self._destination.concurrency)
        ]

    async def stop(self, patience: float) -> None:
        """Take nothing new, let what is under way end within `patience` seconds, close."""
        self._stopping = True
        while self._idle:
            self._wake_one()
        if self._timer:
            self._timer.cancel()
        if self._workers:
            away = self.dispatch.health.away  # then what is under way stays in doubt
            await asyncio.wait(self._workers, timeout=0 if away else patience)
            for worker in self._workers:
                worker.cancel()
            await asyncio.gather(*self._workers, return_exceptions=True)
        await self._destination.close()

    def _notify(self) -> None:
        """Something became ready: wake as many idle workers as can be used."""
        wanted = max(1, self.dispatch.available) - self._waking
        for _ in range(min(len(self._idle), wanted)):
            self._wake_one()

    def _wake_one(self) -> None:
        waiter = self._idle.popleft()
        if not waiter.done():
            self._waking += 1
            waiter.set_result(None)

    def _now(self) -> float:
        """Unix seconds that do not step when the machine's clock is set: nothing waits longer."""
        return self._origin + self._clock.monotonic()

    async def _work(self) -> None:
        while not self._stopping:
            try:
                await self._one()
            except EngineFault:  # the journal: it says itself why, and the engine is told
                await asyncio.sleep(FAULT_PAUSE)
            except Exception:
                log.exception("courier_fault", destination=self.name)
                await asyncio.sleep(FAULT_PAUSE)

    async def _one(self) -> None:
        """Carry the next delivery, or wait for one."""
        dispatch = self.dispatch
        delivery = dispatch.take(self._now())
        if delivery is None:
            await self._wait()
            return
        if dispatch.available and self._idle:
            self._wake_one()  # time alone may have made several ready
        try:
            outbound = self.make(delivery)
        except MessageError as error:
            dispatch.unmakeable(delivery, error.code)
        except JournalAway:
            dispatch.failed(delivery, DeliveryDelayed(JOURNAL_AWAY), self._now())
        except Exception:  # a defect of ours must neither lose the delivery nor stop the others
            log.exception("make_fault", destination=self.name)
            dispatch.unmakeable(delivery, ENGINE_DEFECT)
        else:
            await self._send(delivery, outbound)

    async def _send(self, delivery: Delivery, outbound: Outbound) -> None:
        started = self._clock.monotonic()
        try:
            await self._destination.send(outbound)
        except DeliveryError as error:
            self._count_failure(error)
            self.dispatch.failed(delivery, error, self._now())
        except Exception:  # a connector's own defect must not stop the lane
            log.exception("connector_fault", destination=self.name)
            self.measures.delayed += 1
            fault = DeliveryDelayed(CONNECTOR_FAULT, unknown=True)
            self.dispatch.failed(delivery, fault, self._now())
        else:
            now = self._clock.monotonic()
            self.measures.send.add(now - started)
            self.measures.delivered += 1
            if delivery.arrived:
                self.measures.end_to_end.add(now - delivery.arrived)
            self.dispatch.delivered(delivery, sha256(outbound.body).digest())

    def _count_failure(self, error: DeliveryError) -> None:
        if isinstance(error, DeliveryDelayed):
            self.measures.delayed += 1
        else:
            self.measures.rejected += 1

    async def _wait(self) -> None:
        """Sleep until something is ready or time makes it so."""
        loop = asyncio.get_running_loop()
        waiter = loop.create_future()
        self._idle.append(waiter)
        self._set_timer(loop)
        await waiter
        self._waking -= 1

    def _set_timer(self, loop: asyncio.AbstractEventLoop) -> None:
        due = self.dispatch.wake_at(self._now())
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if due is not None:
            delay = max(0.001, due - self._now())
            self._timer = loop.call_later(delay, self._on_time)

    def _on_time(self) -> None:
        self._timer = None
        if self._idle:
            self._wake_one()

"""A program that acts on canonical events: what to do, and everything around doing it."""

from __future__ import annotations

import asyncio
import inspect
import signal
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from prometheus_client import start_http_server
from pydantic import ValidationError

from broker.rabbitmq.consumer import Consumer, Taken
from broker.rabbitmq.publisher import Publisher
from broker.rabbitmq.topology import Topology
from channels.retry import RetryPolicy
from vagus.automations.event import Event
from vagus.automations.following import Following
from vagus.automations.measures import AutomationMeasures
from vagus.automations.settings import Settings
from vagus.automations.shift import Orders, Shift
from vagus.automations.store import Dead, Store
from vagus.canonical.events import matches, pattern_problem
from vagus.journal.lock import FolderLock
from vagus.kernel import jwe, log
from vagus.kernel.clock import Clock, SystemClock
from vagus.kernel.errors import ConfigError, DeliveryDelayed, DeliveryRejected, Fault

IGNORED = "ignored"
PATIENCE = 30.0
LOOK_SECONDS = 1.0
Handler = Callable[[Event], Awaitable[None] | None]


class Retry(DeliveryDelayed):
    """Try this event again later; its lane waits, others go on. `code` is a word for why."""

    def __init__(self, code: str = "retry", *, after: float | None = None) -> None:
        super().__init__(code, fault=Fault.MESSAGE, after=after)


class Reject(DeliveryRejected):
    """Give this event up: a dead letter. `code` is a word for why, never content."""


class Automation:
    """Handlers for events, run with at-least-once delivery, idempotency and order per lane.

    Settings are those of `vagus.automations.settings.Settings`. Raises ConfigError when they do
    not fit, or a key or the state folder cannot be used.
    """

    def __init__(self, name: str, *, clock: Clock | None = None, **settings: Any) -> None:
        try:
            self.settings = Settings.model_validate({"name": name, **settings})
        except ValidationError as error:
            lines = [f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()]
            raise ConfigError("\n".join(lines)) from None
        self.measures = AutomationMeasures()
        self._clock = clock or SystemClock()
        self._handlers: list[tuple[str, Handler]] = []
        self._shift: Shift | None = None
        self._stop = asyncio.Event()
        self._failed = False

    def on(self, *patterns: str) -> Callable[[Handler], Handler]:
        """Have a function called for every event that fits a pattern such as `appointment.*`.

        A coroutine function runs on the event loop, any other on a thread. An event is done when
        all its handlers have returned. They may raise Retry or Reject; any other error is tried
        again as with Retry. Raises ConfigError for a pattern that no event can fit.
        """
        for pattern in patterns:
            if problem := pattern_problem(pattern):
                raise ConfigError(problem)

        def registered(handler: Handler) -> Handler:
            self._handlers += [(pattern, handler) for pattern in patterns]
            return handler

        return registered

    async def publish(
        self, cause: Event, type: str, resources: Sequence[dict[str, Any]]
    ) -> list[str]:
        """Publish what follows from an event, as FHIR resources; the recipients that got it.

        A handler that runs again publishes the same events again, under the same ids. Raises
        ConfigError for a type that is not in the catalogue, DeliveryDelayed when it has to wait.
        """
        return await self._following.publish(cause, type, resources)

    def dead_letters(self) -> list[Dead]:
        """The events that were given up, oldest first."""
        return self._store.dead()

    def redrive(self, id: str) -> bool:
        """Have an event that was given up tried again, soon; False when there is none."""
        return self._store.ask_redrive(id)

    def run(self) -> None:
        """Run until SIGTERM or Ctrl-C; then let handlers end, and leave."""
        log.configure()
        asyncio.run(self._until_told())

    async def _until_told(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        await self.start()
        try:
            await self._stop.wait()
        finally:
            await self.stop()
        if self._failed:
            raise ConfigError(f"{self.settings.state}: the state could not be written")

    async def start(self) -> None:
        """Begin to take events. Raises ConfigError."""
        settings = self.settings
        keys = jwe.load(settings.key)
        self._lock = FolderLock(settings.state)
        self._store = Store(settings.state, self._clock)
        self._store.on_failure = self._give_up
        policy = RetryPolicy(settings.attempts, settings.first, settings.longest)
        self._orders = Orders(
            settings.name, keys, policy, settings.concurrency, settings.rabbitmq.prefetch
        )
        name = f"vagus {settings.project} automation {settings.name}"
        topology = Topology(settings.project)
        queues = [topology.queue(settings.name, number) for number in range(settings.queues)]
        self._publisher = Publisher(name, settings.rabbitmq, topology, self._clock, declares=False)
        self._following = Following(settings, self._publisher, self._clock)
        self._consumer = Consumer(name, settings.rabbitmq, queues, self)
        if settings.recipients:
            self._publisher.start()
        if settings.metrics is not None:
            start_http_server(settings.metrics, "127.0.0.1", self.measures.registry)
        self._consumer.start()
        self._looking = asyncio.create_task(self._look(), name="automation-look")

    async def stop(self, patience: float = PATIENCE) -> None:
        """Let the handlers that run end, settle what they did, and leave the rest in its place."""
        self._looking.cancel()
        await asyncio.gather(self._looking, return_exceptions=True)
        if self._shift is not None:
            await self._shift.stop(patience)
        await self._consumer.stop()
        if self.settings.recipients:
            await self._publisher.stop()
        self._store.close()
        self._lock.release()

    def _give_up(self) -> None:
        self._failed = True
        self._stop.set()

    async def _look(self) -> None:
        """What operators ask for, and what is measured."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            shift = self._shift
            self.measures.connected.set(self._consumer.connected)
            if shift is not None:
                self.measures.parked.set(shift.dispatch.parked)
                self.measures.retries.set(shift.dispatch.retries)
                for id in self._store.asked():
                    shift.revive(id)

    async def _handle(self, event: Event) -> None:
        wanted = [handler for pattern, handler in self._handlers if matches(pattern, event.type)]
        if not wanted:
            self.measures.ended(event.type, IGNORED)
        for handler in wanted:
            with self.measures.seconds.time():
                if inspect.iscoroutinefunction(handler):
                    await handler(event)
                else:
                    await asyncio.to_thread(handler, event)

    # What the consumer says.

    async def begin(self) -> None:
        """Start anew: what the last connection brought comes again, or is somebody else's."""
        if self._shift is not None:
            await self._shift.stop(PATIENCE)
        self._shift = Shift(self._orders, self._store, self._handle, self.measures, self._clock)
        await self._shift.start()

    def take(self, taken: Taken) -> None:
        """One event."""
        assert self._shift is not None
        self._shift.take(taken)

    def lost(self) -> None:
        """Begin nothing more of what was taken."""
        if self._shift is not None:
            self._shift.dispatch.paused = True

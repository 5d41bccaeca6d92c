"""A project into running channels: the one place that knows every part."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import random
from typing import Any

from broker.embedded import EmbeddedBroker
from broker.seam import Queue
from channels.channel import Channel, Render
from channels.config import Send, Step
from channels.courier import Courier
from channels.dispatch import Dispatch
from channels.engine import Engine
from channels.health import Health
from channels.intake import Intake, Reading
from channels.link import Link, LinkedSource
from channels.measure import ChannelMeasures, DestinationMeasures
from channels.operations import Operations
from channels.outgoing import writer_of, written
from channels.pipeline import Pipeline
from channels.poison import StartedMark
from channels.retry import RetryPolicy
from channels.routing import Condition, Route, Router
from channels.steps import (
    by_name,
    by_type,
    check_step,
    filter_step,
    require_step,
    split_step,
    transform_step,
    validate_step,
)
from channels.work import Step as Action
from channels.work import Work
from connectors.seam import Destination
from mappings.context import Context
from mappings.single import Expression, compile_expression
from vagus import publishing
from vagus.canonical import bundle, events
from vagus.canonical.identity import Identity
from vagus.canonical.systems import Systems
from vagus.canonical.validation import Validator
from vagus.formats.catalogue import FORMATS
from vagus.formats.format import Format, Terms
from vagus.journal.journal import Journal
from vagus.journal.settings import JournalSettings
from vagus.kernel.clock import Clock, SystemClock
from vagus.kernel.diagnostics import Diagnostics, Place
from vagus.kernel.errors import ConfigError
from vagus.kernel.keys import Keyset
from vagus.live import Running
from vagus.neighbours import Neighbours
from vagus.project import ChannelFile, DestinationFile, Project, checks, keyset, placing
from vagus.project.model import LINK, SubscriberSettings

LANE_BYTES = 12
LANES = "lane"
SENDERS = "sender"


@asynccontextmanager
async def running(project: Project, clock: Clock | None = None) -> AsyncIterator[Running]:
    """Run a project until the block ends, then drain it.

    Raises ConfigError when something it needs cannot be had: keys, the store, a port.
    """
    clock = clock or SystemClock()
    own = project.settings.node
    assembled = await _started(project, clock, own)
    try:
        if len(project.settings.nodes) > 1:
            assembled.neighbours = Neighbours(
                project.settings.nodes.keys() - {own},
                assembled.journal.orphans,
                lambda node: _started(project, clock, node),
            )
            assembled.neighbours.start()
        yield assembled
    finally:
        await assembled.end()


async def _started(project: Project, clock: Clock, node: int) -> Running:
    """One node of a project, with its channels running."""
    assembled = await _Assembly(project, clock, node).build()
    try:
        if assembled.engine.carrier is not None:
            assembled.engine.carrier.start()
        await assembled.engine.start()
        await assembled.operations.start()
    except BaseException:
        await assembled.end(patience=0.0)
        raise
    return assembled


def identity_of(keys: Keyset) -> Identity:
    """What ids and opaque tokens of a deployment are made from."""
    return Identity(keys.derive("identity"))


class _Ways:
    """Where the events of one channel go, by the number of each destination."""

    def __init__(self) -> None:
        self.couriers: dict[int, Courier] = {}
        self.renders: dict[int, Render] = {}
        self.routes: list[Route] = []
        self.canonical: set[int] = set()
        self.unordered: set[int] = set()

    def add(self, courier: Courier, render: Render, ordering: str) -> None:
        """One more destination, and what is made for it."""
        number = courier.dispatch.destination
        self.couriers[number], self.renders[number] = courier, render
        if ordering == "none":
            self.unordered.add(number)


class _Assembly:
    """Puts the parts of one node of a project together."""

    def __init__(self, project: Project, clock: Clock, node: int) -> None:
        self._project = project
        self._node = node
        self._clock = clock
        self._keys = keyset(project)
        self._identity = identity_of(self._keys)
        self._validator: Validator | None = None
        self._channels: dict[str, Channel] = {}

    async def build(self) -> Running:
        """The parts, connected but not yet started."""
        project = self._project
        options = JournalSettings(keep=project.settings.store.keep)
        self._journal = await Journal.open(
            placing.place(project, self._node),
            self._keys,
            self._clock,
            node=self._node,
            settings=options,
        )
        try:
            self._broker = EmbeddedBroker(self._journal)
            own = self._node == project.settings.node
            started = "started" if own else f"started.{self._node}"
            mark = StartedMark(self._journal.folder / started)
            soon = asyncio.get_running_loop().call_soon
            self._engine = Engine(self._journal, self._broker, self._clock, mark, soon)
            self._engine.pressure.min_free = project.settings.store.min_free
            self._carrier = self._engine.carrier = publishing.carrier(project, self._clock)
            for file in project.channels:
                here = project.node_of(file.config.channel) == self._node
                if file.config.enabled and here:
                    self._engine.add(self._channel(file))
        except BaseException:
            await self._journal.close()
            raise
        operations = Operations(
            self._engine,
            self._journal.reader(),
            lambda name: project.catalogue.get(name) is not None,
        )
        return Running(project, self._engine, self._journal, operations)

    def _channel(self, file: ChannelFile) -> Channel:
        name = file.config.channel
        endpoint = self._journal.endpoint(name)
        format = FORMATS[file.common.format]
        terms = Terms(
            charset=file.common.charset,
            processing=file.common.processing,
            versions=file.common.versions,
            zone=file.common.zone,
        )
        measures = ChannelMeasures()
        lanes = self._lanes(file, format)
        faults = checks.faults(self._project, file.config.steps, format)
        reading = Reading(format, terms, file.common.ack, lanes, self._sender, faults)
        intake = Intake(
            endpoint, reading, self._journal, self._clock, measures, self._engine.arrived
        )
        ways = self._ways(file, format)
        actions = [self._action(step, file, format, measures) for step in file.config.steps]
        channel = Channel(
            config=file.config,
            endpoint=endpoint,
            intake=intake,
            pipeline=Pipeline(
                decode=lambda body: format.decode(body, terms),
                event=lambda kind: events.event_of(format.name, kind) or "",
                steps=actions,
                router=Router(ways.routes),
                unrouted=file.config.unrouted,
            ),
            lanes=lanes,
            measures=measures,
            couriers=ways.couriers,
            renders=ways.renders,
            stored=self._stored,
            canonical=frozenset(ways.canonical),
            unordered=frozenset(ways.unordered),
        )
        self._channels[name] = channel
        channel.sources = [self._source(file)]
        for courier in ways.couriers.values():
            courier.make = channel.make
        return channel

    def _ways(self, file: ChannelFile, format: Format) -> _Ways:
        """Where the events of a channel go: its destinations, then the project's subscribers."""
        ways = _Ways()
        for item in file.destinations:
            config = item.config
            number = self._journal.destination(f"{file.config.channel}.{config.name}")
            when = config.when
            condition = _condition(when, item.fields.place, format) if when else None
            courier = self._courier(number, file.config.channel, item)
            ways.add(courier, self._render(item, file, format), config.ordering)
            ways.routes.append(Route(number, config.on, condition))
            if config.send is Send.CANONICAL:
                ways.canonical.add(number)
        for subscriber, courier in self._publications(file):
            number = courier.dispatch.destination
            ways.add(courier, _canonical, subscriber.ordering)
            ways.routes.append(Route(number, subscriber.on))
            ways.canonical.add(number)
        return ways

    def _stored(self, message_id: int) -> tuple[bytes, str | None]:
        fate = self._journal.fate(message_id)
        return self._journal.body(message_id), fate.override if fate else None

    def _source(self, file: ChannelFile) -> Any:
        if file.source.connector == LINK:
            return LinkedSource()
        side = self._project.connectors[file.source.connector].source
        assert side is not None
        return side[1](file.source.settings)

    def _lanes(self, file: ChannelFile, format: Format) -> Callable[[Any], tuple[bytes, ...]]:
        """The opaque lane tokens of a message; one lane for the channel if it names none."""
        token = self._identity.token
        fallback = (token(LANES, f"channel {file.config.channel}", LANE_BYTES),)
        if file.common.lane:
            expression = _expression(file.common.lane, file.place, format)
            keys: Callable[[Any], Any] = expression.values
        else:
            keys = format.lane_keys

        def lanes(message: Any) -> tuple[bytes, ...]:
            found = tuple(token(LANES, key, LANE_BYTES) for key in keys(message))
            return found or fallback

        return lanes

    def _sender(self, sender: str) -> int:
        return int.from_bytes(self._identity.token(SENDERS, sender, 8), "big") >> 1

    def _action(
        self, step: Step, file: ChannelFile, format: Format, measures: ChannelMeasures
    ) -> Action:
        if step.filter is not None:
            wanted = _condition(step.filter, file.place, format)
            return filter_step(wanted, step.reason or "filter")
        if step.require is not None:
            needed = _condition(step.require, file.place, format)
            return require_step(needed, step.reason or "missing")
        if step.check is not None:
            return check_step(
                checks.check(self._project, step.check, format), step.on_issue, measures
            )
        if step.split is not None:
            return split_step(format.divide, step.split)
        if step.validation is not None:
            self._validator = self._validator or Validator()
            return validate_step(self._validator, step.on_issue, measures)
        assert step.transform is not None
        catalogue = self._project.catalogue
        source = step.transform.partition("_to_")[0]
        chooser = (
            by_type(catalogue, source)
            if catalogue.get(step.transform) is None
            else by_name(catalogue, step.transform)
        )
        return transform_step(chooser, self._context(file), measures)

    def _context(self, file: ChannelFile) -> Context:
        name = file.config.channel
        systems = self._project.systems.get(file.common.systems) or Systems(name)
        return Context(
            message_id="",
            endpoint=name,
            source=systems.name,
            facility=file.common.facility,
            received_at="",
            raw_url="",
            now="",
            zone=file.common.zone,
            identity=self._identity,
            systems=systems,
        )

    def _courier(self, number: int, channel: str, item: DestinationFile) -> Courier:
        config = item.config
        destination = self._destination(item)
        queue = Queue(number, f"{channel}.{config.name}", channel, config.on)
        dispatch = Dispatch(
            number,
            self._broker,
            RetryPolicy(config.retry.attempts, config.retry.first, config.retry.longest),
            Health(destination.concurrency, random),
            random,
            on_dead=config.on_dead,
        )
        self._broker.attach(queue, dispatch)
        return Courier(queue.name, dispatch, destination, self._clock, DestinationMeasures())

    def _publications(self, file: ChannelFile) -> list[tuple[SubscriberSettings, Courier]]:
        name, project = file.config.channel, self._project
        if file.config.publish is None or self._carrier is None:
            return []
        parts = (self._carrier, self._journal, self._broker, self._clock)
        return list(publishing.publications(project, name, *parts))

    def _destination(self, item: DestinationFile) -> Destination:
        if item.side.connector == LINK:
            target = getattr(item.side.settings, "name", "")
            return Link(lambda: self._channels[target])
        side = self._project.connectors[item.side.connector].destination
        assert side is not None
        return side[1](item.side.settings)

    def _render(self, item: DestinationFile, file: ChannelFile, format: Format) -> Render:
        if item.config.mapping:
            writer = writer_of(self._project.catalogue, item.config.mapping)
            return written(writer, self._context(file), item.config.address)
        if item.config.send is Send.CANONICAL:
            return _canonical

        def received(work: Work) -> bytes:
            return format.encode(work.message) if work.divided else work.envelope.body

        return received


def _canonical(work: Work) -> bytes:
    if work.bundle is None:
        raise ConfigError("a destination wants the canonical Bundle, but no step makes one")
    return bundle.dumps(work.bundle)


def _expression(text: str, place: Place, format: Format) -> Expression:
    """The compiled expression; raises ConfigError."""
    diagnostics = Diagnostics()
    expression = compile_expression(text, place, diagnostics, format.name)
    diagnostics.raise_errors()
    if expression is None:
        raise ConfigError(f"{place}: the expression cannot be read")
    return expression


def _condition(text: str, place: Place, format: Format) -> Condition:
    """Whether an expression gives a value for a message; raises ConfigError."""
    first = _expression(text, place, format).first
    return lambda message: first(message) is not None

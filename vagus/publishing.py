"""What a project's channels need to publish events: the broker, and a way to each subscriber."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from random import random

from broker.rabbitmq.topology import Subscriber, Topology
from broker.seam import Broker, Carrier, Queue
from channels.courier import Courier
from channels.dispatch import Dispatch
from channels.health import Health
from channels.measure import DestinationMeasures
from channels.publication import Publication
from channels.retry import RetryPolicy
from vagus.journal.journal import Journal
from vagus.kernel import jwe
from vagus.kernel.clock import Clock
from vagus.kernel.errors import ConfigError
from vagus.project import Project
from vagus.project.model import SubscriberSettings


def topology(project: Project) -> Topology:
    """What a project declares at RabbitMQ."""
    subscribers = [
        Subscriber(item.name, item.queues, item.ordering == "lane")
        for item in project.settings.subscribers
    ]
    return Topology(project.name, subscribers)


def carrier(project: Project, clock: Clock) -> Carrier | None:
    """What brings events to other processes, not yet started; None with the embedded broker.

    Raises ConfigError when the client of the broker is not installed.
    """
    settings = project.settings.broker.rabbitmq
    if settings is None:
        return None
    try:
        module = import_module("broker.rabbitmq.publisher")
    except ModuleNotFoundError:
        hint = "pip install 'vagus[rabbitmq]'"
        raise ConfigError(f"RabbitMQ needs the extra 'rabbitmq': {hint}") from None
    name = f"vagus {project.name} node {project.settings.node}"
    made: Carrier = module.Publisher(name, settings, topology(project), clock)
    return made


def publications(
    project: Project, channel: str, carrier: Carrier, journal: Journal, broker: Broker, clock: Clock
) -> Iterator[tuple[SubscriberSettings, Courier]]:
    """One destination of a channel for each subscriber, and who carries to it.

    Raises ConfigError for a key that cannot be used.
    """
    source = f"/{project.name}/{channel}"
    for item in project.settings.subscribers:
        name = f"{channel}.to.{item.name}"
        number = journal.destination(name)
        seal = jwe.load(Path(item.key))[0].seal
        publication = Publication(carrier, item.name, source, seal)
        health = Health(publication.concurrency, random)
        dispatch = Dispatch(number, broker, RetryPolicy(), health, random)
        broker.attach(Queue(number, name, channel, item.on), dispatch)
        carrier.watch(dispatch.reach)
        yield item, Courier(name, dispatch, publication, clock, DestinationMeasures())

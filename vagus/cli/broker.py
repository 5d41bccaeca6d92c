"""`vagus broker topology`: the queues and bindings a project declares."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import click

from broker.rabbitmq.settings import RabbitMQ
from vagus import publishing
from vagus.cli import opening, output
from vagus.cli.failure import CLEAN
from vagus.cli.options import examples, folder, form
from vagus.kernel import jwe
from vagus.kernel.errors import ConfigError
from vagus.project import Project

EXCHANGE = "vagus.events"
COLUMNS = ("queue", "channel", "patterns", "order", "consumer")


@click.group(
    epilog=examples(
        "vagus broker topology", "vagus broker topology --format json", "vagus broker key desk.jwk"
    )
)
def command() -> None:
    """Show the queues and bindings of a project, or make a subscriber's key."""


@command.command(
    epilog=examples(
        "vagus broker topology samples/riverside_clinic",
        "vagus broker topology --format json > definitions.json",
    )
)
@folder()
@form()
def topology(folder: Path | None, form: str) -> int:
    """Show the queues of a project, and the events each gets.

    With RabbitMQ these are the queues of its subscribers, which the engine declares; as JSON they
    are one document that `rabbitmqctl import_definitions` takes. The embedded broker keeps its
    queues, one for each destination, as rows of the journal.
    """
    project = opening.opened(folder)
    rabbitmq = project.settings.broker.rabbitmq
    if form == output.JSON:
        output.line(definitions(project) if rabbitmq is None else declared(project, rabbitmq))
    else:
        output.say(f"broker: {project.settings.broker.kind}")
        found = queues(project) if rabbitmq is None else subscribed(project)
        output.rows(found, COLUMNS, form)
    return CLEAN


@command.command(epilog=examples("vagus broker key desk.jwk"))
@click.argument("file", type=click.Path(path_type=Path))
def key(file: Path) -> int:
    """Write a new shared secret for a subscriber: a JWK that only its owner may read.

    The engine seals the subscriber's events with it; give the subscriber a copy by a safe way.
    """
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise ConfigError(f"{file}: the key cannot be written: {error.strerror}") from None
    with os.fdopen(handle, "w", encoding="ascii") as stream:
        stream.write(jwe.generate(file.stem) + "\n")
    return CLEAN


def subscribed(project: Project) -> Iterator[dict[str, object]]:
    """One row for each queue of each subscriber, dead letters included."""
    made = publishing.topology(project)
    publishers = [
        item.config.channel for item in project.channels if item.config.publish is not None
    ]
    for item in project.settings.subscribers:
        row = {
            "channel": " ".join(publishers),
            "patterns": list(item.on),
            "order": item.ordering,
            "consumer": item.name,
        }
        for number in range(item.queues):
            yield {"queue": made.queue(item.name, number), **row}
        yield {"queue": made.dead_queue(item.name), **row, "order": "none"}


def declared(project: Project, rabbitmq: RabbitMQ) -> dict[str, object]:
    """What the engine declares at RabbitMQ, as a definitions document."""
    return publishing.topology(project).definitions(rabbitmq.vhost)


def queues(project: Project) -> Iterator[dict[str, object]]:
    """One row for each destination of each channel that runs."""
    for file in project.channels:
        if not file.config.enabled:
            continue
        for item in file.destinations:
            yield {
                "queue": f"{file.config.channel}.{item.config.name}",
                "channel": file.config.channel,
                "patterns": list(item.config.on) or ["*"],
                "order": item.config.ordering,
                "consumer": item.side.connector,
            }


def definitions(project: Project) -> dict[str, object]:
    """The queues as a RabbitMQ definitions document; the exchange is a topic exchange."""
    vhost = "/"
    found = list(queues(project))
    return {
        "vagus": {"project": project.name, "broker": project.settings.broker.kind},
        "exchanges": [
            {
                "name": EXCHANGE,
                "vhost": vhost,
                "type": "topic",
                "durable": True,
                "auto_delete": False,
                "internal": False,
                "arguments": {},
            }
        ],
        "queues": [
            {
                "name": item["queue"],
                "vhost": vhost,
                "durable": True,
                "auto_delete": False,
                "arguments": _arguments(item),
            }
            for item in found
        ],
        "bindings": [
            {
                "source": EXCHANGE,
                "vhost": vhost,
                "destination": item["queue"],
                "destination_type": "queue",
                "routing_key": f"{item['channel']}.{_key(pattern)}",
                "arguments": {},
            }
            for item in found
            for pattern in _patterns(item)
        ],
    }


def _arguments(item: dict[str, object]) -> dict[str, object]:
    """Quorum queues; with order, only one consumer is active at a time."""
    arguments: dict[str, object] = {"x-queue-type": "quorum"}
    if item["order"] == "lane":
        arguments["x-single-active-consumer"] = True
    return arguments


def _patterns(item: dict[str, object]) -> list[str]:
    patterns = item["patterns"]
    assert isinstance(patterns, list)
    return patterns


def _key(pattern: str) -> str:
    """A pattern as a topic: `*` alone means every event, however many words it has."""
    return "#" if pattern == "*" else pattern

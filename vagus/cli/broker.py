"""`vagus broker topology`: the queues and bindings a project declares."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from vagus.cli import opening, output
from vagus.cli.failure import CLEAN
from vagus.cli.options import examples, folder, form
from vagus.project import Project

EXCHANGE = "vagus.events"
COLUMNS = ("queue", "channel", "patterns", "order", "consumer")


@click.group(epilog=examples("vagus broker topology", "vagus broker topology --format json"))
def command() -> None:
    """Show the queues and bindings of a project."""


@command.command(
    epilog=examples(
        "vagus broker topology samples/riverside_clinic",
        "vagus broker topology --format json > definitions.json",
    )
)
@folder()
@form()
def topology(folder: Path | None, form: str) -> int:
    """Show one queue for each destination, and the events it gets.

    As JSON it is one document in the form of RabbitMQ's definitions. The embedded broker keeps
    the same queues as rows of the journal.
    """
    project = opening.opened(folder)
    if form == output.JSON:
        output.line(definitions(project))
    else:
        output.say(f"broker: {project.settings.broker}")
        output.rows(queues(project), COLUMNS, form)
    return CLEAN


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
        "vagus": {"project": project.name, "broker": project.settings.broker},
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

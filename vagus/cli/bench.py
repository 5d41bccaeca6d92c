"""`vagus bench`: the whole engine under load, beside a raw loop with the same input and output."""

from __future__ import annotations

from collections.abc import Mapping

import click

from vagus.bench.measure import Shape, measure, measure_publishing
from vagus.cli import output
from vagus.cli.failure import CLEAN
from vagus.cli.options import examples


@click.command(
    epilog=examples(
        "vagus bench",
        "vagus bench --json",
        "vagus bench --broker rabbitmq --url amqp://bench@127.0.0.1/bench",
        "vagus bench --connections 1 --seconds 10 --loop plain",
    )
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--connections", default=32, show_default=True, help="Senders, one in flight each.")
@click.option("--seconds", default=6.0, show_default=True, help="Length of the measured window.")
@click.option("--warm", default=3.0, show_default=True, help="Seconds of load before it.")
@click.option(
    "--loop",
    type=click.Choice(["fast", "plain"]),
    default="fast",
    show_default=True,
    help="fast: uvloop where it is installed; plain: asyncio's own.",
)
@click.option(
    "--broker",
    type=click.Choice(["embedded", "rabbitmq"]),
    default="embedded",
    show_default=True,
    help="rabbitmq: publish to a subscriber instead of delivering over MLLP.",
)
@click.option(
    "--url",
    envvar="RABBITMQ_URL",
    default="amqp://guest:guest@127.0.0.1/%2F",
    show_default=True,
    help="The RabbitMQ to publish to; or RABBITMQ_URL.",
)
def command(
    as_json: bool,
    connections: int,
    seconds: float,
    warm: float,
    loop: str,
    broker: str,
    url: str,
) -> int:
    """Measure accepted and delivered messages a second, answer times, and cost per message.

    A project with the library's ADT mapping, validation and an MLLP destination runs in a process
    of its own; senders and peer are another. The raw loop of `roofline_per_s` echoes, logs
    encrypted with group commit, dumps JSON and sends on, and nothing else, on the same cores.

    With --broker rabbitmq the events go, encrypted, to a subscriber's queue; delivered means
    confirmed, and the raw loop is one of confirms with the same window and size of messages.
    """
    shape = Shape(connections, seconds, warm, loop == "fast")
    report = measure_publishing(shape, url) if broker == "rabbitmq" else measure(shape)
    if as_json:
        output.line(report)
    else:
        output.rows(_rows(report), ("measure", "value"), output.TEXT)
    return CLEAN


def _rows(report: Mapping[str, object], prefix: str = "") -> list[Mapping[str, object]]:
    rows: list[Mapping[str, object]] = []
    for name, value in report.items():
        if isinstance(value, Mapping):
            rows += _rows(value, f"{prefix}{name}.")
        else:
            rows.append({"measure": prefix + name, "value": value})
    return rows

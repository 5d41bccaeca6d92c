"""`vagus run`: runs a project until it is told to stop, drains it, and says what became of all."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import click
from pydantic import TypeAdapter, ValidationError

from vagus.assembly import running
from vagus.cli import opening, output, watching
from vagus.cli.failure import CLEAN
from vagus.cli.options import examples, folder
from vagus.console.health import Health
from vagus.journal.tally import MESSAGE_WORDS
from vagus.kernel import log as logs
from vagus.kernel import process, settings
from vagus.kernel.diagnostics import Diagnostics
from vagus.kernel.errors import EngineFault
from vagus.kernel.log import get_logger
from vagus.live import Running
from vagus.project import Project
from vagus.simulators import loading
from vagus.simulators.simulator import Simulator

log = get_logger(__name__)
#: Seconds between two mappings that are compiled while messages already come in.
PREPARE_PAUSE = 0.5
_LEVELS = ("debug", "info", "warning", "error")


def _span(_: click.Context, __: click.Parameter, value: str | None) -> float | None:
    try:
        return (
            None if value is None else float(TypeAdapter(settings.Duration).validate_python(value))
        )
    except ValidationError:
        raise click.BadParameter("write a duration such as 500ms, 10s or 5m") from None


@click.command(
    epilog=examples(
        "vagus run",
        "vagus run samples/riverside_clinic --simulate --for 10s",
        "vagus run /srv/clinic --log-level warning",
    )
)
@folder()
@click.option("--simulate", is_flag=True, help="Start the project's simulators too.")
@click.option("--for", "span", metavar="DURATION", callback=_span, help="Stop after so long.")
@click.option(
    "--log-level", type=click.Choice(_LEVELS), help="Default: info; on a terminal warning."
)
def command(folder: Path | None, simulate: bool, span: float | None, log_level: str | None) -> int:
    """Run a project until SIGTERM, Ctrl-C, or the end of --for; then drain it.

    The last line on standard output is one JSON object that counts the messages of the journal:
    accepted = delivered + filtered + dead + pending, and duplicates. A second signal leaves at
    once, which loses nothing: what is not done goes on at the next start.
    """
    project = opening.opened(folder)
    simulators = simulators_of(project) if simulate else []
    level = log_level or ("warning" if sys.stderr.isatty() else "info")
    logs.configure(level, sys.stderr, plain=not sys.stderr.isatty())
    with asyncio.Runner(loop_factory=process.loop_factory()) as runner:
        counts = runner.run(_run(project, simulators, span))
    output.line({word: counts[word] for word in MESSAGE_WORDS})
    return CLEAN


def simulators_of(project: Project) -> list[Simulator]:
    """The simulators of a project; raises ConfigError."""
    diagnostics = Diagnostics()
    reader = settings.Reader(diagnostics, folder=project.folder)
    found = loading.load(project.folder, reader, diagnostics)
    located = Diagnostics()
    located.extend(opening.located(project.folder, diagnostics))
    located.raise_errors()
    return found


async def _run(
    project: Project, simulators: Sequence[Simulator], span: float | None
) -> dict[str, int]:
    stop = asyncio.Event()
    _heed_signals(stop)
    http = project.settings.http
    feeders = [item for item in simulators if item.feeds]
    async with AsyncExitStack() as stack:
        health = Health(http.host, http.port, expose=http.expose)
        if http.enabled:
            await health.start()
            stack.push_async_callback(health.stop)
        await _start([item for item in simulators if not item.feeds], stack)
        async with running(project) as live:
            _stop_on_failure(live, stop)
            health.running(live.engine)
            process.settle_memory()
            preparing = asyncio.create_task(live.prepare(PREPARE_PAUSE), name="prepare")
            stack.callback(preparing.cancel)
            log.info("engine_started", path=project.folder, url=health.url if http.enabled else "")
            async with AsyncExitStack() as feeding:
                await _start(feeders, feeding)
                await _wait(live, health.url if http.enabled else "", stop, span)
                log.info("engine_draining")
                health.draining()
        if live.journal.failed is not None:
            raise live.journal.failed
    for item in simulators:
        log.info("simulator_report", name=item.name, **_counts(item.report()))
    return live.counts()


async def _start(simulators: Sequence[Simulator], stack: AsyncExitStack) -> None:
    for item in simulators:
        await item.start()
        stack.push_async_callback(item.stop)


async def _wait(live: Running, url: str, stop: asyncio.Event, span: float | None) -> None:
    """Until told to stop or the time is over, showing what happens when somebody looks."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(watching.watch(live, url)) if sys.stderr.isatty() else None
        try:
            async with asyncio.timeout(span):
                await stop.wait()
        except TimeoutError:
            pass
        if task is not None:
            task.cancel()


def _heed_signals(stop: asyncio.Event) -> None:
    """The first signal drains, the second leaves at once."""

    def heed(number: int) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, heed, number)


def _stop_on_failure(live: Running, stop: asyncio.Event) -> None:
    """An engine whose journal has failed takes nothing more: it must end, and be started anew."""

    def failed(_: EngineFault) -> None:
        if live.journal.failed is not None:
            stop.set()

    live.journal.on_failure = failed


def _counts(report: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in report.items() if isinstance(value, int | float)}

"""`vagus channels`: what a project's channels are, and whether they read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from vagus.cli import asking, opening, output
from vagus.cli.failure import CLEAN, FINDINGS
from vagus.cli.options import examples, form, project, split
from vagus.kernel.diagnostics import did_you_mean
from vagus.project import Project

DRAIN_PATIENCE = 60.0
ACTIONS = ("pause", "resume", "drain")
COLUMNS = ("channel", "source", "port", "format", "ack", "steps", "destinations", "enabled")


@click.command(
    epilog=examples(
        "vagus channels",
        "vagus channels list samples/riverside_clinic --format json",
        "vagus channels pause adt_in",
        "vagus channels drain adt_in",
    )
)
@click.argument("words", nargs=-1, metavar="[list | pause NAME | resume NAME | drain NAME]")
@project()
@form()
def command(words: tuple[str, ...], folder: Path | None, form: str) -> int:
    """List the channels, or have a running engine pause, resume or drain one.

    A paused channel reads nothing new; what it has accepted goes on. Drain pauses it and waits
    until what is under way is done.
    """
    folder, rest = split(words, folder)
    if rest in ([], ["list"]):
        output.rows(_listed(opening.opened(folder)), COLUMNS, form)
        return CLEAN
    if len(rest) != 2 or rest[0] not in ACTIONS:
        raise click.UsageError(
            "write: vagus channels [list | pause NAME | resume NAME | drain NAME]"
        )
    return _act(opening.outlined(folder), rest[0], rest[1], form)


def known(project: Project, name: str) -> str:
    """The name, if a channel of the project has it; a wrong name is wrong use."""
    names = [item.config.channel for item in project.channels]
    if name not in names:
        raise click.UsageError(f"there is no channel '{name}'{did_you_mean(name, names)}")
    return name


def _listed(project: Project) -> Iterator[Mapping[str, object]]:
    for file in project.channels:
        yield {
            "channel": file.config.channel,
            "source": file.source.connector,
            "port": getattr(file.source.settings, "port", None),
            "format": file.common.format,
            "ack": str(file.common.ack),
            "steps": len(file.config.steps),
            "destinations": [item.config.name for item in file.destinations],
            "enabled": file.config.enabled,
        }


def _act(project: Project, action: str, name: str, form: str) -> int:
    asked = {"name": known(project, name), "action": action}
    patience = DRAIN_PATIENCE if action == "drain" else asking.PATIENCE
    result = asking.ask(project, "channel", asked, patience)
    if result is None:
        return CLEAN
    if form == output.JSON:
        output.line(result)
    elif "error" in result:
        output.note(f"error: {name}: {result['error']}")
    else:
        late = action == "drain" and not result.get("drained")
        output.say(f"{name}: {action}" + (": not everything is done yet" if late else ": done"))
    failed = "error" in result or (action == "drain" and not result.get("drained"))
    return FINDINGS if failed else CLEAN

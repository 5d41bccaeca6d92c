"""`vagus nodes`: the engines of a project, and what each of them runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from vagus.cli import opening, output
from vagus.cli.failure import CLEAN, FINDINGS
from vagus.cli.options import examples, folder, form
from vagus.journal.place import Place
from vagus.project import Project, placing

COLUMNS = ("node", "state", "runs_on", "host", "pid", "channels", "pending")


@click.command(epilog=examples("vagus nodes", "vagus nodes /srv/clinic --format json"))
@folder()
@form()
def command(folder: Path | None, form: str) -> int:
    """Show the nodes of a project: which engine runs each, on which host, with which channels.

    A node is up, taken over (another node's engine runs it), stopped, or down: it ended without
    saying so. `pending` counts messages that are not finished. Exit code 1 when a node is run by
    nobody.
    """
    project = opening.outlined(folder)
    rows = list(_rows(project, placing.place(project)))
    output.rows(rows, COLUMNS, form)
    return FINDINGS if any(row["state"] in ("stopped", "down") for row in rows) else CLEAN


def _rows(project: Project, place: Place) -> Iterator[Mapping[str, object]]:
    own = project.settings.node
    tenures = {item.node: item for item in place.tenures(own)}
    pending = place.pending() if tenures else {}
    for node in sorted(project.settings.nodes.keys() | tenures.keys() | {own}):
        tenure = tenures.get(node)
        alive = tenure is not None and tenure.alive
        yield {
            "node": node,
            "state": tenure.state if tenure else "stopped",
            "runs_on": tenure.runs_on if tenure and alive else None,
            "host": tenure.host if tenure and alive else None,
            "pid": tenure.pid if tenure and alive else None,
            "channels": [
                item.config.channel
                for item in project.channels
                if project.node_of(item.config.channel) == node
            ],
            "pending": pending.get(f"node {node}", pending.get("", 0)),
        }

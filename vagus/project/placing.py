"""Where a project keeps its journal: a folder of SQLite files, or a PostgreSQL for all nodes."""

from __future__ import annotations

import json
from importlib import import_module

from vagus.journal.place import Folder, Place
from vagus.kernel.errors import ConfigError
from vagus.project.model import Project


def place(project: Project, node: int | None = None) -> Place:
    """The journal of a node, or of the project's own; raises ConfigError without the driver."""
    postgres = project.settings.store.postgres
    if postgres is None:
        return Folder(project.store)
    try:
        module = import_module("vagus.journal.postgres.place")
    except ModuleNotFoundError:
        hint = "pip install 'vagus[postgres]'"
        raise ConfigError(f"PostgreSQL needs the extra 'postgres': {hint}") from None
    own = project.settings.node
    made: Place = module.PostgresPlace(
        postgres,
        project.store,
        project=project.name,
        node=own if node is None else node,
        runs_on=own,
        plan=plan(project),
    )
    return made


def plan(project: Project) -> str:
    """Which node runs which channels, as text that is the same for engines that agree."""
    nodes = project.settings.nodes
    return json.dumps({str(node): sorted(nodes[node]) for node in sorted(nodes)})

"""Whether the division of channels over nodes is whole."""

from __future__ import annotations

from vagus.kernel.diagnostics import Diagnostics, Place, did_you_mean
from vagus.kernel.settings import place_of
from vagus.kernel.strictyaml import Fields
from vagus.project.model import FILE, LINK, Project


def check(project: Project, diagnostics: Diagnostics) -> None:
    """Every channel is one node's, and channels that feed each other are the same node's."""
    if not project.settings.nodes:
        return
    names = [channel.config.channel for channel in project.channels]
    owners: dict[str, int] = {}
    for node, listed in sorted(project.settings.nodes.items()):
        place = _place(project, node)
        for name in listed:
            if name not in names:
                text = f"node {node} lists '{name}', which is no channel{did_you_mean(name, names)}"
                diagnostics.error(place, "unknown-channel", text)
            elif name in owners:
                text = f"'{name}' is a channel of node {owners[name]} already: list it once"
                diagnostics.error(place, "two-nodes", text)
            owners.setdefault(name, node)
    for channel in project.channels:
        own = channel.config.channel
        if own not in owners:
            text = f"no node runs '{own}': list it under nodes: in {FILE}"
            diagnostics.error(channel.place, "no-node", text)
            continue
        for destination in channel.destinations:
            target = getattr(destination.side.settings, "name", "")
            if destination.side.connector != LINK or target not in owners:
                continue
            if owners[target] != owners[own]:
                text = (
                    f"'{own}' feeds '{target}', which node {owners[target]} runs: give both to one"
                    " node"
                )
                diagnostics.error(destination.side.place, "two-nodes", text)


def _place(project: Project, node: int) -> Place:
    fields = project.node
    return place_of(fields, ["nodes", str(node)]) if isinstance(fields, Fields) else Place(FILE)

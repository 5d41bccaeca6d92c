"""Mapping stored or given messages in this process, as a channel would."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from channels.steps import at_acceptance
from mappings.catalogue import Catalogue
from mappings.context import Context
from mappings.mapping import Mapping
from vagus.assembly import identity_of
from vagus.canonical.identity import Identity
from vagus.canonical.systems import Systems
from vagus.formats.format import Terms
from vagus.kernel.diagnostics import did_you_mean
from vagus.kernel.errors import ConfigError
from vagus.kernel.keys import Keyset
from vagus.project import ChannelFile, Project

#: What ids are made from where there is no project; those of a project stay its own secret.
_PUBLIC = Identity(b"vagus map without a project")
Choose = Callable[[Any], Mapping | None]


def terms(file: ChannelFile | None) -> Terms:
    """How messages of a channel are read."""
    if file is None:
        return Terms()
    return Terms(charset=file.common.charset, zone=file.common.zone)


def context(project: Project | None, file: ChannelFile | None, keys: Keyset | None) -> Context:
    """What a mapping may know besides the message; without a channel, nothing particular."""
    name = file.config.channel if file else "map"
    systems = Systems(name)
    if project is not None and file is not None:
        systems = project.systems.get(file.common.systems, systems)
    elif project is not None and len(project.systems) == 1:
        (systems,) = project.systems.values()
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    zone = file.common.zone if file else project.settings.zone if project else "UTC"
    return Context(
        message_id="0" * 13,
        endpoint=name,
        source=systems.name,
        facility=file.common.facility if file else "",
        received_at=now,
        raw_url="",
        now=now,
        zone=zone,
        identity=identity_of(keys) if keys else _PUBLIC,
        systems=systems,
    )


def accepted(known: Context, message_id: int) -> Context:
    """The context of a stored message: its `now` is its acceptance."""
    return at_acceptance(known, message_id)


def named(catalogue: Catalogue, name: str) -> Choose:
    """Always that mapping; raises ConfigError when there is none of that name."""
    mapping = catalogue.get(name)
    if mapping is None:
        hint = did_you_mean(name, catalogue.names())
        raise ConfigError(f"there is no mapping '{name}'{hint}")
    return lambda message: mapping


def chosen(catalogue: Catalogue, file: ChannelFile | None) -> Choose:
    """The mapping a channel uses; without one, that for the message's structure and type."""
    steps = file.config.steps if file else ()
    name = next((step.transform for step in steps if step.transform), "")
    if name and catalogue.get(name) is not None:
        return named(catalogue, name)

    def choose(message: Any) -> Mapping | None:
        return catalogue.select("hl7v2", structure=message.structure, type=message.type)

    return choose

"""What a destination is sent that wants another format than the canonical one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from channels.config import Address as Given
from channels.config import DestinationConfig
from channels.steps import at_acceptance
from channels.work import Work
from mappings.catalogue import Catalogue
from mappings.context import Address, Context
from mappings.mapping import Mapping
from mappings.result import Result
from vagus.canonical import events
from vagus.canonical.bundle import FORMAT as CANONICAL
from vagus.formats.catalogue import FORMATS
from vagus.kernel.errors import ConfigError, MessageError


class _NoMapping(MessageError):
    stage = "map"


@dataclass(frozen=True, slots=True)
class Written:
    """A message as it leaves, with the mapping that wrote it and what that noticed."""

    body: bytes
    type: str
    mapping: Mapping
    result: Result


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes canonical Bundles in one format: by one mapping, or by that for the message type."""

    catalogue: Catalogue
    target: str
    compose: Callable[[Sequence[Any]], bytes]
    mapping: Mapping | None = None  # None: by type

    def write(self, bundle: dict[str, Any], event: str, context: Context) -> Written:
        """The message that a Bundle becomes; raises MessageError."""
        kind = events.written_as(self.target, bundle, event)
        mapping = self.mapping or self._chosen(kind)
        if mapping is None:
            raise _NoMapping("no-mapping", kind)
        if not kind and mapping.events:
            kind = mapping.events[0]
        result = mapping.apply(bundle, replace(context, type=kind))
        return Written(self.compose(result.segments), kind, mapping, result)

    def _chosen(self, kind: str) -> Mapping | None:
        return self.catalogue.select(CANONICAL, type=kind, to=self.target) if kind else None


def writer_of(catalogue: Catalogue, name: str) -> Writer:
    """What writes by a mapping of that name, or by FORMAT_to_FORMAT; raises ConfigError."""
    mapping = catalogue.get(name)
    for target, format in FORMATS.items():
        if mapping.target_format == target if mapping else name == pair(target):
            return Writer(catalogue, target, format.compose, mapping)
    raise ConfigError(f"no mapping '{name}' leads to a format that can be written")


def wanted(
    catalogue: Catalogue, names: Iterable[str], destinations: Iterable[DestinationConfig]
) -> list[str]:
    """Those of some mappings that a destination chooses by the event, for events it wants."""
    choosing: dict[str, list[str]] = {target: [] for target in FORMATS}
    for config in destinations:
        for target, patterns in choosing.items():
            if config.mapping == pair(target):
                patterns += config.on or ["*"]
    found = []
    for name in names:
        mapping = catalogue.get(name)
        target = mapping.target_format if mapping else ""
        known = [events.event_of(target, kind) or "" for kind in mapping.events] if mapping else []
        patterns = choosing.get(target, [])
        if any(events.matches(pattern, event) for pattern in patterns for event in known):
            found.append(name)
    return found


def pair(target: str) -> str:
    """How a destination asks for the mapping from the canonical format by message type."""
    return f"{CANONICAL}_to_{target}"


def written(writer: Writer, context: Context, address: Given) -> Callable[[Work], bytes]:
    """What is sent for a message: its bytes in the writer's format."""
    addressed = replace(context, address=Address(**address.model_dump()))

    def render(work: Work) -> bytes:
        if work.bundle is None:
            raise ConfigError("a destination wants the canonical Bundle, but no step makes one")
        facts = at_acceptance(addressed, work.envelope.id, work.part)
        return writer.write(work.bundle, work.event, facts).body

    return render

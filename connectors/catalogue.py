"""Every connector there is: ours in one table, those of others by entry point."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType

import connectors.file.config as file_config
import connectors.mllp.config as mllp_config
from connectors.file.destination import FileDestination
from connectors.file.source import FileSource
from connectors.mllp.destination import MllpDestination
from connectors.mllp.source import MllpSource
from connectors.seam import Connector
from vagus.kernel.log import get_logger

log = get_logger(__name__)

#: The entry point group by which an installed package offers a `Connector`.
GROUP = "vagus.connectors"

BUILTIN: Mapping[str, Connector] = MappingProxyType(
    {
        "mllp": Connector(
            name="mllp",
            about="HL7 v2 over TCP, with or without TLS; acknowledged message by message.",
            source=(mllp_config.SourceConfig, MllpSource),
            destination=(mllp_config.DestinationConfig, MllpDestination),
            format="hl7v2",
            warnings=mllp_config.warnings,
        ),
        "file": Connector(
            name="file",
            about="Files in a folder, each taken once and put away, or written whole.",
            source=(file_config.SourceConfig, FileSource),
            destination=(file_config.DestinationConfig, FileDestination),
            format="hl7v2",
        ),
    }
)


def load(report: Callable[[str], None] | None = None) -> dict[str, Connector]:
    """All connectors by name; `report` gets a sentence for each one that cannot be used.

    A third party's connector that fails to load is left out: it must not keep a project that
    does not name it from running.
    """
    found = dict(BUILTIN)
    for point in sorted(entry_points(group=GROUP), key=lambda item: item.name):
        trouble = _add(point, found)
        if trouble:
            log.warning("connector_left_out", connector=point.name)
            if report is not None:
                report(f"the connector '{point.name}' ({point.value}) is left out: {trouble}")
    return found


def _add(point: EntryPoint, found: dict[str, Connector]) -> str:
    """Add one; returns what is wrong with it, or nothing."""
    if point.name in found:
        return "the name is taken; rename the entry point"
    try:
        connector = point.load()
    except Exception as error:
        return f"loading it raised {type(error).__name__}; reinstall or remove its package"
    if not isinstance(connector, Connector) or connector.name != point.name:
        return "it must be a connectors.seam.Connector of the same name"
    found[point.name] = connector
    return ""

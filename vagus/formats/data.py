"""Reading the data files that formats are built from."""

from __future__ import annotations

from pathlib import Path

from vagus.kernel import strictyaml
from vagus.kernel.diagnostics import Diagnostics, Place
from vagus.kernel.errors import ConfigError
from vagus.kernel.strictyaml import Fields


def document(path: Path) -> Fields:
    """The one map that a data file holds; raises ConfigError."""
    diagnostics = Diagnostics()
    for node in strictyaml.load_file(path, diagnostics, path.name):
        if isinstance(node, Fields):
            diagnostics.raise_errors()
            return node
    diagnostics.error(Place(path.name), "bad-data", "the file must be a map")
    raise ConfigError(diagnostics=diagnostics.errors)

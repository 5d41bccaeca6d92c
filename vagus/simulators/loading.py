"""Reads the `simulators/` folder of a project."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vagus.kernel.diagnostics import Diagnostics
from vagus.kernel.settings import Reader, place_of
from vagus.kernel.strictyaml import Node, load_file
from vagus.simulators.config import SimulatorConfig
from vagus.simulators.drop import Dropper
from vagus.simulators.ehr import Ehr
from vagus.simulators.messages import read
from vagus.simulators.peer import Peer
from vagus.simulators.simulator import Simulator


def load(folder: Path, reader: Reader, diagnostics: Diagnostics) -> list[Simulator]:
    """The simulators of a project folder, in order of file name.

    Paths in their files are relative to that folder. What is wrong becomes a diagnostic, and
    that simulator is left out.
    """
    found: dict[str, Simulator] = {}
    for path in sorted((folder / "simulators").glob("*.yaml")):
        for node in load_file(path, diagnostics, str(path.relative_to(folder))):
            config = reader.model(SimulatorConfig, node)
            if config is None:
                continue
            if config.simulator in found:
                place = place_of(node, ["simulator"])
                text = f"there is already a simulator '{config.simulator}'"
                diagnostics.error(place, "duplicate-name", text)
                continue
            simulator = _build(config, node, folder, diagnostics)
            if simulator is not None:
                found[config.simulator] = simulator
    return list(found.values())


def _build(
    config: SimulatorConfig, node: Node, folder: Path, diagnostics: Diagnostics
) -> Simulator | None:
    name = config.simulator
    if config.accepts is not None:
        return Peer(name, config.accepts)
    if config.drops is not None:
        where: list[str | int] = ["drops", "files"]
        files = _files(config.drops.files, folder, node, where, diagnostics)
        return Dropper(name, config.drops, files, folder / config.drops.folder) if files else None
    assert config.sends is not None
    files = _files(config.sends.messages, folder, node, ["sends", "messages"], diagnostics)
    bad: list[Path] = []
    if config.sends.bad is not None:
        where = ["sends", "bad", "messages"]
        bad = _files(config.sends.bad.messages, folder, node, where, diagnostics)
    return Ehr(name, config.sends, read(files), read(bad)) if files else None


def _files(
    patterns: Sequence[str],
    folder: Path,
    node: Node,
    where: list[str | int],
    diagnostics: Diagnostics,
) -> list[Path]:
    """The files of the patterns, each once; a pattern without any is a finding."""
    files: set[Path] = set()
    for pattern in patterns:
        matches = [path for path in folder.glob(pattern) if path.is_file()]
        if not matches:
            place = place_of(node, where)
            diagnostics.error(place, "no-messages", f"no file matches '{pattern}' in the project")
        files.update(matches)
    return sorted(files)

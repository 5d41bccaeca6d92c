"""Finding the profile that `--profile` names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from vagus import project as projects
from vagus.cli import opening
from vagus.kernel import strictyaml
from vagus.kernel.diagnostics import Diagnostics, did_you_mean
from vagus.kernel.errors import ConfigError
from vagus.project import profiles
from vagus.project.profiles import Profile


def find(name: str, folder: Path | None, file: str) -> Profile:
    """The profile of that name: a file, of the project, or beside the messages.

    Raises ConfigError when it is wrong, UsageError when there is none.
    """
    if name.endswith((".yaml", ".yml")):
        found = [profile for profile in _read(Path(name)) if profile]
        return found[0] if found else _nothing(name, [])
    known = {
        profile.name: profile for path in _files(folder, file) for profile in _read(path) if profile
    }
    return known.get(name) or _nothing(name, list(known))


def _files(folder: Path | None, file: str) -> Iterator[Path]:
    """Profiles beside the messages, then those of the project: of one name, the last counts."""
    beside = Path(file).parent
    yield from sorted(beside.glob(f"{profiles.FOLDER}/*.yaml"))
    try:
        project = opening.folder_of(folder) if folder else projects.find(Path())
    except ConfigError:
        if folder:
            raise
        return
    yield from sorted(project.glob(f"{profiles.FOLDER}/*.yaml"))


def _read(path: Path) -> Iterator[Profile | None]:
    if not path.is_file():
        raise click.UsageError(f"{path}: there is no such file")
    diagnostics = Diagnostics()
    for node in strictyaml.load_file(path, diagnostics, str(path)):
        yield profiles.read(node, diagnostics)
    diagnostics.raise_errors()


def _nothing(name: str, known: list[str]) -> Profile:
    hint = did_you_mean(name, known)
    raise click.UsageError(f"there is no profile '{name}' in {profiles.FOLDER}/{hint}")

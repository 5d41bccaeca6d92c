"""A folder of YAML files read, checked and linked into a project, before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from vagus.kernel import keys
from vagus.kernel.diagnostics import Diagnostics
from vagus.kernel.errors import ConfigError
from vagus.project.loader import Loader
from vagus.project.model import FILE, ChannelFile, DestinationFile, Project, Side

__all__ = [
    "FILE",
    "ChannelFile",
    "DestinationFile",
    "Project",
    "Side",
    "find",
    "keyset",
    "load",
    "open_project",
    "outline",
]


def find(start: Path) -> Path:
    """The project folder at or above a folder; raises ConfigError when there is none."""
    for folder in (start, *start.resolve().parents):
        if (folder / FILE).is_file():
            return folder
    raise ConfigError(f"{start}: no {FILE} here or above; make a project with: vagus init DIR")


def load(
    folder: Path, diagnostics: Diagnostics, environment: Mapping[str, str] | None = None
) -> Project | None:
    """The project of a folder, or None when its main file cannot be read.

    Every problem of every file becomes a diagnostic; a project with errors must not run.
    """
    return Loader(folder, diagnostics, environment).project()


def outline(
    folder: Path, diagnostics: Diagnostics, environment: Mapping[str, str] | None = None
) -> Project | None:
    """The project without its mappings: enough to look into its journal, and quick.

    Channels that cannot be read are missing; what depends on mappings is not checked.
    """
    return Loader(folder, diagnostics, environment).project(mappings=False)


def open_project(folder: Path, environment: Mapping[str, str] | None = None) -> Project:
    """The project of a folder; raises ConfigError with every error found."""
    diagnostics = Diagnostics()
    project = load(folder, diagnostics, environment)
    diagnostics.raise_errors()
    if project is None:
        raise ConfigError(f"{folder / FILE}: the project cannot be read")
    return project


def keyset(project: Project) -> keys.Keyset:
    """The keys of a project, made now if they may be and are not there yet."""
    path = project.folder / project.settings.keys.file
    if path.exists():
        return keys.load(path)
    if project.settings.keys.create:
        return keys.create(path)
    raise ConfigError(f"{path}: there is no key file; put it there, or set keys: {{create: true}}")

"""Finding and opening the project a verb works on."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from vagus import project as projects
from vagus.kernel.diagnostics import Diagnostic, Diagnostics
from vagus.kernel.errors import ConfigError
from vagus.kernel.keys import Keyset
from vagus.project import Project


def folder_of(given: Path | None) -> Path:
    """The project folder named, or the nearest one from here upwards; raises ConfigError."""
    if given is None:
        return projects.find(Path())
    if not (given / projects.FILE).is_file():
        why = "there is no such folder" if not given.exists() else f"no {projects.FILE} in it"
        raise ConfigError(f"{given}: {why}; make a project with: vagus init DIR")
    return given


def opened(given: Path | None) -> Project:
    """The project, free of errors; raises ConfigError with every error, by its path from here."""
    folder = folder_of(given)
    diagnostics = Diagnostics()
    project = projects.load(folder, diagnostics)
    if errors := located(folder, diagnostics.errors):
        raise ConfigError(diagnostics=errors)
    if project is None:
        raise ConfigError(f"{folder}: the project cannot be read")
    return project


def outlined(given: Path | None) -> Project:
    """The project as far as its journal needs it: a broken mapping hides no dead letter.

    Raises ConfigError when its main file cannot be read.
    """
    folder = folder_of(given)
    diagnostics = Diagnostics()
    project = projects.outline(folder, diagnostics)
    if project is None:
        raise ConfigError(diagnostics=located(folder, diagnostics.errors))
    return project


def keyset(project: Project) -> Keyset:
    """The keys of a project that has run; never makes any. Raises ConfigError."""
    path = project.folder / project.settings.keys.file
    if not path.exists():
        raise ConfigError(f"{path}: there is no key file; has the project ever run?")
    return projects.keyset(project)


def located(folder: Path, items: Iterable[Diagnostic]) -> list[Diagnostic]:
    """The diagnostics with paths that lead to the files from here."""
    return [_located(folder, item) for item in items]


def _located(folder: Path, item: Diagnostic) -> Diagnostic:
    path = folder / item.place.file
    if not path.exists():
        return item
    shown = os.path.relpath(path)
    if len(shown) > len(str(path)):
        shown = str(path)
    return replace(item, place=replace(item.place, file=shown))

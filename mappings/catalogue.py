"""All mappings of a project and the library: loaded, linted, found by message type (§11)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from mappings.headers import MappingFile, Reader, TemplateFile
from mappings.loader import Loader
from mappings.mapping import Mapping
from vagus.kernel.diagnostics import Diagnostics

LIBRARY = Path(__file__).with_name("library")


class Listed(NamedTuple):
    """A mapping of the library as its header lists it; `make` gives the mapping."""

    source_format: str
    structure: str
    target_format: str
    events: tuple[str, ...]
    make: Callable[[], Mapping | None]


class Library:
    """The library's mappings by name, each made when it is first asked for: a run needs few."""

    def __init__(self, listed: dict[str, Listed]) -> None:
        self.listed = listed
        self._made: dict[str, Mapping | None] = {}

    def get(self, name: str) -> Mapping | None:
        """The mapping of that name; None when there is none, or the project's files broke it."""
        if name not in self._made and name in self.listed:
            self._made[name] = self.listed[name].make()
        return self._made.get(name)


class Catalogue:
    """The mappings that can be applied, by name; those of the project win over the library's."""

    def __init__(self, own: dict[str, Mapping], library: Library) -> None:
        self._own = own
        self._library = library

    def names(self) -> list[str]:
        """The names of all mappings, the project's first."""
        return [*self._own, *(name for name in self._library.listed if name not in self._own)]

    def own_names(self) -> list[str]:
        """The names of the project's mappings."""
        return list(self._own)

    def get(self, name: str) -> Mapping | None:
        """The mapping of that name, or None."""
        return self._own.get(name) or self._library.get(name)

    def mapping(self, name: str) -> Mapping:
        """The mapping of that name; KeyError when there is none."""
        found = self.get(name)
        if found is None:
            raise KeyError(name)
        return found

    def select(
        self, format: str, *, structure: str = "", type: str = "", to: str = "fhir"
    ) -> Mapping | None:
        """The mapping for a message: the project's before the library's.

        A mapping that states `for:` is taken for those message types only, before any that is
        taken by structure.
        """
        own = _fitting(self._own, format, to, structure, type)
        if own is not None:
            return self._own[own]
        name = _fitting(self._library.listed, format, to, structure, type)
        return self._library.get(name) if name is not None else None


def _fitting(
    known: dict[str, Mapping] | dict[str, Listed], format: str, to: str, structure: str, type: str
) -> str | None:
    fitting = [
        (name, item)
        for name, item in known.items()
        if item.source_format == format and item.target_format == to
    ]
    for name, item in fitting:
        if type and type in item.events:
            return name
    for name, item in fitting:
        if structure and item.structure == structure and not item.events:
            return name
    return None


def load(folders: Sequence[Path], diagnostics: Diagnostics, *, library: bool = True) -> Catalogue:
    """The mappings of some folders, and of the library; every problem becomes a diagnostic.

    A mapping with errors is left out. The library's own mappings are trusted: they are linted
    when their folder is loaded like any other.
    """
    reader = Reader(diagnostics)
    loader = Loader(diagnostics)
    for folder in folders:
        loader.add(reader.folder(folder), own=True)
    if library and LIBRARY.is_dir() and LIBRARY not in folders:
        loader.add(reader.folder(LIBRARY, "library"), own=False)
    own: dict[str, Mapping] = {}
    rest: dict[str, Listed] = {}
    tables: set[str] = set()
    for file in loader.mappings.values():
        if id(file) not in loader.own:
            rest[file.name] = _listed(loader, file)
        elif (mapping := _mapping(loader, file, diagnostics, tables)) is not None:
            own[mapping.name] = mapping
    shelf = Library(rest)
    if _unused_templates(loader):  # one of the library's mappings may be what uses it
        for name in rest:
            shelf.get(name)
    _unused(loader, tables, diagnostics)
    return Catalogue(own, shelf)


def _listed(loader: Loader, file: MappingFile) -> Listed:
    source, _, structure = (file.source.value or "" if file.source else "").partition("/")
    target, _, _ = (file.target.value or "" if file.target else "").partition("/")
    make = partial(_mapping, loader, file, Diagnostics())
    return Listed(source, structure, target, file.events, make)


def _mapping(
    loader: Loader, file: MappingFile, report: Diagnostics, tables: set[str] | None = None
) -> Mapping | None:
    """A mapping without errors; it is linted when there are `tables` to take down its own."""
    before = len(report.errors)
    loader.report = report
    plan = loader.plan(file)
    if plan is None:
        return None
    mapping = Mapping(plan)
    if tables is not None:
        tables |= mapping.lint(report).session.used_tables
    return mapping if len(report.errors) == before else None


def _unused_templates(loader: Loader) -> list[TemplateFile]:
    own = (item for item in loader.templates.items() if id(item[1]) in loader.own)
    return [template for name, template in own if name not in loader.used_templates]


def _unused(loader: Loader, tables: set[str], report: Diagnostics) -> None:
    for template in _unused_templates(loader):
        text = f"nothing uses template '{template.name}'"
        report.warning(template.place, "unused-template", text)
    for name, table in loader.tables.items():
        if id(table) in loader.own and name not in tables:
            report.warning(table.place, "unused-table", f"nothing uses table '{name}'")

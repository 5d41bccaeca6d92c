"""All mappings of a project and the library: loaded, linted, found by message type (§11)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mappings.headers import MappingFile, Reader
from mappings.loader import Loader
from mappings.mapping import Mapping
from vagus.kernel.diagnostics import Diagnostics

LIBRARY = Path(__file__).with_name("library")


class Catalogue:
    """The mappings that can be applied, by name; those of the project win over the library's."""

    def __init__(self, own: dict[str, Mapping], library: dict[str, Mapping]) -> None:
        self._own = own
        self._library = library

    def names(self) -> list[str]:
        """The names of all mappings, the project's first."""
        return [*self._own, *(name for name in self._library if name not in self._own)]

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
        for group in (self._own, self._library):
            known = [
                mapping
                for mapping in group.values()
                if mapping.source_format == format and mapping.target_format == to
            ]
            for mapping in known:
                if type and type in mapping.events:
                    return mapping
            for mapping in known:
                if structure and mapping.structure == structure and not mapping.events:
                    return mapping
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
    rest: dict[str, Mapping] = {}
    tables: set[str] = set()
    for file in loader.mappings.values():
        mine = id(file) in loader.own
        mapping = _mapping(loader, file, diagnostics if mine else Diagnostics(), tables, mine)
        if mapping is not None:
            (own if mine else rest)[mapping.name] = mapping
    _unused(loader, tables, diagnostics)
    return Catalogue(own, rest)


def _mapping(
    loader: Loader, file: MappingFile, report: Diagnostics, tables: set[str], lint: bool
) -> Mapping | None:
    before = len(report.errors)
    loader.report = report
    plan = loader.plan(file)
    if plan is None:
        return None
    mapping = Mapping(plan)
    if lint:
        tables |= mapping.lint(report).session.used_tables
    return mapping if len(report.errors) == before else None


def _unused(loader: Loader, tables: set[str], report: Diagnostics) -> None:
    for name, template in loader.templates.items():
        if id(template) in loader.own and name not in loader.used_templates:
            report.warning(template.place, "unused-template", f"nothing uses template '{name}'")
    for name, table in loader.tables.items():
        if id(table) in loader.own and name not in tables:
            report.warning(table.place, "unused-table", f"nothing uses table '{name}'")

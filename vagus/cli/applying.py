"""Mapping the messages of a file in this process: what came out, and what is to be said of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import click

from mappings import catalogue as catalogues
from mappings.catalogue import Catalogue
from mappings.context import Context
from mappings.mapping import Mapping
from mappings.result import Result
from vagus.canonical.validation import Validator
from vagus.cli import channels, findings, mapping, opening, reading
from vagus.cli.findings import Finding
from vagus.formats.format import Terms
from vagus.formats.hl7v2 import HL7V2
from vagus.kernel.diagnostics import Diagnostics
from vagus.kernel.errors import ConfigError, DecodeError, MappingError
from vagus.project import Project


class Way(NamedTuple):
    """How messages are read, mapped and checked; the validator is made when first needed."""

    terms: Terms
    choose: mapping.Choose
    context: Context
    validator: Callable[[], Validator]
    catalogue: Catalogue


class Mapped(NamedTuple):
    """One message: as it was read, what maps it, what came out, and what is to be said of it."""

    message: Any
    mapping: Mapping | None
    result: Result | None
    problems: list[Finding]

    @property
    def failed(self) -> bool:
        """Whether something is wrong with it."""
        return any(problem["severity"] == "error" for problem in self.problems)


def way(folder: Path | None, channel: str | None, name: str | None) -> Way:
    """How a channel of a project maps, or that mapping; without a project, as the library does.

    Raises ConfigError, and UsageError for a channel without a project.
    """
    project = opening.opened(folder) if folder is not None else None
    if channel is not None and project is None:
        raise click.UsageError("--channel needs --project")
    catalogue = project.catalogue if project else library()
    wanted = project.channel(channels.known(project, channel)) if project and channel else None
    if project is not None and wanted is None and len(project.channels) == 1:
        wanted = project.channels[0]
    keys = opening.keyset(project) if project and _has_keys(project) else None
    choose = _named(catalogue, name) if name else mapping.chosen(catalogue, wanted)
    facts = mapping.context(project, wanted, keys)
    return Way(mapping.terms(wanted), choose, facts, cache(Validator), catalogue)


def _named(catalogue: Catalogue, name: str) -> mapping.Choose:
    found = catalogue.get(name)
    if found is not None and (found.source_format, found.target_format) != ("hl7v2", "fhir"):
        way = f"from {found.source_format} to {found.target_format}"
        raise ConfigError(f"mapping '{name}' leads {way}; one from hl7v2 to fhir is needed")
    return mapping.named(catalogue, name)


def library() -> Catalogue:
    """The mappings that come with Vagus."""
    diagnostics = Diagnostics()
    found = catalogues.load([], diagnostics)
    diagnostics.raise_errors()
    return found


def _has_keys(project: Project) -> bool:
    return (project.folder / project.settings.keys.file).exists()


def mapped(found: reading.Found, way: Way, *, trace: bool = False, loss: bool = False) -> Mapped:
    """What becomes of one message; what is wrong with it is told, never raised."""
    if found.error is not None:
        return _refused(findings.error(found.error.code, found.error.where))
    try:
        message = HL7V2().decode(found.body, way.terms)
    except DecodeError as error:
        return _refused(findings.error(error.code, error.where))
    used = way.choose(message)
    if used is None:
        return _refused(findings.error("no-mapping", "MSH-9"), message)
    try:
        result = used.apply(message, way.context, trace=trace, loss="field" if loss else False)
    except MappingError as error:
        place = f"{error.mapping}, line {error.line}: {error.path}"
        told = findings.error(error.code, error.where, f"{error.code} in {place}")
        return Mapped(message, used, None, [{**told, "line": error.line}])
    return Mapped(message, used, result, list(_noticed(result, way)))


def _refused(problem: Finding, message: Any = None) -> Mapped:
    return Mapped(message, None, None, [problem])


def _noticed(result: Result, way: Way) -> Iterator[Finding]:
    for noticed in result.warnings:
        text = f"{noticed.code.replace('-', ' ')} in {noticed.place}"
        yield findings.warning(noticed.code, noticed.where, text)
    for issue in way.validator().issues(result.bundle):
        yield findings.error(issue.code, issue.place, issue.text)

"""`vagus map`: the canonical Bundle of each message of a file, with or without a project."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import click

from mappings import catalogue as catalogues
from mappings.catalogue import Catalogue
from mappings.context import Context
from mappings.result import Result
from vagus.canonical import bundle
from vagus.canonical.validation import Validator
from vagus.cli import channels, findings, mapping, opening, output, reading
from vagus.cli.failure import CLEAN, FINDINGS
from vagus.cli.findings import Finding
from vagus.cli.options import examples, form
from vagus.formats.format import Terms
from vagus.formats.hl7v2 import HL7V2
from vagus.kernel.diagnostics import Diagnostics
from vagus.kernel.errors import DecodeError, MappingError
from vagus.project import Project


class Wishes(NamedTuple):
    """What to show besides the Bundle, and how."""

    trace: bool
    loss: bool
    form: str


class Way(NamedTuple):
    """How messages are read, mapped and checked; the validator is made when first needed."""

    terms: Terms
    choose: mapping.Choose
    context: Context
    validator: Callable[[], Validator]


@click.command(
    epilog=examples(
        "vagus map admissions.hl7",
        "vagus map --loss admissions.hl7 | jq .loss",
        "vagus map --project samples/riverside_clinic --channel adt_in visit.hl7",
        "cat capture.mllp | vagus map --mapping ADT_A01 --trace -",
    )
)
@click.argument("file")
@click.option("--mapping", "name", metavar="NAME", help="Use this one; default: by message type.")
@click.option(
    "--project",
    "folder",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Use its mappings, tables and systems; default: what comes with Vagus.",
)
@click.option("--channel", metavar="NAME", help="As this channel of the project maps.")
@click.option("--trace", is_flag=True, help="Say where every element came from.")
@click.option("--loss", is_flag=True, help="List the populated fields that nothing read.")
@form(output.JSON)
def command(
    file: str,
    name: str | None,
    folder: Path | None,
    channel: str | None,
    form: str,
    **given: bool,
) -> int:
    """Map each message of FILE to its canonical FHIR R4 Bundle, one JSON line each.

    Findings go to standard error as JSON lines: severity, code, where, text. Exit code 1 when a
    message cannot be mapped or its Bundle is not valid. With --trace or --loss each line is an
    object with `bundle`, and `trace`, or `loss` and `left` (ignored on purpose), beside it.
    """
    wishes = Wishes(given["trace"], given["loss"], form)
    way = _way(folder, channel, name)
    total = failed = 0
    for found in reading.messages(reading.contents(file)):
        total += 1
        problems = list(_mapped(found, way, wishes))
        for problem in problems:
            output.finding({"message": found.number, **problem})
        failed += any(problem["severity"] == "error" for problem in problems)
    if not total:
        output.note(f"{file}: no message in it")
    return FINDINGS if failed or not total else CLEAN


def _way(folder: Path | None, channel: str | None, name: str | None) -> Way:
    project = opening.opened(folder) if folder is not None else None
    if channel is not None and project is None:
        raise click.UsageError("--channel needs --project")
    catalogue = project.catalogue if project else _library()
    wanted = project.channel(channels.known(project, channel)) if project and channel else None
    if project is not None and wanted is None and len(project.channels) == 1:
        wanted = project.channels[0]
    keys = opening.keyset(project) if project and _has_keys(project) else None
    choose = mapping.named(catalogue, name) if name else mapping.chosen(catalogue, wanted)
    return Way(
        mapping.terms(wanted), choose, mapping.context(project, wanted, keys), cache(Validator)
    )


def _library() -> Catalogue:
    diagnostics = Diagnostics()
    found = catalogues.load([], diagnostics)
    diagnostics.raise_errors()
    return found


def _has_keys(project: Project) -> bool:
    return (project.folder / project.settings.keys.file).exists()


def _mapped(found: reading.Found, way: Way, wishes: Wishes) -> Iterator[Finding]:
    """Map one message and print what it became; yields what is to be said about it."""
    if found.error is not None:
        yield findings.error(found.error.code, found.error.where)
        return
    try:
        message = HL7V2().decode(found.body, way.terms)
    except DecodeError as error:
        yield findings.error(error.code, error.where)
        return
    used = way.choose(message)
    if used is None:
        yield findings.error("no-mapping", "MSH-9")
        return
    try:
        loss: Any = "field" if wishes.loss else False
        result = used.apply(message, way.context, trace=wishes.trace, loss=loss)
    except MappingError as error:
        place = f"{error.mapping}, line {error.line}: {error.path}"
        yield {
            **findings.error(error.code, error.where, f"{error.code} in {place}"),
            "line": error.line,
        }
        return
    _show(result, wishes)
    for noticed in result.warnings:
        text = f"{noticed.code.replace('-', ' ')} in {noticed.place}"
        yield findings.warning(noticed.code, noticed.where, text)
    for issue in way.validator().issues(result.bundle):
        yield findings.error(issue.code, issue.place, issue.text)


def _show(result: Result, wishes: Wishes) -> None:
    text = bundle.dumps(result.bundle).decode()
    if not (wishes.trace or wishes.loss):
        output.say(text if wishes.form == output.JSON else output.pretty(text))
        return
    shown: dict[str, Any] = {"bundle": output.ready(text)}
    if wishes.trace:
        shown["trace"] = [item._asdict() for item in result.lineage]
    if wishes.loss:
        shown["loss"] = [item._asdict() for item in result.loss]
        shown["left"] = [item._asdict() for item in result.left]
    line = output.dumps(shown)
    output.say(line if wishes.form == output.JSON else output.pretty(line))

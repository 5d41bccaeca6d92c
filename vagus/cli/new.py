"""`vagus new mapping`: a mapping and its golden test, in their places, right from the start."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from mappings import golden
from mappings.mapping import Mapping
from vagus.cli import applying, opening, output, reading, scaffold, schema
from vagus.cli.failure import CLEAN
from vagus.cli.options import examples, project
from vagus.cli.proposals import Proposals
from vagus.cli.scaffold import Wanted
from vagus.formats.hl7v2 import structures
from vagus.kernel.diagnostics import did_you_mean
from vagus.kernel.errors import ConfigError
from vagus.project import Project

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,59}")


@click.group(
    epilog=examples(
        "vagus new mapping clinic_ADT_A01 --from hl7v2/ADT_A01",
        "vagus new mapping clinic_bookings --for messages/booking.hl7",
    )
)
def command() -> None:
    """Write a new mapping with its golden test into a project."""


@command.command(
    epilog=examples(
        "vagus new mapping clinic_ADT_A01 --from hl7v2/ADT_A01",
        "vagus new mapping clinic_bookings --for messages/booking.hl7",
        "vagus new mapping clinic_A05 --from hl7v2/ADT_A05 --extends ADT_A01",
    )
)
@click.argument("name")
@click.option("--from", "source", metavar="FORMAT", help="What comes in, such as hl7v2/ADT_A01.")
@click.option(
    "--to",
    "target",
    type=click.Choice(["fhir/r4"]),
    default="fhir/r4",
    show_default=True,
    help="What comes out.",
)
@click.option(
    "--extends", metavar="NAME", help="Start from this one; default: the library's, if it has one."
)
@click.option("--for", "sample", metavar="FILE", help="Propose what these messages lose with it.")
@project()
def mapping(
    name: str,
    source: str | None,
    target: str,
    extends: str | None,
    sample: str | None,
    folder: Path | None,
) -> int:
    """Write mappings/NAME.yaml, tests/NAME.test.yaml and what it expects; never over a file.

    It says only what differs from the mapping of the library, where there is one. With --for the
    populated fields of those messages that nothing reads are proposed as lines to uncomment. The
    test uses the sample when it lies in the project and is one message, else an invented one:
    nothing of a file elsewhere is copied.
    """
    found = opening.opened(folder)
    messages = [item for _, item in reading.all_messages([sample] if sample else [])]
    structure, base = _started(found, name, source, extends, messages)
    wanted = Wanted(name, structure, target, base, sample)
    proposals = _proposals(found, wanted, messages)
    files = scaffold.files(found, wanted, proposals)
    made = [*files, f"tests/golden/{name}.json"]
    if there := [path for path in made if (found.folder / path).exists()]:
        raise ConfigError(f"{found.folder / there[0]} is there already; choose another name")
    _write(found.folder, files)
    for item in ("mapping", "test"):
        if not (found.folder / schema.FOLDER / f"{item}.json").exists():
            schema.write(item, found.folder / schema.FOLDER)
    _accept(found.folder, files, wanted)
    for path in made:
        output.say(f"wrote {found.folder / path}")
    if wanted.sample is not None and not proposals.messages:
        output.note(f"{wanted.sample}: no message of {wanted.structure} that could be mapped")
    if proposals.found:
        output.say(f"{len(proposals.fields)} fields and {len(proposals.parts)} Z-segments proposed")
    _warn_of_others(found, wanted)
    return CLEAN


def _started(
    project: Project,
    name: str,
    source: str | None,
    extends: str | None,
    messages: Sequence[reading.Found],
) -> tuple[str, Mapping | None]:
    """The structure that comes in, and the mapping to start from if there is one."""
    if not _NAME.fullmatch(name):
        raise click.UsageError(f"'{name}': a name is letters, digits and _ after a letter")
    catalogue = project.catalogue
    if catalogue.get(name) is not None:
        raise ConfigError(f"there is a mapping '{name}' already")
    base = catalogue.get(extends) if extends else None
    if extends and (base is None or base.source_format != "hl7v2" or base.target_format != "fhir"):
        hint = did_you_mean(extends, catalogue.names())
        raise ConfigError(f"'{extends}' is not a mapping from hl7v2 to fhir{hint}")
    known = structures.events().values()
    format_, _, structure = (source or "").partition("/")
    if source is None:
        structure = base.structure if base else _structure_of(messages)
    elif format_ != "hl7v2" or structure not in known:
        hint = did_you_mean(structure, known)
        raise click.UsageError(f"--from {source}: write hl7v2/ and a message structure{hint}")
    return structure, base or _in_library(project, structure)


def _structure_of(messages: Iterable[reading.Found]) -> str:
    """The structure of the first message that has one."""
    way = applying.way(None, None, None)
    for found in messages:
        message = applying.mapped(found, way).message
        if message is not None and message.structure in structures.events().values():
            return str(message.structure)
    raise click.UsageError("say what comes in: --from hl7v2/ADT_A01, or --for a file of messages")


def _in_library(project: Project, structure: str) -> Mapping | None:
    own = project.catalogue.own_names()
    known = (project.catalogue.get(name) for name in project.catalogue.names() if name not in own)
    for item in known:
        if item is not None and (item.structure, item.target_format) == (structure, "fhir"):
            return item
    return None


def _proposals(project: Project, wanted: Wanted, messages: Iterable[reading.Found]) -> Proposals:
    """What the sample loses with the mapping that is extended."""
    proposals = Proposals()
    if not messages or wanted.base is None:
        return proposals
    way = applying.way(project.folder, None, wanted.base.name)
    for found in messages:
        mapped = applying.mapped(found, way, loss=True)
        if mapped.result is not None and mapped.message.structure == wanted.structure:
            lost = [(item.segment, n) for item in mapped.result.loss for n in item.fields]
            proposals.add(mapped.message, wanted.base, lost)
    return proposals


def _write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())


def _accept(folder: Path, files: dict[str, str], wanted: Wanted) -> None:
    """Write what comes out now as what is expected; undo all when the mapping does not work."""
    try:
        project = opening.opened(folder)
        path = folder / f"tests/{wanted.name}.test.yaml"
        results = golden.run(path, project.catalogue, True, project.systems)
        failed = [f"{item.place}: {text}" for item in results for text in item.differences]
    except ConfigError:
        _undo(folder, files)
        raise
    if failed:
        _undo(folder, files)
        raise ConfigError("; ".join(failed))


def _undo(folder: Path, files: dict[str, str]) -> None:
    for name in files:
        (folder / name).unlink()


def _warn_of_others(project: Project, wanted: Wanted) -> None:
    """Say when another mapping of the project is for the same messages."""
    for name in project.catalogue.own_names():
        other = project.catalogue.get(name)
        if other and (other.structure, other.target_format) == (wanted.structure, "fhir"):
            output.note(
                f"warning: '{name}' is for {wanted.structure} too, and the one whose file comes"
                " first is used: say in one of them for which events it is (for:)"
            )

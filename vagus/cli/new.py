"""`vagus new mapping`: a mapping and its golden test, in their places, right from the start."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import click

from mappings import golden
from mappings.mapping import Mapping
from mappings.structures import standard
from vagus.cli import applying, opening, output, reading, schema
from vagus.cli.failure import CLEAN
from vagus.cli.options import examples, project
from vagus.cli.proposals import Proposals
from vagus.formats.hl7v2 import structures
from vagus.kernel.diagnostics import did_you_mean
from vagus.kernel.errors import ConfigError
from vagus.project import Project

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,59}")
_MODELINE = "# yaml-language-server: $schema=../schemas/{}.json\n"
_SEGMENTS = {
    "EVN": "EVN||20260105080000+0000",
    "SCH": "SCH|B100^CLINIC|B100^CLINIC|||||CHECKUP|ROUTINE|||"
    "^^^20260112090000+0000^20260112093000+0000||||||||||||||BOOKED",
    "PID": "PID|1||100200^^^CLINIC^MR||SAMPLE^ROBIN||19800229|F",
    "MRG": "MRG|100100^^^CLINIC^MR",
    "PV1": "PV1|1|O|FRONT^^^CLINIC||||||||||||||||V100^^^CLINIC^VN",
}
_PLAIN = """\
  header: {$use: MessageHeader}
  sender: {$use: Sender}
  source_provenance: {$use: SourceProvenance}
  transformation: {$use: TransformationProvenance}
"""
_PATIENT = "  patient: {$use: Patient, generalPractitioner: null}\n"


class Wanted(NamedTuple):
    """What is to be written: its name, structure, what it extends, and a sample to look at."""

    name: str
    structure: str
    base: Mapping | None
    sample: str | None


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
    wanted = _wanted(found, name, source, extends, sample)
    proposals = _proposals(found, wanted)
    files = _files(found, wanted, proposals)
    if there := [path for path in files if (found.folder / path).exists()]:
        raise ConfigError(f"{found.folder / there[0]} is there already; choose another name")
    _write(found.folder, files)
    for item in ("mapping", "test"):
        if not (found.folder / schema.FOLDER / f"{item}.json").exists():
            schema.write(item, found.folder / schema.FOLDER)
    _accept(found.folder, files, wanted)
    for path in files:
        output.say(f"wrote {found.folder / path}")
    if wanted.sample is not None and not proposals.messages:
        output.note(f"{wanted.sample}: no message of {wanted.structure} that could be mapped")
    if proposals.found:
        output.say(f"{len(proposals.fields)} fields and {len(proposals.parts)} Z-segments proposed")
    _warn_of_others(found, wanted)
    return CLEAN


def _wanted(
    project: Project, name: str, source: str | None, extends: str | None, sample: str | None
) -> Wanted:
    if not _NAME.fullmatch(name):
        raise click.UsageError(f"'{name}': a name is letters, digits and _ after a letter")
    catalogue = project.catalogue
    if catalogue.get(name) is not None:
        raise ConfigError(f"there is a mapping '{name}' already")
    base = catalogue.get(extends) if extends else None
    if extends and (base is None or base.source_format != "hl7v2" or base.target_format != "fhir"):
        hint = did_you_mean(extends, catalogue.names())
        raise ConfigError(f"'{extends}' is not a mapping from hl7v2 to fhir{hint}")
    format_, _, structure = (source or "").partition("/")
    if source is None:
        structure = base.structure if base else _structure_of(sample)
    elif format_ != "hl7v2" or structure not in structures.events().values():
        hint = did_you_mean(structure, structures.events().values())
        raise click.UsageError(f"--from {source}: write hl7v2/ and a message structure{hint}")
    return Wanted(name, structure, base or _in_library(project, structure), sample)


def _structure_of(sample: str | None) -> str:
    """The structure of the first message of a file."""
    way = applying.way(None, None, None)
    for _, found in reading.all_messages([sample] if sample else []):
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


def _proposals(project: Project, wanted: Wanted) -> Proposals:
    """What the sample loses with the mapping that is extended."""
    proposals = Proposals()
    if wanted.sample is None or wanted.base is None:
        return proposals
    way = applying.way(project.folder, None, wanted.base.name)
    for _, found in reading.all_messages([wanted.sample]):
        mapped = applying.mapped(found, way, loss=True)
        if mapped.result is not None and mapped.message.structure == wanted.structure:
            lost = [(item.segment, n) for item in mapped.result.loss for n in item.fields]
            proposals.add(mapped.message, wanted.base, lost)
    return proposals


def _files(project: Project, wanted: Wanted, proposals: Proposals) -> dict[str, str]:
    """The files by their path in the project."""
    name = wanted.name
    files = {f"mappings/{name}.yaml": _mapping_text(project, wanted, proposals)}
    given = _in_project(project, wanted.sample)
    if given is None:
        given = f"messages/{name}.hl7"
        files[given] = _invented(wanted.structure)
    registry = next(iter(project.systems)) if len(project.systems) == 1 else ""
    settings = (
        f'now: "2026-01-05T08:00:00Z", key: test{f", systems: {registry}" if registry else ""}'
    )
    files[f"tests/{name}.test.yaml"] = (
        f"{_MODELINE.format('test')}"
        f"tests: {name}\n"
        f"settings: {{{settings}}}\n"
        "cases:\n"
        "  - name: as it is now\n"
        f"    given: {{file: ../{given}}}\n"
        f"    expect_exactly: {{file: golden/{name}.json}}\n"
    )
    return files


def _mapping_text(project: Project, wanted: Wanted, proposals: Proposals) -> str:
    base = wanted.base
    text = _MODELINE.format("mapping")
    text += f"# See what it makes of a message: vagus map --mapping {wanted.name} --trace FILE\n"
    text += f"mapping: {wanted.name}\n"
    text += f"extends: {base.name}\n" if base else ""
    if base is None or base.structure != wanted.structure:
        text += f"from: hl7v2/{wanted.structure}\n"
    text += "" if base else "to: fhir/r4\n"
    text += f"# for: {_event(wanted.structure)}  ## of these events only; else of all it fits\n"
    if base is None:
        group = standard(wanted.structure)
        patient = group is not None and group.child("PID") is not None
        text += f"resources:\n{_PLAIN}{_PATIENT if patient else ''}"
    else:
        text += f"# Below: only what differs from {base.name}. Its resources are\n"
        text += "".join(f"#   {line}\n" for line in _wrapped(base.resources))
    if proposals.found:
        prefix = f"urn:x-vagus:{project.settings.project}"
        patient = base is not None and base.resources.get("patient") is False
        text += "\n## Read by nothing, though populated. Uncomment and adapt what you want:\n"
        lines = proposals.lines(prefix, patient, own_block=base is not None)
        text += "".join(f"# {line}\n" for line in lines)
    return text


def _wrapped(words: Iterable[str]) -> list[str]:
    lines = [""]
    for word in words:
        if len(lines[-1]) + len(word) > 90:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _in_project(project: Project, sample: str | None) -> str | None:
    """The sample's path in the project, when it is there and holds one message."""
    if sample is None or sample == reading.STDIN or Path(sample).is_dir():
        return None
    inside = os.path.relpath(Path(sample).resolve(), project.folder.resolve())
    single = sum(1 for _ in reading.all_messages([sample])) == 1
    return Path(inside).as_posix() if single and not inside.startswith("..") else None


def _invented(structure: str) -> str:
    """A small message of a structure, of a patient who does not exist."""
    group = standard(structure)
    there = group.segments() if group else set()
    head = (
        "MSH|^~\\&|DESK|CLINIC|VAGUS|CLINIC|20260105080000+0000||"
        f"{_event(structure)}^{structure}|NEW0001|P|2.5.1"
    )
    lines = [head, *(text for name, text in _SEGMENTS.items() if name in there)]
    return "\r".join(lines) + "\r"


def _event(structure: str) -> str:
    """A type of message that has this structure, such as `ADT^A01`."""
    return next("^".join(key) for key, name in structures.events().items() if name == structure)


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

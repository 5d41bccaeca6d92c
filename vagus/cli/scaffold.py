"""The files of a new mapping: the mapping, its golden test, and a message to begin with."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from mappings.mapping import Mapping
from mappings.structures import standard
from vagus.cli import reading
from vagus.cli.proposals import Proposals
from vagus.formats.hl7v2 import structures
from vagus.project import Project

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
    target: str
    base: Mapping | None
    sample: str | None


def files(project: Project, wanted: Wanted, proposals: Proposals) -> dict[str, str]:
    """The files by their path in the project."""
    name = wanted.name
    found = {f"mappings/{name}.yaml": _mapping_text(project, wanted, proposals)}
    given = _in_project(project, wanted.sample)
    if given is None:
        given = f"messages/{name}.hl7"
        found[given] = _invented(wanted.structure)
    registry = next(iter(project.systems)) if len(project.systems) == 1 else ""
    settings = (
        f'now: "2026-01-05T08:00:00Z", key: test{f", systems: {registry}" if registry else ""}'
    )
    found[f"tests/{name}.test.yaml"] = (
        f"{_MODELINE.format('test')}"
        f"tests: {name}\n"
        f"settings: {{{settings}}}\n"
        "cases:\n"
        "  - name: as it is now\n"
        f'    given: {{file: "../{given}"}}\n'
        f"    expect_exactly: {{file: golden/{name}.json}}\n"
    )
    return found


def _mapping_text(project: Project, wanted: Wanted, proposals: Proposals) -> str:
    base = wanted.base
    text = _MODELINE.format("mapping")
    text += f"# See what it makes of a message: vagus map --mapping {wanted.name} --trace FILE\n"
    text += f"mapping: {wanted.name}\n"
    text += f"extends: {base.name}\n" if base else ""
    if base is None or base.structure != wanted.structure:
        text += f"from: hl7v2/{wanted.structure}\n"
    text += "" if base else f"to: {wanted.target}\n"
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
        lines = proposals.lines(prefix, patient)
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
    if sample is None or sample == reading.STDIN or reading.is_folder(sample):
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

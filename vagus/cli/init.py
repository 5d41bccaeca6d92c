"""`vagus init`: a small project that lints clean and runs."""

from __future__ import annotations

import re
from pathlib import Path

import click

from vagus.cli import output, schema
from vagus.cli.failure import CLEAN
from vagus.cli.options import examples
from vagus.kernel.errors import ConfigError

_PROJECT = """\
# yaml-language-server: $schema=schemas/project.json
project: {name}
description: Takes HL7 v2 over MLLP and writes canonical FHIR R4 Bundles to a folder.
store: {{path: "${{VAGUS_DATA:-data}}", keep: 30d}}
keys: {{file: "${{VAGUS_DATA:-data}}/vagus.key", create: true}}
http: {{host: 127.0.0.1, port: "${{VAGUS_HTTP_PORT:-8475}}"}}
zone: UTC
"""
_CHANNEL = """\
# yaml-language-server: $schema=../schemas/channel.json
channel: hl7_in
description: Admissions, updates and bookings.
source:
  mllp: {port: "${VAGUS_HL7_PORT:-2575}"}
  ack: stored
steps:
  - transform: hl7v2_to_fhir
  - validate: fhir/r4
destinations:
  - name: archive
    file: {folder: "${VAGUS_OUT:-out}", create: true, name: "{type}-{id}", suffix: .json}
"""
_MESSAGE = (
    "MSH|^~\\&|REGISTRATION|CLINIC|VAGUS|CLINIC|20261122080000+0000||ADT^A04^ADT_A01|EX000001|P|2.5.1\r"
    "EVN|A04|20261122080000+0000\r"
    "PID|1||700100^^^CLINIC^MR||EXAMPLE^AVERY^Q||19840307|F|||12 SAMPLE LN^^MADISON^WI^53703||"
    "^PRN^PH^^1^608^5550100\r"
    "PV1|1|O|FRONT^^^CLINIC||||||||||||||||V700100^^^CLINIC^VN|||||||||||||||||||||||||"
    "20261122080000+0000\r"
)
_TEST = """\
# yaml-language-server: $schema=../schemas/test.json
tests: ADT_A01
settings: {now: "2026-11-22T08:00:00Z", key: test}
cases:
  - name: a registration becomes a patient
    given: {file: ../messages/registration.hl7}
    expect: {Patient: [{birthDate: "1984-03-07", gender: female}]}
"""
_IGNORE = "data/\nout/\n"
_FILES = {
    "channels/hl7_in.yaml": _CHANNEL,
    "messages/registration.hl7": _MESSAGE,
    "tests/registration.test.yaml": _TEST,
    ".gitignore": _IGNORE,
}


@click.command(epilog=examples("vagus init clinic", "cd clinic && vagus lint && vagus run"))
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def command(folder: Path) -> int:
    """Write a small working project to DIR: MLLP in, canonical FHIR R4 out to a folder.

    The schemas beside it let an editor complete and check its files.

    DIR must be empty or not there yet.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"{folder}: not empty; name a new folder")
    files = {"vagus.yaml": _PROJECT.format(name=_name(folder)), **_FILES}
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    for item in schema.SCHEMAS:
        schema.write(item, folder / schema.FOLDER)
    output.say(f"wrote {len(files)} files to {folder}; next:")
    output.say(f"  vagus lint {folder} && vagus test {folder}")
    output.say(f"  vagus run {folder}")
    output.say(f"  vagus send {folder}/messages/registration.hl7 mllp://127.0.0.1:2575")
    return CLEAN


def _name(folder: Path) -> str:
    """A project name from the folder's."""
    name = re.sub(r"[^a-z0-9_]+", "_", folder.resolve().name.lower()).strip("_")
    return name[:40] if name[:1].isalpha() else f"project_{name}"[:40].rstrip("_")

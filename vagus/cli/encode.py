"""`vagus encode`: canonical Bundles of a file as messages of a wire format."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import click

from channels.outgoing import Writer, Written, pair, writer_of
from mappings.context import Address, Context
from vagus.canonical import bundle
from vagus.cli import applying, findings, output, reading
from vagus.cli.failure import CLEAN, FINDINGS
from vagus.cli.findings import Finding
from vagus.cli.options import examples, form, other_project
from vagus.formats.catalogue import FORMATS
from vagus.kernel import ids
from vagus.kernel.errors import ConfigError, DecodeError, MappingError, MessageError


class Found(NamedTuple):
    """The Bundle at one place of a file, or why there is none; `number` counts from 1."""

    number: int
    bundle: dict[str, Any]
    code: str = ""


@click.command(
    epilog=examples(
        "vagus encode --to hl7v2 bundle.json",
        "vagus map admissions.hl7 | vagus encode --to hl7v2 -",
        "vagus encode --to hl7v2 --project samples/riverside_clinic --channel bookings_in s12.json",
    )
)
@click.argument("file")
@click.option(
    "--to", "target", required=True, type=click.Choice(list(FORMATS)), help="The wire format."
)
@click.option("--mapping", "name", metavar="NAME", help="Use this one; default: by event.")
@other_project()
@click.option("--channel", metavar="NAME", help="With the systems of this channel of the project.")
@click.option("--release", metavar="VERSION", default="", help="The release to name, e.g. 2.3.1.")
@form(output.TEXT)
def command(
    file: str,
    target: str,
    name: str | None,
    folder: Path | None,
    channel: str | None,
    release: str,
    form: str,
) -> int:
    """Write each canonical Bundle of FILE as a message, on standard output.

    FILE holds one Bundle, or one JSON line each: a Bundle, or an object with `bundle` as `vagus
    map` prints it. A Bundle is written by the mapping for its event; the control id is made of
    its content, so that the same Bundle gives the same message but for the time of writing.
    Findings go to standard error as JSON lines; exit code 1 when one of them is an error. With
    --format json each line has `message`, `type`, `mapping`, `control` and `body`.
    """
    way = applying.way(folder, channel, None)
    writer = writer_of(way.catalogue, name or pair(target))
    if writer.target != target or (
        writer.mapping and writer.mapping.source_format != bundle.FORMAT
    ):
        raise ConfigError(f"mapping {name} does not lead from {bundle.FORMAT} to {target}")
    context = replace(way.context, address=Address(release=release))
    total = failed = 0
    for found in _bundles(reading.contents(file)):
        total += 1
        problems = list(_encoded(found, writer, context, form))
        for problem in problems:
            output.finding({"message": found.number, **problem})
        failed += any(problem["severity"] == "error" for problem in problems)
    if not total:
        output.note(f"{file}: no Bundle in it")
    return FINDINGS if failed or not total else CLEAN


def _bundles(data: bytes) -> Iterator[Found]:
    """The Bundles in order; what is none stands for itself with its code."""
    lines = [line for line in data.splitlines() if line.strip()]
    texts = lines if len(lines) > 1 and _is_json(lines[0]) else [data] if lines else []
    for number, text in enumerate(texts, 1):
        try:
            value = bundle.loads(text)
        except DecodeError as error:
            yield Found(number, {}, error.code)
            continue
        inner = value.get("bundle", value)
        known = isinstance(inner, dict) and inner.get("resourceType") == "Bundle"
        yield Found(number, inner, "") if known else Found(number, {}, "not-a-bundle")


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _encoded(found: Found, writer: Writer, context: Context, form: str) -> Iterator[Finding]:
    """Write one Bundle and print the message; yields what is to be said about it."""
    if found.code:
        yield findings.error(found.code)
        return
    digest = blake2b(bundle.dumps(found.bundle), digest_size=8).digest()
    control = ids.to_text(int.from_bytes(digest, "big") >> 1)
    try:
        written = writer.write(found.bundle, "", replace(context, message_id=control))
    except MappingError as error:
        place = f"{error.mapping}, line {error.line}: {error.path}"
        told = findings.error(error.code, error.where, f"{error.code} in {place}")
        yield {**told, "line": error.line}
        return
    except MessageError as error:
        yield findings.error(error.code, error.where or "MessageHeader.event")
        return
    _show(found.number, written, control, form)
    for noticed in written.result.warnings:
        text = f"{noticed.code.replace('-', ' ')} in {noticed.place}"
        yield findings.warning(noticed.code, noticed.where, text)


def _show(number: int, written: Written, control: str, form: str) -> None:
    if form == output.JSON:
        row = {"message": number, "type": written.type, "mapping": written.mapping.name}
        output.line({**row, "control": control, "body": written.body.decode()})
    elif output.is_terminal():
        for line in written.body.decode().rstrip("\r").split("\r"):
            output.say(output.text(line))
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(written.body)
        sys.stdout.buffer.flush()

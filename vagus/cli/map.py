"""`vagus map`: the canonical Bundle of each message of some files, with or without a project."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import click

from mappings import expressions
from mappings.result import Result
from vagus.canonical import bundle
from vagus.cli import applying, lineage, output, reading
from vagus.cli.applying import Mapped, Way
from vagus.cli.failure import CLEAN, FINDINGS
from vagus.cli.losses import Tally
from vagus.cli.options import examples, other_project


class Wishes(NamedTuple):
    """What to show besides the Bundle, and how."""

    trace: bool
    loss: bool
    field: expressions.Path | None
    form: str


@click.command(
    epilog=examples(
        "vagus map admissions.hl7",
        "vagus map --loss incoming/",
        "vagus map --trace --format text visit.hl7",
        "vagus map --field PID-3 --format text visit.hl7",
        "vagus map --project samples/riverside_clinic --channel adt_in visit.hl7",
        "cat capture.mllp | vagus map --mapping ADT_A01 -",
    )
)
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("--mapping", "name", metavar="NAME", help="Use this one; default: by message type.")
@other_project()
@click.option("--channel", metavar="NAME", help="As this channel of the project maps.")
@click.option("--trace", is_flag=True, help="Say where every element came from.")
@click.option("--loss", is_flag=True, help="List the populated fields that nothing read.")
@click.option("--field", metavar="PATH", help="Say what every rule made of this field.")
@click.option(
    "--format",
    "form",
    type=click.Choice([output.TEXT, output.JSON]),
    help="For people, or one JSON object a line; default: json, text for --loss over many files.",
)
def command(
    files: tuple[str, ...],
    name: str | None,
    folder: Path | None,
    channel: str | None,
    field: str | None,
    form: str | None,
    **given: bool,
) -> int:
    """Map each message of the files to its canonical FHIR R4 Bundle, one JSON line each.

    FILE may be a folder: every file below it. Findings go to standard error as JSON lines:
    severity, code, where, text. Exit code 1 when a message cannot be mapped or its Bundle is not
    valid. With --trace, --loss or --field each line is an object with `bundle`, and `trace`,
    `loss` and `left`, or `field` beside it. As text, --trace shows each element with its value,
    the field it was read from and the line of the rule.

    --loss over a folder or several files, or as text, is one table of them all: each field that
    nothing read, in how many messages of which types, with the place of one. Fields left alone
    on purpose follow with the reason that the mapping gives.
    """
    several = len(files) > 1 or any(map(reading.is_folder, files))
    wishes = Wishes(given["trace"], given["loss"], _path(field), form or output.JSON)
    way = applying.way(folder, channel, name)
    if wishes.loss and (several or form == output.TEXT):
        if wishes.trace or wishes.field:
            raise click.UsageError("--loss over many messages stands alone: leave out the others")
        return _tallied(files, way, form or output.TEXT)
    total = failed = 0
    for label, found in reading.all_messages(files):
        total += 1
        asked = wishes.field is not None
        outcome = applying.mapped(
            found, way, trace=wishes.trace or asked, loss=wishes.loss or asked
        )
        if outcome.result is not None:
            _show(outcome, outcome.result, wishes, f"{label}, message {found.number}")
        place = {"file": label} if several else {}
        for problem in outcome.problems:
            output.finding({**place, "message": found.number, **problem})
        failed += outcome.failed
    if not total:
        output.note(f"{', '.join(files)}: no message in it")
    return FINDINGS if failed or not total else CLEAN


def _path(text: str | None) -> expressions.Path | None:
    if text is None:
        return None
    path = expressions.parse_path(text)
    if path is None or path.relative or not path.field:
        raise click.UsageError(f"--field {text}: write a field such as PID-3, PID-3.1 or ZPI-2")
    return path


def _tallied(files: tuple[str, ...], way: Way, form: str) -> int:
    """One table of what all messages lose."""
    tally = Tally()
    for label, found in reading.all_messages(files):
        tally.add(label, found.number, applying.mapped(found, way, loss=True))
    tally.show(form)
    return FINDINGS if tally.failed or not tally.total else CLEAN


def _show(outcome: Mapped, result: Result, wishes: Wishes, label: str) -> None:
    if wishes.form == output.TEXT and (wishes.trace or wishes.field):
        for line in _told(outcome, result, wishes, label):
            output.say(line)
        return
    text = bundle.dumps(result.bundle).decode()
    if not (wishes.trace or wishes.loss or wishes.field):
        output.say(text if wishes.form == output.JSON else output.pretty(text))
        return
    shown: dict[str, Any] = {"bundle": output.ready(text)}
    if wishes.trace:
        shown["trace"] = [item._asdict() for item in result.lineage]
    if wishes.loss:
        shown["loss"] = [item._asdict() for item in result.loss]
        shown["left"] = [item._asdict() for item in result.left]
    if wishes.field and outcome.mapping is not None:
        readings = outcome.mapping.readings(result, wishes.field)
        shown["field"] = [lineage.row(item) for item in readings]
    output.say(output.dumps(shown))


def _told(outcome: Mapped, result: Result, wishes: Wishes, label: str) -> Iterator[str]:
    """The trace of one message, or the history of one of its fields, for a person."""
    assert outcome.mapping is not None
    yield f"{label}: {outcome.message.type}, mapped by {outcome.mapping.name}"
    if wishes.trace:
        yield from lineage.elements(result)
    if wishes.field:
        readings = outcome.mapping.readings(result, wishes.field)
        yield from lineage.history(outcome.message, result, wishes.field, readings)
    yield ""

"""`vagus validate`: what in the messages of a file breaks their standard, or the reply owed."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click

from vagus.cli import interchanges, output, profiles, reading
from vagus.cli.failure import CLEAN, FINDINGS
from vagus.cli.options import examples, form, project
from vagus.formats import x12
from vagus.formats.catalogue import FORMATS
from vagus.formats.finding import Finding, Severity
from vagus.formats.format import Answer, Format, Stage, Terms, Verdict
from vagus.formats.hl7v2 import HL7V2
from vagus.kernel.errors import DecodeError
from vagus.project.profiles import Profile

COLUMNS = ("message", "severity", "code", "level", "where", "text")


class Wanted(NamedTuple):
    """What to check besides the standard."""

    profile: Profile | None
    strict: bool


class Checked(NamedTuple):
    """One message with what was found; without a message its bytes could not be read."""

    number: int
    body: bytes
    format: Format
    message: Any | None
    answer: Answer
    findings: Sequence[Finding]

    @property
    def errors(self) -> list[Finding]:
        """The findings that break the standard."""
        return [item for item in self.findings if item.severity is Severity.ERROR]


@click.command(
    epilog=examples(
        "vagus validate admissions.hl7",
        "vagus validate --profile front_desk --project samples/riverside_clinic admissions.hl7",
        "vagus validate --ack admissions.hl7",
        "vagus validate --format text claims.x12",
        "cat capture.mllp | vagus validate --format text -",
    )
)
@click.argument("file")
@click.option(
    "--profile", metavar="NAME", help="Check a site's profile too: of the project, or a file."
)
@project()
@click.option("--strict", is_flag=True, help="Add what hl7apy finds (the extra vagus[strict]).")
@click.option("--ack", is_flag=True, help="Print the reply owed for each message instead.")
@form(output.JSON)
def command(
    file: str, profile: str | None, folder: Path | None, strict: bool, ack: bool, form: str
) -> int:
    """Check the messages of FILE against their standard: findings as JSON lines.

    Each has severity, code, level, where and text, and never a value of the message. Levels of
    HL7 v2: 1 encoding, 2 structure, 3 data types, 4 tables, 5 the site's profile, 6 hl7apy; of
    X12 they are the SNIP types: 1 syntax, 2 guide, 3 balance, 4 situations, 5 codes. Exit code
    1 when a finding is an error.
    """
    wanted = Wanted(profiles.find(profile, folder, file) if profile else None, strict)
    opened = reading.opened(file)
    if x12.looks_like(opened.head):
        return _interchanges(opened, ack, form)
    checked = [_checked(found, wanted) for found in reading.messages(opened.whole())]
    if not checked:
        output.note(f"{file}: no message in it")
        return FINDINGS
    if ack:
        for item in checked:
            _reply(item, form)
    else:
        rows = [_row(item.number, found) for item in checked for found in item.findings]
        output.rows(rows, COLUMNS, form)
    return FINDINGS if any(item.errors for item in checked) else CLEAN


def _interchanges(opened: reading.Opened, ack: bool, form: str) -> int:
    if ack:
        opened.file.close()
        raise click.UsageError("--ack writes the replies of HL7 v2 only so far")
    return interchanges.validate(opened, COLUMNS, form)


def _checked(found: reading.Found, wanted: Wanted) -> Checked:
    format = FORMATS.get(found.format) or HL7V2()
    try:
        if found.error is not None:
            raise found.error
        message = format.decode(found.body, Terms())
    except DecodeError as error:
        answer, problem = format.refusal(error), format.unreadable(error)
        return Checked(found.number, found.body, format, None, answer, [problem])
    site = wanted.profile
    content = site.content if site and site.format == format.name else None
    findings = list(format.check(message, content, strict=wanted.strict))
    answer = format.objection(message, Terms()) or Answer(Verdict.ACCEPTED)
    return Checked(found.number, found.body, format, message, answer, findings)


def _row(number: int, found: Finding) -> dict[str, object]:
    return {"message": number, **dict(zip(COLUMNS[1:], found, strict=False))}


def _reply(item: Checked, form: str) -> None:
    """Print each reply that the sender is owed, by the mode it asks for."""
    asked = item.format.stages(item.message) if item.message is not None else None
    answer = _owed(item)
    for stage in Stage:
        if asked is None and stage is Stage.STORED:
            continue
        told = Answer(Verdict.ACCEPTED) if item.message and stage is Stage.STORED else answer
        control = secrets.token_hex(10)
        reply = item.format.reply(item.body, item.message, told, stage, control, time.time())
        if reply is not None:
            _show(item.number, reply, form)


def _owed(item: Checked) -> Answer:
    """The answer to the whole message: its own refusal, or an error with every finding."""
    answer = item.answer
    if not item.errors:
        return answer
    verdict = Verdict.ERROR if answer.verdict is Verdict.ACCEPTED else answer.verdict
    return Answer(verdict, answer.code, answer.where, tuple(item.errors))


def _show(number: int, reply: bytes, form: str) -> None:
    text = reply.decode("utf-8", "replace")
    if form == output.JSON:
        output.line({"message": number, "reply": text})
        return
    for line in text.rstrip("\r").split("\r"):
        output.say(output.text(line))

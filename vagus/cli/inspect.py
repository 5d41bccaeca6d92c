"""`vagus inspect`: what messages a file holds, without a project."""

from __future__ import annotations

from typing import Any

import click

from vagus.canonical import events
from vagus.cli import findings, interchanges, output, reading
from vagus.cli.failure import CLEAN, FINDINGS
from vagus.cli.options import examples, form
from vagus.formats import x12
from vagus.formats.format import Terms
from vagus.formats.hl7v2 import HL7V2, Message
from vagus.kernel.errors import DecodeError

COLUMNS = interchanges.COLUMNS
TEXT_COLUMNS = (*COLUMNS, "findings")


@click.command(
    epilog=examples(
        "vagus inspect admissions.hl7",
        "vagus inspect --format text claims.x12",
        "cat capture.mllp | vagus inspect -",
    )
)
@click.argument("file")
@form(output.JSON)
def command(file: str, form: str) -> int:
    """Say what messages FILE holds: one JSON line each.

    Batches are opened and MLLP frames taken off; of X12, an interchange is a line. Exit code 1
    when a message cannot be read, or breaks what every receiver demands; `findings` says why, by
    code and place.
    """
    opened = reading.opened(file)
    if x12.looks_like(opened.head):
        return interchanges.inspect(opened, form)
    found = [_described(item) for item in reading.messages(opened.whole())]
    if form == output.JSON:
        output.rows(found, (), form)
    else:
        output.rows([{**item, "findings": _codes(item)} for item in found], TEXT_COLUMNS, form)
    if not found:
        output.note(f"{file}: no message in it")
    return FINDINGS if not found or any(item["findings"] for item in found) else CLEAN


def _described(found: reading.Found) -> dict[str, Any]:
    error = found.error
    message = None
    if error is None:
        try:
            message = HL7V2().decode(found.body, Terms())
        except DecodeError as problem:
            error = problem
    if message is None:
        assert error is not None
        nothing = dict.fromkeys(COLUMNS)
        why = findings.error(error.code, error.where)
        return {**nothing, "format": found.format, "bytes": len(found.body), "findings": [why]}
    return _line(message, len(found.body))


def _line(message: Message, size: int) -> dict[str, Any]:
    answer = HL7V2().objection(message, Terms())
    return {
        "format": HL7V2.name,
        "version": message.version,
        "type": message.type,
        "event": events.event_of(HL7V2.name, message.type),
        "control_id": message.control,
        "sender": party(message, 3),
        "receiver": party(message, 5),
        "bytes": size,
        "findings": [findings.error(f"hl7-{answer.code}", answer.where)] if answer else [],
    }


def party(message: Message, field: int) -> str:
    """An application and its facility, as `APPLICATION|FACILITY`."""
    names = [message.get(f"MSH-{number}.1") for number in (field, field + 1)]
    return "|".join(names).rstrip("|")


def _codes(item: dict[str, Any]) -> list[str]:
    return [problem["code"] for problem in item["findings"]]

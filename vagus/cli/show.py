"""`vagus show`: the history of one message; its content only with a reason, and on record."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path

import click

from vagus.cli import asking, messages, output, searching
from vagus.cli.failure import CLEAN
from vagus.cli.options import examples, form, project, split
from vagus.journal.found import FoundDelivery, Moment
from vagus.journal.search import Reader

_MOMENTS = ("at", "what", "destination", "actor", "detail", "attempts")
_DELIVERIES = ("destination", "part", "state", "attempts", "due", "done", "reason")


@click.command(
    epilog=examples(
        "vagus show 01HZX3K9QW2M4",
        'vagus show 01HZX3K9QW2M4 --body --why "ticket 4711: name looks wrong"',
    )
)
@click.argument("words", nargs=-1, required=True, metavar="ID")
@click.option("--body", is_flag=True, help="Print the message as it was received, nothing else.")
@click.option("--why", metavar="REASON", help="Why you look at the content; goes on record.")
@project()
@form()
def command(
    words: tuple[str, ...], body: bool, why: str | None, folder: Path | None, form: str
) -> int:
    """Tell what happened to one message: its states, its deliveries, who replayed it.

    With --body prints the content itself, which needs --why and is put on record with your
    user name.
    """
    folder, rest = split(words, folder)
    if len(rest) != 1:
        raise click.UsageError("name one message by its id")
    if body and not (why or "").strip():
        raise click.UsageError('showing content needs a reason: --why "…"')
    number = searching.number(rest[0])
    where = searching.store(folder)
    with where.reader as reader:
        found = reader.message(number)
        if found is None:
            raise searching.unknown(rest[0])
        if body:
            asking.record(where.project, where.keys, "view", found.text_id, why or "")
            _show_body(found.text_id, reader.body(number), form)
        else:
            _show(reader, number, messages.described(found), form)
    return CLEAN


def _show_body(text_id: str, content: bytes, form: str) -> None:
    if form == output.JSON:
        try:
            output.line({"id": text_id, "body": content.decode()})
        except UnicodeDecodeError:
            output.line({"id": text_id, "body_base64": base64.b64encode(content).decode()})
        return
    shown = content
    if output.is_terminal():
        lines = content.decode("utf-8", "replace").replace("\r\n", "\r").replace("\n", "\r")
        shown = "\n".join(output.text(line) for line in lines.split("\r")).encode()
    click.echo(shown, nl=output.is_terminal())


def _show(reader: Reader, number: int, row: Mapping[str, object], form: str) -> None:
    moments = [_moment(item) for item in reader.history(number)]
    deliveries = [_delivery(item) for item in reader.deliveries(number)]
    if form == output.JSON:
        output.line({**row, "owed": deliveries, "history": moments})
        return
    for name, value in row.items():
        if value is not None:
            output.say(f"{name + ':':<12} {output.text(value)}")
    for columns, rows in ((_DELIVERIES, deliveries), (_MOMENTS, moments)):
        if rows:
            output.say()
            output.rows(rows, columns, form)


def _moment(item: Moment) -> Mapping[str, object]:
    return {
        "at": searching.moment(item.at),
        "what": item.kind,
        "destination": item.destination or None,
        "actor": item.actor,
        "detail": item.detail or None,
        "attempts": item.attempts or None,
    }


def _delivery(item: FoundDelivery) -> Mapping[str, object]:
    return {
        "destination": item.destination,
        "part": item.part,
        "state": item.state.name.lower(),
        "attempts": item.attempts,
        "due": searching.moment(item.due),
        "done": searching.moment(item.done),
        "reason": item.reason,
    }

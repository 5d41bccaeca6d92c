"""`vagus messages`: finds messages in the journal, newest first."""

from __future__ import annotations

from collections.abc import Mapping
from heapq import merge
from itertools import islice
from pathlib import Path

import click

from vagus.cli import output, searching
from vagus.cli.failure import CLEAN
from vagus.cli.options import examples, folder, form
from vagus.journal.found import FoundMessage
from vagus.kernel import ids

COLUMNS = ("id", "at", "channel", "type", "control", "state", "stage", "reason")


@click.command(
    epilog=examples(
        "vagus messages --since 2h",
        "vagus messages --state dead --channel adt_in",
        "vagus messages --patient 700100 --type ADT^A08",
        "vagus messages --control RR000001 --format json",
    )
)
@folder()
@searching.options
@click.option("--state", type=click.Choice(searching.STATES), help="In this state.")
@form()
def command(
    folder: Path | None, limit: int, form: str, state: str | None, **given: str | None
) -> int:
    """Find messages in the journal, newest first: what they are and what became of them.

    Shows no content; for a body see `vagus show`.
    """
    where = searching.store(folder)
    filters = searching.Filters(state=state, **given)
    with where.reader as reader:
        pages = [reader.messages(query, limit) for query in searching.queries(where, filters)]
    newest = merge(*pages, key=lambda item: -item.id)
    output.rows((described(item) for item in islice(newest, limit)), COLUMNS, form)
    return CLEAN


def described(message: FoundMessage) -> Mapping[str, object]:
    """A message as a row."""
    return {
        "id": message.text_id,
        "at": searching.moment(message.at),
        "channel": message.channel,
        "type": message.type,
        "control": message.control,
        "state": str(message.word),
        "deliveries": message.fanout,
        "stage": message.stage,
        "reason": message.reason,
        "where": message.where,
        "cause": _id(message.cause),
        "replayed": _id(message.replayed),
        "mapping": message.override,
    }


def _id(value: int | None) -> str | None:
    return None if value is None else ids.to_text(value)

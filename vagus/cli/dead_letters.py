"""`vagus dead-letters`: what could not be processed or delivered, until somebody deals with it."""

from __future__ import annotations

from collections.abc import Mapping
from heapq import merge
from itertools import islice
from pathlib import Path
from typing import Any

import click

from vagus.cli import asking, opening, output, searching
from vagus.cli.failure import CLEAN, FINDINGS
from vagus.cli.options import examples, form, project, split
from vagus.journal.found import DeadLetter
from vagus.kernel import ids

COLUMNS = ("id", "at", "channel", "type", "control", "destination", "stage", "reason", "where")
DISCARD = "discard"


@click.command(
    epilog=examples(
        "vagus dead-letters",
        "vagus dead-letters --channel adt_in --stage map --format json",
        "vagus dead-letters discard 01HZX3K9QW2M4",
    )
)
@click.argument("words", nargs=-1, metavar="[list | discard ID…]")
@searching.options
@click.option("--stage", metavar="WORD", help="Died at: frame, decode, map, validate, deliver, …")
@click.option("--destination", metavar="CHANNEL.NAME", help="Of this destination.")
@project()
@form()
def command(
    words: tuple[str, ...], folder: Path | None, limit: int, form: str, **given: str | None
) -> int:
    """List what could not be processed or delivered, newest first, or give some of it up.

    What was replayed, redriven or discarded is left out. To try again, see `vagus replay`.
    """
    folder, rest = split(words, folder)
    if rest[:1] == [DISCARD]:
        return _discard(folder, rest[1:], form)
    if rest not in ([], ["list"]):
        raise click.UsageError("write: vagus dead-letters [list | discard ID…]")
    where = searching.store(folder)
    filters = searching.Filters(**given)
    with where.reader as reader:
        pages = [reader.dead_letters(query, limit) for query in searching.queries(where, filters)]
    newest = merge(*pages, key=lambda item: item.place, reverse=True)
    output.rows((described(item) for item in islice(newest, limit)), COLUMNS, form)
    return CLEAN


def described(letter: DeadLetter) -> Mapping[str, object]:
    """A dead letter as a row."""
    return {
        "id": letter.text_id,
        "at": searching.moment(letter.at),
        "channel": letter.channel,
        "type": letter.type,
        "control": letter.control,
        "destination": letter.destination,
        "part": letter.part,
        "stage": letter.stage,
        "reason": letter.reason,
        "where": letter.where,
        "attempts": letter.attempts,
    }


def _discard(folder: Path | None, texts: list[str], form: str) -> int:
    if not texts:
        raise click.UsageError("name the messages to discard by their ids")
    numbers = [searching.number(text) for text in texts]
    project = opening.outlined(folder)
    asked = [ids.to_text(item) for item in numbers]
    result = asking.ask(project, DISCARD, {"ids": asked})
    return CLEAN if result is None else conclude(result, form)


def conclude(result: dict[str, Any], form: str) -> int:
    """Show what the engine answered; the exit code."""
    failed = result.get("failed") or {}
    if form == output.JSON:
        output.line(result)
    else:
        for old, new in (result.get("replayed") or {}).items():
            output.say(f"{old}: replayed as {new}")
        for item in result.get("discarded") or ():
            output.say(f"{item}: discarded")
        for item, code in failed.items():
            output.note(f"error: {item}: {code}")
        if "error" in result:
            output.note(f"error: {result['error']}")
    return FINDINGS if failed or "error" in result else CLEAN

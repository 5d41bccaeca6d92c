"""`vagus replay`: has stored messages processed once more, or shows what would come of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click

from vagus.cli import asking, dead_letters, messages, opening, output, preview, searching
from vagus.cli.failure import CLEAN
from vagus.cli.options import examples, form, project, split
from vagus.journal.found import FoundMessage
from vagus.journal.query import Query
from vagus.journal.search import Reader
from vagus.kernel.diagnostics import did_you_mean

_PAGE = 500
_KEYS = {"type": "kind"}


class Wishes(NamedTuple):
    """What to do with the messages found."""

    name: str | None
    dry_run: bool
    diff: bool
    values: bool
    why: str | None


@click.command(
    epilog=examples(
        "vagus replay 01HZX3K9QW2M4",
        "vagus replay --channel adt_in --stage map --dry-run",
        'vagus replay --query "channel=adt_in state=dead since=2h"',
        "vagus replay 01HZX3K9QW2M4 --mapping ADT_A01_next --diff",
        "vagus replay --stage map --mapping ADT_A01_next",
    )
)
@click.argument("words", nargs=-1, metavar="[ID…]")
@searching.options
@click.option("--state", type=click.Choice(searching.STATES), help="In this state; default: dead.")
@click.option("--stage", metavar="WORD", help="Died at: decode, map, validate, deliver, …")
@click.option("--destination", metavar="CHANNEL.NAME", help="Not delivered there.")
@click.option("--query", metavar="TEXT", help='The same in one text: "channel=adt_in since=2h".')
@click.option("--mapping", "name", metavar="NAME", help="Use this mapping, not the channel's.")
@click.option("--dry-run", is_flag=True, help="Only list what would be replayed.")
@click.option("--diff", is_flag=True, help="Only show what --mapping would change.")
@click.option("--values", is_flag=True, help="Let --diff show content; needs --why.")
@click.option("--why", metavar="REASON", help="Why you look at content; goes on record.")
@project()
@form()
@click.pass_context
def command(
    ctx: click.Context,
    /,
    words: tuple[str, ...],
    folder: Path | None,
    form: str,
    **given: Any,
) -> int:
    """Have messages processed once more: those named by ID, or all that the options find.

    Without --state, options find dead letters. What died before delivery becomes a new message
    that names the old one as its cause; a dead delivery is put back in line. A running engine
    does it at once, another one at its next start.
    """
    folder, texts = split(words, folder)
    wishes = Wishes(*(given.pop(key) for key in ("name", "dry_run", "diff", "values", "why")))
    limit: int | None = given.pop("limit")
    if ctx.get_parameter_source("limit") is click.core.ParameterSource.DEFAULT:
        limit = None
    filters = _filters(given.pop("query"), given)
    if bool(texts) == any(value is not None for value in filters):
        raise click.UsageError("name messages by their ids, or give options that find them")
    _check(wishes)
    where = searching.store(folder)
    if wishes.name:
        where = where._replace(project=opening.opened(folder))
    with where.reader as reader:
        found = (
            _named(reader, texts) if texts else _found(reader, searching.queries(where, filters))
        )
        found = found[-limit:] if limit else found
        if wishes.diff:
            why = wishes.why if wishes.values else None
            return preview.show(where, found, wishes.name or "", why, form)
    return _replay(where, found, wishes, form)


def _filters(query: str | None, given: Mapping[str, str | None]) -> searching.Filters:
    """The options, with what `--query` says in the same words."""
    merged = dict(given)
    for part in (query or "").split():
        name, equals, value = part.partition("=")
        key = _KEYS.get(name, name)
        if not equals or key not in searching.Filters._fields:
            words = ", ".join(item.replace("kind", "type") for item in searching.Filters._fields)
            raise click.UsageError(f"write --query as name=value with a name of: {words}")
        merged[key] = value
    if merged.get("state") not in (None, *searching.STATES):
        raise click.UsageError(f"a state is one of: {', '.join(searching.STATES)}")
    return searching.Filters(**merged)


def _check(wishes: Wishes) -> None:
    if wishes.diff and not wishes.name:
        raise click.UsageError("--diff compares the channel's mapping with --mapping NAME")
    if wishes.values and not (wishes.diff and (wishes.why or "").strip()):
        raise click.UsageError("--values shows content: it needs --diff and --why")


def _named(reader: Reader, texts: Sequence[str]) -> list[FoundMessage]:
    found = []
    for text in dict.fromkeys(texts):
        message = reader.message(searching.number(text))
        if message is None:
            raise searching.unknown(text)
        found.append(message)
    return found


def _found(reader: Reader, queries: Sequence[Query]) -> list[FoundMessage]:
    """What the queries find, oldest first, so that order within a lane is kept."""
    found: dict[int, FoundMessage] = {}
    for query in queries:
        if query.state in (None, "dead"):
            found |= {item.id: item for item in _dead(reader, query)}
        else:
            found |= {item.id: item for item in _pages(reader, query)}
    return [found[number] for number in sorted(found)]


def _dead(reader: Reader, query: Query) -> Iterator[FoundMessage]:
    before = None
    while page := reader.dead_letters(query, _PAGE, before):
        before = page[-1].place
        for number in dict.fromkeys(item.id for item in page):
            if (message := reader.message(number)) is not None:
                yield message


def _pages(reader: Reader, query: Query) -> Iterator[FoundMessage]:
    before = None
    while page := reader.messages(query, _PAGE, before):
        before = page[-1].id
        yield from page


def _replay(
    where: searching.Store, found: Sequence[FoundMessage], wishes: Wishes, form: str
) -> int:
    if not found:
        output.note("nothing to replay")
        return CLEAN
    if wishes.dry_run:
        output.rows((messages.described(item) for item in found), messages.COLUMNS, form)
        return CLEAN
    if wishes.name and where.project.catalogue.get(wishes.name) is None:
        hint = did_you_mean(wishes.name, where.project.catalogue.names())
        raise click.UsageError(f"there is no mapping '{wishes.name}'{hint}")
    code = CLEAN
    for start in range(0, len(found), _PAGE):
        texts = [item.text_id for item in found[start : start + _PAGE]]
        detail = {"ids": texts, "mapping": wishes.name}
        patience = asking.PATIENCE + len(texts) / 50
        result = asking.ask(where.project, "replay", detail, patience)
        if result is not None:
            code = max(code, dead_letters.conclude(result, form))
    return code

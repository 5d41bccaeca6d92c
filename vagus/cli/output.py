"""What verbs print: JSON lines for programs, columns for pipes, tables for people."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import click
import orjson

TEXT, JSON = "text", "json"
Row = Mapping[str, object]


def line(value: object) -> None:
    """One JSON object on a line of standard output."""
    click.echo(dumps(value))


def finding(value: object) -> None:
    """One JSON object on a line of standard error."""
    click.echo(dumps(value), err=True)


def note(text: str) -> None:
    """A remark for a person, on standard error."""
    click.echo(text, err=True)


def say(text: str = "") -> None:
    """A line of a text answer."""
    click.echo(text)


def dumps(value: object) -> str:
    """A value as one line of JSON; decimals keep every digit."""
    return orjson.dumps(value, default=_plain).decode()


def rows(items: Iterable[Row], columns: Sequence[str], form: str) -> int:
    """Show rows in the form asked for; returns how many there were."""
    if form == JSON:
        count = 0
        for item in items:
            line(item)
            count += 1
        return count
    cells = [[text(item.get(name)) for name in columns] for item in items]
    heads = [name.replace("_", " ") for name in columns]
    if cells and is_terminal():
        drawing().table(heads, cells)
    elif cells:
        _columns([[head.upper() for head in heads], *cells])
    return len(cells)


def text(value: object) -> str:
    """A value as the text of a cell; nothing in it can steer a terminal."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple | set | frozenset):
        return " ".join(text(item) for item in value) or "-"
    return "".join(
        char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in str(value)
    )


def is_terminal() -> bool:
    """Whether a person reads standard output as it is written."""
    return sys.stdout.isatty()


def drawing() -> Any:
    """The module that draws for terminals; loading it takes longer than most verbs."""
    return importlib.import_module("vagus.cli.drawing")


def _columns(lines: list[list[str]]) -> None:
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    for cells in lines:
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        click.echo("  ".join(padded).rstrip())


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value).encode())
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def ready(text: str) -> object:
    """JSON text to be taken as it is into a larger object."""
    return orjson.Fragment(text.encode())


def pretty(text: str) -> str:
    """JSON text, indented for people; numbers keep every digit."""
    value = json.loads(text, parse_float=Decimal)
    return orjson.dumps(value, default=_plain, option=orjson.OPT_INDENT_2).decode()

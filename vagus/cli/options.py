"""Options and arguments that several verbs share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import time
from typing import Any, TypeVar

import click

from vagus.cli.output import JSON, TEXT

F = TypeVar("F", bound=Callable[..., Any])


def examples(*lines: str) -> str:
    """The examples at the end of a verb's help."""
    return "\b\nExamples:\n" + "\n".join(f"  {item}" for item in lines)


def form(default: str = TEXT, *more: str) -> Callable[[F], F]:
    """`--format`: text for people, json for programs, one object a line."""
    return click.option(
        "--format",
        "form",
        type=click.Choice([TEXT, JSON, *more]),
        default=default,
        show_default=True,
        help="How to print: for people, or one JSON object a line.",
    )


def folder() -> Callable[[F], F]:
    """`DIR`: the folder of a project; without it, the nearest one from here upwards."""
    return click.argument(
        "folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path)
    )


def project() -> Callable[[F], F]:
    """`--project DIR`, for verbs whose arguments are something else."""
    return click.option(
        "--project",
        "-p",
        "folder",
        metavar="DIR",
        type=click.Path(path_type=Path),
        help="The project's folder; default: the nearest one from here upwards.",
    )


def other_project() -> Callable[[F], F]:
    """`--project DIR`, for verbs that also work without a project."""
    return click.option(
        "--project",
        "folder",
        metavar="DIR",
        type=click.Path(path_type=Path),
        help="Use its mappings, tables and systems; default: what comes with Vagus.",
    )


def split(words: Sequence[str], given: Path | None) -> tuple[Path | None, list[str]]:
    """The project folder among the words of a command line, and the other words."""
    others = [word for word in words if not _is_folder(word)]
    folders = [Path(word) for word in words if _is_folder(word)]
    if given is not None:
        folders.append(given)
    if len(folders) > 1:
        raise click.UsageError("name one project folder only")
    return (folders[0] if folders else None), others


def _is_folder(word: str) -> bool:
    return "/" in word or word == "." or word == ".." or Path(word).is_dir()


def since(value: str | None) -> float | None:
    """Seconds since 1970 of `--since`, a time (2026-11-22T08:00) or an age (30m, 2h, 7d)."""
    return None if value is None else _moment(value)


def _moment(value: str) -> float:
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    if value[-1:] in units and value[:-1].isascii() and value[:-1].isdigit():
        return time() - int(value[:-1][:9]) * units[value[-1]]
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise click.UsageError(
            "write --since as an age (30m, 2h, 7d) or a time (2026-11-22T08:00)"
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()

"""The search options that `messages`, `dead-letters` and `replay` share."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import click

from vagus.cli import asking, opening
from vagus.cli.options import since
from vagus.journal.query import Query
from vagus.journal.search import Reader
from vagus.kernel import ids
from vagus.kernel.diagnostics import did_you_mean
from vagus.kernel.errors import ConfigError
from vagus.kernel.keys import Keyset
from vagus.project import Project, placing

F = TypeVar("F", bound=Callable[..., Any])
STATES = ("pending", "delivered", "filtered", "dead", "stored")
_OPTIONS = (
    click.option("--channel", metavar="NAME", help="Of this channel."),
    click.option("--type", "kind", metavar="TYPE", help="Of this type, e.g. ADT^A01."),
    click.option("--since", metavar="TIME", help="Not older: 30m, 2h, 7d or 2026-11-22T08:00."),
    click.option(
        "--patient",
        metavar="ID",
        help="About this patient: the identifier, or ID^AUTHORITY for authorities that the"
        " project's systems do not list.",
    ),
    click.option("--control", metavar="ID", help="With this control id (MSH-10)."),
    click.option("--limit", default=50, show_default=True, type=click.IntRange(1), help="At most."),
)


class Filters(NamedTuple):
    """The search options as they were given."""

    channel: str | None = None
    kind: str | None = None
    since: str | None = None
    patient: str | None = None
    control: str | None = None
    state: str | None = None
    stage: str | None = None
    destination: str | None = None


class Store(NamedTuple):
    """A project whose journal can be read."""

    project: Project
    keys: Keyset
    reader: Reader


def options(command: F) -> F:
    """The options by which messages are found."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def store(folder: Path | None) -> Store:
    """The journal of a project that has run; raises ConfigError."""
    project = opening.outlined(folder)
    asking.need_store(project)
    keys = opening.keyset(project)
    return Store(project, keys, Reader.open(placing.place(project), keys))


def queries(where: Store, filters: Filters) -> list[Query]:
    """The queries that find what was asked for: one for each key a patient may have."""
    moment = since(filters.since)
    if filters.channel is not None:
        known = [*(item.config.channel for item in where.project.channels)]
        known += where.reader.counts()["endpoints"]
        if filters.channel not in known:
            hint = did_you_mean(filters.channel, known)
            raise click.UsageError(f"there is no channel '{filters.channel}'{hint}")
    patients: Sequence[bytes | None] = [None]
    if filters.patient is not None:
        patients = _tokens(where, filters.patient)
    return [
        Query(
            channel=filters.channel,
            type=filters.kind,
            state=filters.state,
            since=None if moment is None else max(0, int(moment * 1000)),
            patient=patient,
            control=filters.control,
            stage=filters.stage,
            destination=filters.destination,
        )
        for patient in patients
    ]


def _tokens(where: Store, patient: str) -> list[bytes]:
    """The tokens of a patient: under every authority known here, and under none."""
    keys = {patient: None}
    if "^" not in patient:
        names = {name for item in where.project.systems.values() for name in item.authorities}
        keys |= {f"{patient}^{name}": None for name in ("", *sorted(names))}
    # Only here: it brings the whole engine, and few searches are for a patient.
    assembly = importlib.import_module("vagus.assembly")
    token = assembly.identity_of(where.keys).token
    return [token(assembly.LANES, key, assembly.LANE_BYTES) for key in keys]


def number(text: str) -> int:
    """The number of a message id; a malformed one is wrong use."""
    try:
        return ids.from_text(text)
    except ValueError as error:
        raise click.UsageError(f"{text!r} is no message id: {error}") from None


def moment(unix_ms: int | None) -> str | None:
    """A time as people read it, in UTC."""
    if unix_ms is None:
        return None
    text = datetime.fromtimestamp(unix_ms / 1000, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def unknown(text: str) -> ConfigError:
    """The error for an id that this journal does not hold."""
    return ConfigError(f"{text}: this journal has no such message")

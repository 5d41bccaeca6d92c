"""A message's history, derived from its rows: the happy path leaves no event of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vagus.journal.found import FoundMessage, Moment
from vagus.journal.seam import Connection
from vagus.journal.statements import SEARCH
from vagus.journal.tally import DeliveryState
from vagus.kernel.ids import millis, to_text

Names = dict[str, dict[int, str]]


def history(
    con: Connection,
    message: FoundMessage,
    cause: FoundMessage | None,
    effects: list[tuple[int, int]],
    names: Names,
) -> list[Moment]:
    """The moments of a message in order; `effects` are the messages it is the cause of."""
    moments = [
        *_origin(message, cause),
        *_outcome(con, message),
        *_deliveries(con, message, names["destination"]),
        *_events(con, message, names["destination"]),
        *_effects(message, effects, names["endpoint"]),
    ]
    return sorted(moments, key=lambda moment: (moment.at, moment.rank))


def _origin(message: FoundMessage, cause: FoundMessage | None) -> Iterator[Moment]:
    detail = ""
    if message.cause is not None:
        replay = cause is not None and cause.channel == message.channel
        detail = f"{'replay of' if replay else 'follows'} {to_text(message.cause)}"
    if message.override is not None:
        detail = f"{detail} with mapping {message.override}".strip()
    yield Moment(message.at, 0, "accepted", detail=detail)


def _outcome(con: Connection, message: FoundMessage) -> Iterator[Moment]:
    row = con.execute(SEARCH["outcome"], (message.id,)).fetchone()
    if message.stored or row is None or row[0] is None:
        return
    at, mapping = row
    if message.stage is None:
        version = f"mapping {mapping.hex()[:12]}" if mapping else ""
        yield Moment(at, 1, "routed", detail=version, attempts=0)
    elif message.stage == "filter" and message.where is None and message.word != "dead":
        yield Moment(at, 1, "filtered", detail=message.reason or "")
    else:
        text = f"{message.stage}: {message.reason}"
        yield Moment(at, 1, "died", detail=f"{text} at {message.where}" if message.where else text)


def _deliveries(con: Connection, message: FoundMessage, names: dict[int, str]) -> Iterator[Moment]:
    for row in con.execute(SEARCH["deliveries"], (message.id,)):
        part, destination, state, attempts, _, done, _ = row
        if state == DeliveryState.DELIVERED:
            name = names.get(destination, str(destination))
            yield Moment(
                done or message.at,
                3,
                "delivered",
                destination=name,
                part=part,
                attempts=attempts,
            )


def _events(con: Connection, message: FoundMessage, names: dict[int, str]) -> Iterator[Moment]:
    for row in con.execute(SEARCH["events"], (message.id,)):
        at, kind, actor, detail, part, destination, attempts, _ = row
        name = "" if destination is None else names.get(destination, str(destination))
        yield Moment(at, 2, kind, actor, detail, name, part or 0, attempts or 0)


def _effects(
    message: FoundMessage, effects: list[tuple[int, int]], names: dict[int, str]
) -> Iterator[Moment]:
    for effect, endpoint in effects:
        name: Any = names.get(endpoint, str(endpoint))
        if name != message.channel:  # a replay has an event of its own
            yield Moment(millis(effect), 4, "followed", detail=to_text(effect), destination=name)

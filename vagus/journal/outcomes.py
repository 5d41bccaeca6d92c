"""Second durable point of a message's life: what it came to, and the deliveries made of it."""

from __future__ import annotations

from typing import Any

from vagus.journal import seals
from vagus.journal.entries import Delivered, Died, Filtered, Routed
from vagus.journal.share import Share, clean
from vagus.journal.statements import QUERIES
from vagus.journal.tally import DELIVERED, OPEN, MessageState, word

Outcome = Routed | Filtered | Died
_SETTLE, _INSERT_DELIVERY = QUERIES["settle_message"], QUERIES["insert_delivery"]
_DELIVERED = QUERIES["delivered"]
_ROUTED, _FILTERED, _DEAD = (
    int(state) for state in (MessageState.ROUTED, MessageState.FILTERED, MessageState.DEAD)
)
_FILTER = "filter"
_Target = tuple[int, int, bytes]
#: state, fanout, mapping, stage, reason, where
_Columns = tuple[int, int | None, bytes | None, str | None, str | None, str | None]


def settle(share: Share, entries: list[Outcome]) -> None:
    """Take messages out of `stored`; one that has left it already is passed over."""
    n = share.n
    targets = [_targets(entry) if type(entry) is Routed else [] for entry in entries]
    rows: list[tuple[Any, ...]] = [
        (*_columns(entry, len(owed)), n, entry.id)
        for entry, owed in zip(entries, targets, strict=True)
    ]
    deliveries: list[tuple[int, int, int, bytes]] = []
    done = share.day.apply(_SETTLE, rows, 1)
    for entry, owed, changed in zip(entries, targets, done, strict=True):
        if not changed:
            share.ignored += 1
        elif type(entry) is Routed:
            _route(share, entry, owed)
            message = entry.id
            deliveries += [(message, *target) for target in owed]
        else:
            _end(share, entry)
    if deliveries:
        share.day.many(_INSERT_DELIVERY, deliveries)


def _targets(entry: Routed) -> list[_Target]:
    """What is owed, each once, in the order of the rows."""
    found = [(target.part, target.destination, target.lane) for target in entry.targets]
    if len(found) > 1:
        found = sorted({target[:2]: target for target in found}.values())
    return found


def _columns(entry: Outcome, fanout: int) -> _Columns:
    if type(entry) is Routed:
        return (_ROUTED, fanout, entry.mapping, None, None, None)
    if isinstance(entry, Died):
        return (_DEAD, None, None, clean(entry.stage), clean(entry.reason), clean(entry.where))
    assert isinstance(entry, Filtered)
    return (_FILTERED, None, None, _FILTER, clean(entry.reason), None)


def _route(share: Share, entry: Routed, owed: list[_Target]) -> None:
    message, endpoint = entry.id, entry.endpoint
    share.outcomes.append(((message,), seals.routed(message, len(owed), entry.mapping, owed)))
    for _, destination, _ in owed:
        share.count("d_owed", destination, 1)
        share.count("d_open", destination, 1)
    if owed:
        share.begin_tally(message, [endpoint, len(owed), 0, 0, 0])
    else:
        share.count("pending", endpoint, -1)
        share.count("filtered", endpoint, 1)


def _end(share: Share, entry: Outcome) -> None:
    if isinstance(entry, Died):
        what, state = "dead", _DEAD
        stage, reason, where = clean(entry.stage), clean(entry.reason), clean(entry.where)
        record = seals.ended(entry.id, state, stage, reason, where)
    else:
        assert isinstance(entry, Filtered)
        what, state = "filtered", _FILTERED
        record = seals.ended(entry.id, state, _FILTER, clean(entry.reason), None)
    share.outcomes.append(((entry.id,), record))
    share.count("pending", entry.endpoint, -1)
    share.count(what, entry.endpoint, 1)


def deliver(share: Share, entries: list[Delivered]) -> None:
    """Record that peers have taken deliveries; one that is not open is passed over."""
    n, now = share.n, share.now
    tallies = [share.tally(entry.message) for entry in entries]
    rows: list[tuple[Any, ...]] = [
        (entry.attempts, now, entry.digest, n, entry.message, entry.part, entry.destination)
        for entry in entries
    ]
    done = share.day.apply(_DELIVERED, rows, 3)
    for entry, tally, changed in zip(entries, tallies, done, strict=True):
        message, part, destination = entry.message, entry.part, entry.destination
        if not changed or tally is None:
            share.ignored += 1
            continue
        tally[DELIVERED] += 1
        tally[OPEN] -= 1
        if not tally[OPEN]:
            share.count("pending", tally[0], -1)
            share.count(word(tally), tally[0], 1)
        share.count("d_open", destination, -1)
        share.count("d_delivered", destination, 1)
        record = seals.delivered(message, part, destination, entry.attempts, now, entry.digest)
        share.delivered.append(((message, part, destination), record))

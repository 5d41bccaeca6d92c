"""Second durable point of a message's life: what it came to, and the deliveries made of it."""

from __future__ import annotations

from vagus.journal import seals
from vagus.journal.entries import Delivered, Died, Filtered, Routed, Target
from vagus.journal.share import Share, applied, clean
from vagus.journal.statements import QUERIES
from vagus.journal.tally import DELIVERED, OPEN, MessageState

Outcome = Routed | Filtered | Died
_SETTLE, _INSERT_DELIVERY = QUERIES["settle_message"], QUERIES["insert_delivery"]
_DELIVERED = QUERIES["delivered"]
_ROUTED, _FILTERED, _DEAD = MessageState.ROUTED, MessageState.FILTERED, MessageState.DEAD
#: state, fanout, mapping, stage, reason, where
_Columns = tuple[int, int | None, bytes | None, str | None, str | None, str | None]


def settle(share: Share, entries: list[Outcome]) -> None:
    """Take messages out of `stored`; one that has left it already is passed over."""
    columns = [_columns(entry) for entry in entries]
    rows: list[tuple[object, ...]] = [
        (*values, share.n, entry.id) for values, entry in zip(columns, entries, strict=True)
    ]
    owed: list[tuple[int, int, int, bytes]] = []
    done = applied(share.con, _SETTLE, rows)
    for entry, values, changed in zip(entries, columns, done, strict=True):
        if not changed:
            share.ignored("outcome", entry.id)
        elif type(entry) is Routed:
            owed += _route(share, entry, values)
        else:
            share.count("pending", entry.endpoint, -1)
            share.count("filtered" if values[0] == _FILTERED else "dead", entry.endpoint, 1)
            share.outcomes.append(((entry.id,), seals.settled((entry.id, *values))))
    if owed:
        share.con.executemany(_INSERT_DELIVERY, owed)


def _columns(entry: Outcome) -> _Columns:
    if type(entry) is Routed:
        targets = entry.targets
        fanout = len(targets)
        if fanout > 1:
            fanout = len({(target.part, target.destination) for target in targets})
        return (1, fanout, entry.mapping, None, None, None)
    if isinstance(entry, Died):
        return (3, None, None, clean(entry.stage), clean(entry.reason), clean(entry.where))
    assert isinstance(entry, Filtered)
    return (2, None, None, "filter", clean(entry.reason), None)


def _route(share: Share, entry: Routed, values: _Columns) -> list[tuple[int, int, int, bytes]]:
    message, endpoint = entry.id, entry.endpoint
    targets: list[Target] = entry.targets
    if len(targets) > 1:
        by_key = {(target.part, target.destination): target for target in targets}
        targets = [by_key[key] for key in sorted(by_key)]
    sealed = [(target.part, target.destination, target.lane) for target in targets]
    share.outcomes.append(((message,), seals.settled((message, *values), sealed)))
    for _, destination, _ in sealed:
        share.count("d_owed", destination, 1)
        share.count("d_open", destination, 1)
    if targets:
        share.begin_tally(message, [endpoint, len(targets), 0, 0, 0])
    else:
        share.count("pending", endpoint, -1)
        share.count("filtered", endpoint, 1)
    return [(message, *target) for target in sealed]


def deliver(share: Share, entries: list[Delivered]) -> None:
    """Record that peers have taken deliveries; one that is not open is passed over."""
    n, now = share.n, share.now
    tallies = [share.tally(entry.message) for entry in entries]
    rows: list[tuple[object, ...]] = [
        (entry.attempts, now, entry.digest, n, entry.message, entry.part, entry.destination)
        for entry in entries
    ]
    done = applied(share.con, _DELIVERED, rows)
    for entry, tally, changed in zip(entries, tallies, done, strict=True):
        message, part, destination = entry.message, entry.part, entry.destination
        if not changed or tally is None:
            share.ignored("delivered", message)
            continue
        share.move(tally, OPEN, DELIVERED)
        share.count("d_open", destination, -1)
        share.count("d_delivered", destination, 1)
        record = seals.delivered(message, part, destination, entry.attempts, now, entry.digest)
        share.delivered.append(((message, part, destination), record))

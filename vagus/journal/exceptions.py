"""What is written only when something goes wrong or a person acts: one row and one event each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vagus.journal.entries import Buried, Discarded, Noted, Parked, Redriven
from vagus.journal.share import Share
from vagus.journal.statements import QUERIES
from vagus.journal.tally import SLOT, DeliveryState
from vagus.kernel.ids import to_text

_SELECT, _UPDATE = QUERIES["delivery_state"], QUERIES["move_delivery"]
_DISCARD_MESSAGE, _MARK = QUERIES["discard_message"], QUERIES["mark_replayed"]
_WORDS: Final = ("d_open", "d_open", "d_delivered", "d_dead", "d_discarded")
#: Kinds that the ledger reads a state from; a note must not pass for one of them.
_RESERVED = frozenset(("parked", "buried", "redriven", "discarded", "replayed"))
_OPEN = frozenset((DeliveryState.WAITING, DeliveryState.PARKED))
_DEAD = frozenset((DeliveryState.DEAD,))


@dataclass(slots=True)
class Replayed:
    """Written by the journal itself: a message has a newer one that replays it."""

    message: int
    endpoint: int
    by: int


Exceptional = Parked | Buried | Redriven | Discarded | Noted | Replayed


@dataclass(frozen=True, slots=True)
class _Change:
    """Where a delivery goes, and from which states it may."""

    target: DeliveryState
    sources: frozenset[DeliveryState]
    kind: str
    actor: str = "engine"
    attempts: int | None = None
    due: int | None = None
    reason: str = ""


def record(share: Share, entry: Exceptional) -> None:
    """Write one exception; what no longer applies is passed over."""
    if isinstance(entry, Noted):
        if share.tally(entry.message) is None:
            share.ignored += 1
        else:
            kind = f"noted {entry.kind}" if entry.kind in _RESERVED else entry.kind
            share.event(entry.message, kind, entry.actor, entry.detail)
    elif isinstance(entry, Replayed):
        _mark(share, entry)
    elif isinstance(entry, Discarded) and entry.destination is None:
        _discard_message(share, entry)
    else:
        assert entry.destination is not None
        change = _change(entry)
        if not _move(share, (entry.message, entry.part, entry.destination), change):
            share.ignored += 1


def _change(entry: Parked | Buried | Redriven | Discarded) -> _Change:
    match entry:
        case Parked():
            return _Change(
                DeliveryState.PARKED,
                _OPEN,
                "parked",
                attempts=entry.attempts,
                due=entry.due,
                reason=entry.reason,
            )
        case Buried():
            return _Change(
                DeliveryState.DEAD, _OPEN, "buried", attempts=entry.attempts, reason=entry.reason
            )
        case Redriven():
            return _Change(DeliveryState.WAITING, _DEAD, "redriven", entry.actor, attempts=0)
        case Discarded():
            return _Change(DeliveryState.DISCARDED, _OPEN | _DEAD, "discarded", entry.actor)


def _move(share: Share, key: tuple[int, int, int], change: _Change) -> bool:
    row = share.con.execute(_SELECT, key).fetchone()
    if row is None or row[0] not in change.sources:
        return False
    tally = share.tally(key[0])
    assert tally is not None
    attempts = row[1] if change.attempts is None else change.attempts
    target = change.target
    done = share.now if target in (DeliveryState.DEAD, DeliveryState.DISCARDED) else None
    reason = change.reason or None
    share.con.execute(_UPDATE, (target, attempts, change.due, done, reason, *key))
    delivery = (key[1], key[2], attempts, change.due)
    share.event(key[0], change.kind, change.actor, change.reason, delivery)
    if SLOT[row[0]] != SLOT[target]:
        share.move(tally, SLOT[row[0]], SLOT[target])
        share.count(_WORDS[row[0]], key[2], -1)
        share.count(_WORDS[target], key[2], 1)
    return True


def _discard_message(share: Share, entry: Discarded) -> None:
    """A dead message, or every dead delivery of a routed one."""
    message = entry.message
    if share.con.execute(_DISCARD_MESSAGE, (message,)).rowcount == 1:
        tally = share.tally(message)
        assert tally is not None
        share.count("dead", tally[0], -1)
        share.count("filtered", tally[0], 1)
        share.event(message, "discarded", entry.actor, "")
        return
    dead = share.con.execute(QUERIES["dead_parts"], (message,)).fetchall()
    change = _change(entry)
    for part, destination in dead:
        _move(share, (message, part, destination), change)
    if not dead:
        share.ignored += 1


def _mark(share: Share, entry: Replayed) -> None:
    if share.con.execute(_MARK, (entry.by, entry.message, entry.endpoint)).rowcount == 1:
        share.event(entry.message, "replayed", "engine", to_text(entry.by))

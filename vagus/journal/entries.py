"""What can be written to the journal: one small record for each thing that happens.

An entry is handed to `Journal.put`; its `then` is called on the event loop after the commit
that made it durable, in the order in which entries were put. Ids of endpoints and destinations
are the small numbers of `Journal.endpoint` and `Journal.destination`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

Then = Callable[[], None]


@dataclass(slots=True)
class Accept:
    """A message that arrived. If it is a duplicate, nothing is stored and `duplicate` is set.

    `then` finds `duplicate` (the id of the first one) and `reply` (its stored reply) filled in.
    """

    id: int
    endpoint: int
    type: str
    control: str = field(repr=False)
    sender: int  # 64-bit keyed hash of who sent it
    subject: bytes | None  # 12-byte keyed hash of the patient key
    hash: bytes  # SHA-256 of the body
    body: bytes = field(repr=False)  # sealed by the journal
    reply: bytes | None = field(default=None, repr=False)
    cause: int | None = None  # the message this one replays or follows
    override: str | None = None  # a mapping to use in place of the channel's
    dedupe: bool = True
    then: Then | None = None
    duplicate: int | None = field(default=None, init=False)
    reused: bool = field(default=False, init=False)  # same control id, other bytes


@dataclass(slots=True)
class Target:
    """One delivery owed: to a destination, for a part of the message, in a lane."""

    destination: int
    part: int
    lane: bytes


@dataclass(slots=True)
class Routed:
    """Mapped; deliveries are owed. `mapping` is the content hash of the mapping set used."""

    id: int
    endpoint: int
    mapping: bytes
    targets: list[Target]
    then: Then | None = None


@dataclass(slots=True)
class Replied:
    """The reply that a sender got later than at acceptance; duplicates get it again."""

    id: int
    reply: bytes = field(repr=False)
    then: Then | None = None


@dataclass(slots=True)
class Filtered:
    """Nobody needs it, for a stated reason (a word)."""

    id: int
    endpoint: int
    reason: str
    then: Then | None = None


@dataclass(slots=True)
class Died:
    """It cannot be processed: stage (frame, decode, filter, map, validate, route, poison)."""

    id: int
    endpoint: int
    stage: str
    reason: str
    where: str = ""
    then: Then | None = None


@dataclass(slots=True)
class Delivered:
    """A peer has taken one delivery."""

    message: int
    part: int
    destination: int
    attempts: int
    digest: bytes
    then: Then | None = None


@dataclass(slots=True)
class Parked:
    """One delivery waits for its next attempt at `due` (unix ms)."""

    message: int
    part: int
    destination: int
    attempts: int
    due: int
    reason: str
    then: Then | None = None


@dataclass(slots=True)
class Buried:
    """One delivery is given up: a dead letter of stage `deliver`."""

    message: int
    part: int
    destination: int
    attempts: int
    reason: str
    then: Then | None = None


@dataclass(slots=True)
class Redriven:
    """An operator puts a dead delivery back in line."""

    message: int
    part: int
    destination: int
    actor: str
    then: Then | None = None


@dataclass(slots=True)
class Discarded:
    """An operator gives up a dead letter: a delivery, or with destination None the message."""

    message: int
    part: int
    destination: int | None
    actor: str
    then: Then | None = None


@dataclass(slots=True)
class Noted:
    """Something worth remembering about a message: codes and actors, never values."""

    message: int
    kind: str
    actor: str = "engine"
    detail: str = ""
    then: Then | None = None


Entry = (
    Accept
    | Replied
    | Routed
    | Filtered
    | Died
    | Delivered
    | Parked
    | Buried
    | Redriven
    | Discarded
    | Noted
)

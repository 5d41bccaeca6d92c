"""What the queues give back: rows of the journal as the feed and dispatch see them."""

from __future__ import annotations

from dataclasses import dataclass, field

from vagus.journal.tally import DeliveryState


@dataclass(frozen=True, slots=True)
class Stored:
    """A message that waits to be processed; `body` is None when it does not open any more."""

    id: int
    endpoint: int
    type: str
    control: str = field(repr=False)
    cause: int | None
    override: str | None
    hash: bytes
    body: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Open:
    """A delivery that is owed; `due` is in unix ms and set when it is parked."""

    message: int
    part: int
    destination: int
    lane: bytes
    state: DeliveryState
    attempts: int
    due: int | None


@dataclass(frozen=True, slots=True)
class Fate:
    """How far a message has come: not processed yet, or so many deliveries still owed."""

    stored: bool
    waiting: int
    dead: bool  # the message, or a delivery of it
    override: str | None  # the mapping it is processed with in place of the channel's

    @property
    def done(self) -> bool:
        """Whether nothing more happens to it."""
        return not (self.stored or self.waiting)

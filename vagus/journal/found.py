"""What a search gives back: messages, dead letters and histories as people look at them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from vagus.journal.tally import DeliveryState
from vagus.kernel import ids


class Word(StrEnum):
    """What the ledger calls a message."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FILTERED = "filtered"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class FoundMessage:
    """A message. `stored` says that it was not processed yet; `control` may be a token."""

    id: int
    channel: str
    type: str
    control: str = field(repr=False)
    word: Word
    stored: bool
    fanout: int
    stage: str | None
    reason: str | None
    where: str | None
    cause: int | None
    replayed: int | None
    override: str | None

    @property
    def text_id(self) -> str:
        """The id as people know it."""
        return ids.to_text(self.id)

    @property
    def at(self) -> int:
        """When it was accepted, in unix ms."""
        return ids.millis(self.id)


@dataclass(frozen=True, slots=True)
class FoundDelivery:
    """A delivery of a message; `due` and `done` are in unix ms."""

    destination: str
    part: int
    state: DeliveryState
    attempts: int
    due: int | None
    done: int | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Something that somebody must look at: a message, or one delivery of it.

    For a message, `part`, `destination` and `attempts` are None.
    """

    id: int
    channel: str
    type: str
    control: str = field(repr=False)
    part: int | None
    destination: str | None
    stage: str
    reason: str
    where: str | None
    attempts: int | None
    at: int
    place: tuple[int, int, int] = field(repr=False)  # where the next page begins

    @property
    def text_id(self) -> str:
        """The id as people know it."""
        return ids.to_text(self.id)


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of a message's history; `at` is in unix ms."""

    at: int
    rank: int = field(repr=False)
    kind: str
    actor: str = "engine"
    detail: str = ""
    destination: str = ""
    part: int = 0
    attempts: int = 0

"""A message on its way through the engine, and what is owed to a destination because of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Envelope:
    """One accepted message. `message` is the decoded tree while it is still in memory."""

    id: int
    endpoint: int
    body: bytes
    message: Any = None
    cause: int | None = None
    override: str | None = None  # a mapping to use in place of the channel's own
    arrived: float = 0.0  # monotonic seconds; 0 = taken from the journal
    lanes: tuple[bytes, ...] = ()  # while in memory: opaque tokens of what must stay in order

    @property
    def order(self) -> tuple[int, int]:
        """Its place in the order of acceptance."""
        return (self.id, 0)


@dataclass(slots=True, eq=False)
class Delivery:
    """One event owed to one destination. `content` None means: to be made again."""

    message: int
    part: int
    destination: int
    lanes: tuple[bytes, ...]
    type: str = ""
    content: Any = None
    attempts: int = 0
    due: float = 0.0  # unix seconds before which it is not tried again
    arrived: float = 0.0
    redriven: bool = False
    waits: int = 0  # in how many lanes another delivery is still ahead of it

    @property
    def order(self) -> tuple[int, int]:
        """Its place in the order of acceptance."""
        return (self.message, self.part)

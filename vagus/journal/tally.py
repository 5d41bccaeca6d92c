"""What became of a message, seen from its deliveries: the ledger's four words."""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class MessageState(IntEnum):
    """How far a message has come, as stored."""

    STORED = 0
    ROUTED = 1
    FILTERED = 2
    DEAD = 3
    DISCARDED = 4


class DeliveryState(IntEnum):
    """How far a delivery has come, as stored."""

    WAITING = 0
    PARKED = 1
    DELIVERED = 2
    DEAD = 3
    DISCARDED = 4


#: Deliveries of one message: endpoint, then how many are open, delivered, dead, discarded.
Tally = list[int]
OPEN: Final = 1
DELIVERED: Final = 2
DEAD: Final = 3
DISCARDED: Final = 4

#: The slot of a tally in which each delivery state is counted.
SLOT: Final = (OPEN, OPEN, DELIVERED, DEAD, DISCARDED)
MESSAGE_WORDS: Final = ("accepted", "delivered", "filtered", "dead", "pending", "duplicates")
DELIVERY_WORDS: Final = ("owed", "open", "delivered", "dead", "discarded")


def word(tally: Tally) -> str:
    """What the ledger calls a routed message.

    With nothing delivered and nothing dead, an operator gave all of it up, or nobody was owed it.
    """
    if tally[OPEN]:
        return "pending"
    if tally[DEAD]:
        return "dead"
    return "delivered" if tally[DELIVERED] else "filtered"

"""Message ids: 63 bits that sort by time of acceptance and never go back on one node.

Milliseconds since 2020-01-01 UTC (42 bits), node (6 bits), counter (15 bits). As text, 13
characters of Crockford's base 32, which sort as the numbers do.
"""

from __future__ import annotations

from vagus.kernel.clock import Clock

EPOCH_MS = 1_577_836_800_000
MAX_NODE = 63
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES = {char: index for index, char in enumerate(_ALPHABET)} | {"O": 0, "I": 1, "L": 1}
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_LENGTH = 13


class Ids:
    """Hands out ids for one node; `last` is the newest id already used."""

    def __init__(self, clock: Clock, node: int = 0, last: int = 0) -> None:
        if not 0 <= node <= MAX_NODE:
            raise ValueError(f"a node number is between 0 and {MAX_NODE}")
        self._clock = clock
        self._node = node << 15
        self._last = last

    def next(self) -> int:
        """An id greater than every one before, even when the clock steps back."""
        floor = (int(self._clock.now() * 1000) - EPOCH_MS) << 21 | self._node
        last = self._last
        if floor > last:
            self._last = floor
        elif last & 0x7FFF != 0x7FFF:
            self._last = last + 1
        else:
            self._last = ((last >> 21) + 1) << 21 | self._node
        return self._last


def millis(message_id: int) -> int:
    """When an id was handed out, in milliseconds since 1970."""
    return (message_id >> 21) + EPOCH_MS


def node_of(message_id: int) -> int:
    """The node that handed it out."""
    return message_id >> 15 & MAX_NODE


def first_of(unix_ms: int) -> int:
    """The smallest id that can have been handed out at or after that time."""
    return max(0, unix_ms - EPOCH_MS) << 21


def to_text(message_id: int) -> str:
    """The 13 characters by which people and peers know a message."""
    pairs = _PAIRS
    return (
        _ALPHABET[message_id >> 60]
        + pairs[message_id >> 50 & 1023]
        + pairs[message_id >> 40 & 1023]
        + pairs[message_id >> 30 & 1023]
        + pairs[message_id >> 20 & 1023]
        + pairs[message_id >> 10 & 1023]
        + pairs[message_id & 1023]
    )


def from_text(text: str) -> int:
    """The id behind its text; ValueError when it is not one."""
    if len(text) != _LENGTH or not text.isascii():
        raise ValueError("a message id has 13 characters")
    number = 0
    for char in text.upper():
        if char not in _VALUES:
            raise ValueError("a message id is made of digits and capital letters")
        number = number << 5 | _VALUES[char]
    if number >> 63:
        raise ValueError("that is not a message id")
    return number

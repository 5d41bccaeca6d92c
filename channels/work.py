"""One message, or a part of it, on its way through the steps of a channel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from vagus.kernel.envelope import Envelope


@dataclass(slots=True)
class Work:
    """What the steps read and fill in."""

    envelope: Envelope
    message: Any  # the decoded message, or a part of it after a split
    event: str = ""
    bundle: dict[str, Any] | None = None  # the canonical result
    mapping: bytes = b""  # content hash of the mapping that made it
    part: int = 0  # its number among the parts of the message
    notes: tuple[str, ...] = ()  # what the message's history shall show: codes and places
    divided: bool = False  # whether `message` is only a part of what was received


#: Go on (None), drop for a reason (a word), or go on with several parts.
Step = Callable[[Work], "str | list[Work] | None"]

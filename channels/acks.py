"""When a sender is told: right after the commit, or once every destination has its message."""

from __future__ import annotations

from collections.abc import Callable

from channels.config import Ack
from vagus.formats.format import Verdict

Told = Callable[[Verdict], None]


class Awaiting:
    """Messages whose sender waits until they are done with (`ack: delivered`)."""

    def __init__(self) -> None:
        self._open: dict[int, int] = {}
        self._told: dict[int, list[Told]] = {}
        self._dead: set[int] = set()

    def __len__(self) -> int:
        return len(self._told)

    def expect(self, message_id: int, told: Told) -> None:
        """Call `told` when the message is done with."""
        self._told.setdefault(message_id, []).append(told)

    def knows(self, message_id: int) -> bool:
        """Whether somebody waits for that message."""
        return message_id in self._told

    def fanout(self, message_id: int, deliveries: int) -> None:
        """So many deliveries must be done before the message is."""
        if message_id in self._told:
            self._open[message_id] = deliveries

    def one_done(self, message_id: int, *, dead: bool) -> None:
        """One delivery has ended; the last one ends the message."""
        if message_id not in self._open:
            return
        self._open[message_id] -= 1
        if dead:
            self._dead.add(message_id)
        if not self._open[message_id]:
            died = message_id in self._dead
            self.done(message_id, Verdict.ERROR if died else Verdict.ACCEPTED)

    def done(self, message_id: int, verdict: Verdict) -> None:
        """The message is done with: tell everybody who waits."""
        self._open.pop(message_id, None)
        self._dead.discard(message_id)
        for told in self._told.pop(message_id, ()):
            told(verdict)


def waits_for_delivery(ack: Ack) -> bool:
    """Whether the sender hears only after delivery."""
    return ack is Ack.DELIVERED

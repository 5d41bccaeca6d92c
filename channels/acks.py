"""When a sender is told what became of its message, for those that wait until it is done with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from vagus.formats.format import Verdict

Told = Callable[[Verdict], None]


class Fate(Protocol):
    """How far a message has come."""

    @property
    def done(self) -> bool:
        """Whether nothing more happens to it."""
        ...

    @property
    def dead(self) -> bool:
        """Whether it, or a delivery of it, is a dead letter."""
        ...


class Awaiting:
    """Messages whose sender waits until they are done with.

    What has become of a message is asked of the journal, so that it does not matter whether it
    was accepted by this process.
    """

    def __init__(self, fate: Callable[[int], Fate | None]) -> None:
        self._fate = fate
        self._told: dict[int, list[Told]] = {}

    def __len__(self) -> int:
        return len(self._told)

    def __contains__(self, message_id: int) -> bool:
        return message_id in self._told

    def expect(self, message_id: int, told: Told) -> None:
        """Call `told` when a message that is only just accepted is done with."""
        self._told.setdefault(message_id, []).append(told)

    def expect_known(self, message_id: int, told: Told) -> None:
        """Call `told` when a message is done with, which it may be already."""
        self.expect(message_id, told)
        self.ended(message_id)

    def ended(self, message_id: int) -> None:
        """The message, or a delivery of it, has ended durably: tell who waits if that was all."""
        if message_id not in self._told:
            return
        fate = self._fate(message_id)
        if fate is not None and not fate.done:
            return
        verdict = Verdict.ERROR if fate is not None and fate.dead else Verdict.ACCEPTED
        for told in self._told.pop(message_id):
            told(verdict)

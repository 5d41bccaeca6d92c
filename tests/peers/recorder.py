"""A receiver that keeps what a source hands over, and answers now, later or never."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from connectors.seam import Reply, Respond


class Taken:
    """One thing handed over."""

    def __init__(self, frame: bytes, peer: str, respond: Respond, damage: str) -> None:
        self.frame = frame
        self.peer = peer
        self.respond = respond
        self.damage = damage


class Recorder:
    """`answer` makes the reply at once; without it the test answers through `taken[n].respond`."""

    def __init__(self, answer: Callable[[Taken], Reply | None] | None = None) -> None:
        self.taken: list[Taken] = []
        self._answer = answer

    def receive(self, frame: bytes, peer: str, respond: Respond, damage: str = "") -> None:
        """Keep it."""
        item = Taken(frame, peer, respond, damage)
        self.taken.append(item)
        if self._answer is not None and (reply := self._answer(item)) is not None:
            respond(reply)

    @property
    def frames(self) -> list[bytes]:
        """The whole frames."""
        return [item.frame for item in self.taken if not item.damage]

    @property
    def damage(self) -> list[tuple[str, bytes]]:
        """What was no whole frame, with the word for why."""
        return [(item.damage, item.frame) for item in self.taken if item.damage]

    async def count(self, number: int, seconds: float = 5.0) -> None:
        """Wait until so many things were handed over."""
        await until(lambda: len(self.taken) >= number, seconds)


async def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait until something holds; fails when it does not in time."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - conditions here are facts about sockets
            await asyncio.sleep(0.005)

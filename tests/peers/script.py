"""A peer that does exactly what its script says, on every connection or one script each."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

Step = Callable[["Turn"], Awaitable[None]]


class Turn:
    """One connection playing its script; `frames` is what it has received."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, frames: list[bytes]
    ) -> None:
        self.reader = reader
        self.writer = writer
        self.frames = frames
        self.last = b""


async def receive(turn: Turn) -> None:
    """Wait for one whole frame."""
    raw = await turn.reader.readuntil(b"\x1c\r")
    turn.last = raw[raw.index(b"\x0b") + 1 : -2]
    turn.frames.append(turn.last)


def send(data: bytes | Callable[[bytes], bytes]) -> Step:
    """Send bytes, or what a function makes of the last frame received."""

    async def step(turn: Turn) -> None:
        turn.writer.write(data(turn.last) if callable(data) else data)
        await turn.writer.drain()

    return step


def wait(seconds: float) -> Step:
    """Do nothing for a while."""

    async def step(_: Turn) -> None:
        await asyncio.sleep(seconds)

    return step


async def close(turn: Turn) -> None:
    """Close the connection."""
    turn.writer.close()


class Peer:
    """A server playing `scripts[n]` on its n-th connection, the last one from then on.

    A connection whose script is over stays open and silent. Use as `async with Peer(...)`.
    """

    def __init__(self, *scripts: Sequence[Step], tls: ssl.SSLContext | None = None) -> None:
        self._scripts = scripts
        self._tls = tls
        self._turns: set[asyncio.Task[Any]] = set()
        self._writers: list[asyncio.StreamWriter] = []
        self.frames: list[bytes] = []
        self.connections = 0
        self.port = 0

    async def __aenter__(self) -> Peer:
        self._server = await asyncio.start_server(
            self._play, "127.0.0.1", 0, ssl=self._tls, limit=1 << 26
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in list(self._turns):
            task.cancel()
        await asyncio.gather(*self._turns, return_exceptions=True)
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.sleep(0.01)

    async def _play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._turns.add(task)
        self._writers.append(writer)
        script = self._scripts[min(self.connections, len(self._scripts) - 1)]
        self.connections += 1
        turn = Turn(reader, writer, self.frames)
        try:
            for step in script:
                await step(turn)
            await reader.read()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._turns.discard(task)

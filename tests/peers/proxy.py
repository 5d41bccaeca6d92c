"""A TCP proxy whose lines can be cut, go silent, or lose bytes."""

from __future__ import annotations

import asyncio
from typing import Any


class Proxy:
    """Passes bytes to `127.0.0.1:target` until told otherwise.

    `blackhole` keeps every connection open and passes nothing, as a vanished network does;
    `eat_up` and `eat_down` drop that many of the next bytes to and from the target.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._tasks: set[asyncio.Task[Any]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self.blackhole = False
        self.eat_up = 0
        self.eat_down = 0
        self.connections = 0
        self.port = 0

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0.01)

    def cut(self) -> None:
        """Reset every connection at once."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        self._writers.add(writer)
        try:
            back, forth = await asyncio.open_connection("127.0.0.1", self._target)
            self._writers.add(forth)
            try:
                await asyncio.gather(
                    self._pass(reader, forth, up=True), self._pass(back, writer, up=False)
                )
            finally:
                forth.transport.abort()
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()
            self._writers.discard(writer)
            self._tasks.discard(task)

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, up: bool
    ) -> None:
        name = "eat_up" if up else "eat_down"
        while data := await reader.read(65536):
            if self.blackhole:
                continue
            eaten = min(getattr(self, name), len(data))
            setattr(self, name, getattr(self, name) - eaten)
            writer.write(data[eaten:])
            await writer.drain()
        if not self.blackhole:
            writer.write_eof()

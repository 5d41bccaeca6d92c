"""A simulated receiver of HL7 v2 over MLLP: what Vagus delivers to, with moods.

HL7 v2.5.1 §2.9.2: original mode answers AA or AE, enhanced mode (MSH-15 valued) CA or CE.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from vagus.kernel.errors import ConfigError
from vagus.simulators.chance import chance
from vagus.simulators.config import Accepts
from vagus.simulators.connection import LONGEST, block, next_block
from vagus.simulators.messages import control, field
from vagus.simulators.tally import Tally

#: How many control ids are remembered, to tell a repeat and to refuse only once.
_REMEMBERED = 50_000


class Memory:
    """The latest ids seen, up to a limit."""

    def __init__(self, limit: int = _REMEMBERED) -> None:
        self._ids: dict[bytes, None] = {}
        self._limit = limit

    def __contains__(self, item: bytes) -> bool:
        return item in self._ids

    def add(self, item: bytes) -> None:
        """Remember it; the oldest is forgotten when there are too many."""
        self._ids[item] = None
        if len(self._ids) > self._limit:
            del self._ids[next(iter(self._ids))]


class Peer:
    """Listens, counts and answers; `refuse` and `silent` hit a message the first time only."""

    feeds = False

    def __init__(self, name: str, config: Accepts) -> None:
        self.name = name
        self._config = config
        self._tally = Tally()
        self._taken = Memory()
        self._teased = Memory()
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """The port it listens on, which the system chose when the file says 0."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Listen; raises ConfigError when the port is taken."""
        host, port = self._config.host, self._config.port
        try:
            self._server = await asyncio.start_server(self._serve, host, port, limit=LONGEST)
        except OSError as error:
            text = f"simulator {self.name} cannot listen on {host}:{port}: {error.strerror}"
            raise ConfigError(text) from error

    async def stop(self) -> None:
        """Close the port and every connection."""
        if self._server is None:
            return
        self._server.close()
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        await self._server.wait_closed()

    def report(self) -> dict[str, Any]:
        """Accepted, repeats, refused, silent."""
        return {"simulator": self.name, **self._tally.report()}

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            while (body := await next_block(reader)) is not None:
                if self._config.delay:
                    await asyncio.sleep(self._config.delay)
                code = self._judge(control(body))
                if code:
                    writer.write(block(acknowledgement(body, code)))
                    await writer.drain()
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._open.discard(task)
            writer.close()
            with suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    def _judge(self, name: bytes) -> str:
        """AA, AE, or nothing at all."""
        if name not in self._teased and (mood := self._mood(name)) != "AA":
            self._teased.add(name)
            self._tally.counts["refused" if mood == "AE" else "silent"] += 1
            return mood
        self._tally.counts["repeats" if name in self._taken else "accepted"] += 1
        self._taken.add(name)
        return "AA"

    def _mood(self, name: bytes) -> str:
        luck = chance(self._config.seed, name)
        if luck < self._config.refuse:
            return "AE"
        return "" if luck < self._config.refuse + self._config.silent else "AA"


def acknowledgement(body: bytes, code: str) -> bytes:
    """The reply to a message: sender and receiver changed places, its delimiters kept."""
    between = body[3:4] if body.startswith(b"MSH") and len(body) > 3 else b"|"
    given = [field(body, number) for number in range(12)]
    if field(body, 14):
        code = code.replace("A", "C", 1)
    component = given[1][:1] or b"^"
    trigger = [*given[8].split(component), b""][1]
    kind = b"ACK" + (component + trigger if trigger else b"")
    header = [b"MSH", given[1] or b"^~\\&", given[4], given[5], given[2], given[3], given[6], b""]
    header += [kind, b"A" + given[9][-19:], given[10] or b"P", given[11] or b"2.5.1"]
    return between.join(header) + b"\r" + between.join([b"MSA", code.encode(), given[9]]) + b"\r"

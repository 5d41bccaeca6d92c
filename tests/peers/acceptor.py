"""An MLLP receiver that acknowledges everything, or a seeded share of it not."""

from __future__ import annotations

import asyncio
import random
import ssl
from typing import cast


def adt(control: str, patient: str = "P1", text: str = "") -> bytes:
    """A small ADT^A08 about an invented patient."""
    return (
        f"MSH|^~\\&|EHR|RIVER|VAGUS|HUB|20261122101500||ADT^A08^ADT_A01|{control}|P|2.5.1\r"
        f"PID|1||{patient}^^^RIVER^MR||DOE^JANE||19800101|F\rPV1|1|O\rNTE|1||{text}\r"
    ).encode()


def ack(body: bytes, code: str = "AA", control: bytes | None = None) -> bytes:
    """The framed acknowledgement of a message; `control` replaces its MSA-2."""
    mine = body.split(b"\r", 1)[0].split(b"|")[9] if control is None else control
    head = b"MSH|^~\\&|VAGUS|HUB|EHR|RIVER|20261122101501||ACK|A" + mine + b"|P|2.5.1\r"
    return b"\x0b" + head + b"MSA|" + code.encode() + b"|" + mine + b"\r\x1c\r"


class Acceptor:
    """Counts and keeps what it is sent; `error` and `reject` are shares answered AE and AR."""

    def __init__(
        self,
        *,
        error: float = 0.0,
        reject: float = 0.0,
        seed: int = 0,
        tls: ssl.SSLContext | None = None,
        keep: bool = True,
    ) -> None:
        self._error = error
        self._reject = reject
        self._random = random.Random(seed)
        self._tls = tls
        self._keep = keep
        self._open: set[_Line] = set()
        self.bodies: list[bytes] = []
        self.codes: dict[str, int] = {"AA": 0, "AE": 0, "AR": 0}
        self.connections = 0
        self.port = 0

    async def start(self, port: int = 0) -> Acceptor:
        """Listen; `port` 0 takes any."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: _Line(self), "127.0.0.1", port, ssl=self._tls
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        """Close the port and every connection."""
        self._server.close()
        for line in list(self._open):
            line.transport.abort()
        await asyncio.sleep(0.01)

    async def __aenter__(self) -> Acceptor:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def answer(self, body: bytes) -> bytes:
        """The reply to one message."""
        draw = self._random.random()
        code = "AE" if draw < self._error else "AR" if draw < self._error + self._reject else "AA"
        self.codes[code] += 1
        if self._keep:
            self.bodies.append(body)
        return ack(body, code)


class _Line(asyncio.Protocol):
    transport: asyncio.Transport

    def __init__(self, owner: Acceptor) -> None:
        self._owner = owner
        self._held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast(asyncio.Transport, transport)
        self.transport = transport
        self._owner.connections += 1
        self._owner._open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._owner._open.discard(self)

    def data_received(self, data: bytes) -> None:
        *whole, self._held = (self._held + data).split(b"\x1c\r")
        replies = [self._owner.answer(part[part.index(b"\x0b") + 1 :]) for part in whole]
        if replies:
            self.transport.write(b"".join(replies))

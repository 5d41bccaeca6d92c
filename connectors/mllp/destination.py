"""Sends HL7 v2 over MLLP and waits for the acknowledgement: a message's way out.

HL7 v2.5.1 §2.9.2: the answer to a message is the one whose MSA-2 is its MSH-10. Each connection
carries one message at a time, and a connection whose answer did not come in time is closed, so
that a late answer can never be taken for that of another message.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import NamedTuple, cast

from connectors import tls
from connectors.mllp.config import DestinationConfig
from connectors.mllp.framing import Framer, frame
from connectors.mllp.sockets import tune
from connectors.seam import Outbound, Receipt
from vagus.kernel.errors import DeliveryDelayed, DeliveryRejected, Fault

_MAX_ANSWER = 1 << 20
_SHUTDOWN_SECONDS = 3.0
_ERRORS = frozenset((b"AE", b"CE"))
_REFUSALS = frozenset((b"AR", b"CR"))


class Answer(NamedTuple):
    """MSA-1 and MSA-2 of an acknowledgement, and all of it."""

    code: bytes
    control: bytes
    body: bytes


class MllpDestination:
    """One receiver, over a fixed number of connections; the plain integers are counters."""

    def __init__(self, config: DestinationConfig) -> None:
        self.concurrency = config.connections
        self.connections = 0
        self.strays = 0
        self._config = config
        self._accept = frozenset(code.encode() for code in config.accept)
        self._final = self._accept | _ERRORS | _REFUSALS
        self._room = asyncio.Semaphore(config.connections)
        self._idle: list[_Link] = []
        self._links: set[_Link] = set()
        self._tls: tls.Renewed | None = None

    async def open(self) -> None:
        """Read the TLS files, ConfigError when one cannot be used; connecting waits."""
        if self._config.tls is not None:
            self._tls = tls.client(self._config.tls)

    async def send(self, message: Outbound) -> Receipt:
        """Deliver one message; the receipt holds the acknowledgement.

        Delayed by the destination with `refused`, `unreachable`, `tls`, `timeout` or `dropped`,
        by this message with `AE` or `CE`; rejected with `AR`, `CR`, `unframeable` (content that
        MLLP cannot carry) or `no-control` (no MSH-10 to know its answer by).
        """
        body = message.body
        control = control_id(body)
        async with self._room:
            link = self._ready() or await self._connect()
            try:
                answer = await link.exchange(body, control, self._config.ack_timeout)
            except BaseException:
                # Whatever answer is still on its way must not meet the next message.
                link.abort()
                raise
            self._idle.append(link)
        if answer.code in self._accept:
            return Receipt(answer.code.decode(), answer.body)
        raise self._refusal(answer.code)

    async def close(self) -> None:
        """Close every connection; sends under way end as `dropped`."""
        self._idle.clear()
        for link in list(self._links):
            link.close()
        await asyncio.sleep(0)

    def relevant(self, answer: Answer | None, control: bytes | None) -> bool:
        """Whether this is the answer awaited; anything else is counted and forgotten.

        A refusal without MSA-2 comes from receivers that could not read MSH-10. It can only
        mean the one message under way here.
        """
        if answer is not None and control is not None and answer.code in self._final:
            if answer.control == control:
                return True
            if not answer.control and answer.code not in self._accept:
                return True
        self.strays += 1
        return False

    def joined(self, link: _Link) -> None:
        """Count a connection in."""
        self._links.add(link)
        self.connections = len(self._links)

    def left(self, link: _Link) -> None:
        """Count a connection out."""
        self._links.discard(link)
        self.connections = len(self._links)

    def _ready(self) -> _Link | None:
        while self._idle:
            link = self._idle.pop()
            if link.alive:
                return link
        return None

    async def _connect(self) -> _Link:
        config = self._config
        secure = name = None
        if self._tls is not None and config.tls is not None:
            self._tls.renew()
            secure = self._tls.context
            name = config.tls.server_name or config.host
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(config.connect_timeout):
                _, link = await loop.create_connection(
                    lambda: _Link(self, loop),
                    config.host,
                    config.port,
                    ssl=secure,
                    server_hostname=name,
                    ssl_shutdown_timeout=_SHUTDOWN_SECONDS if secure else None,
                )
        except ssl.SSLError:
            raise DeliveryDelayed("tls") from None
        except ConnectionRefusedError:
            raise DeliveryDelayed("refused") from None
        except ConnectionError:
            raise DeliveryDelayed("tls" if secure else "unreachable") from None
        except OSError:
            raise DeliveryDelayed("unreachable") from None
        return link

    def _refusal(self, code: bytes) -> DeliveryDelayed | DeliveryRejected:
        if code in _ERRORS and self._config.retry_error:
            return DeliveryDelayed(code.decode(), fault=Fault.MESSAGE)
        return DeliveryRejected(code.decode())


class _Link(asyncio.Protocol):
    """One connection to the receiver, with at most one message under way."""

    _transport: asyncio.Transport

    def __init__(self, owner: MllpDestination, loop: asyncio.AbstractEventLoop) -> None:
        self.alive = False
        self._owner = owner
        self._loop = loop
        self._framer = Framer(_MAX_ANSWER, lenient=True)
        self._control: bytes | None = None
        self._waiter: asyncio.Future[Answer] | None = None

    async def exchange(self, body: bytes, control: bytes, patience: float) -> Answer:
        """Send one message and wait for its answer, at most so many seconds."""
        waiter: asyncio.Future[Answer] = self._loop.create_future()
        self._waiter = waiter
        self._control = control
        self._transport.write(frame(body))
        timer = self._loop.call_later(patience, self._fail, "timeout")
        try:
            return await waiter
        finally:
            timer.cancel()
            self._waiter = self._control = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ready for the first message."""
        transport = cast(asyncio.Transport, transport)
        self._transport = transport
        tune(transport)
        self.alive = True
        self._owner.joined(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The message under way, if any, may or may not have been taken."""
        self._fail("tls" if isinstance(exc, ssl.SSLError) else "dropped")
        self._owner.left(self)

    def eof_received(self) -> None:
        """The peer closed: nothing may be written here any more."""
        self.alive = False

    def data_received(self, data: bytes) -> None:
        """Look for the answer among what the peer sends."""
        for piece in self._framer.feed(data):
            answer = None if piece.damage else acknowledgement(piece.body)
            if self._owner.relevant(answer, self._control):
                assert answer is not None
                self._control = None
                waiter = self._waiter
                if waiter is not None and not waiter.done():
                    waiter.set_result(answer)
        if self._framer.ended:
            self._fail("dropped")
            self.abort()

    def close(self) -> None:
        """Close once what was written is sent."""
        self.alive = False
        self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self.alive = False
        self._transport.abort()

    def _fail(self, code: str) -> None:
        self.alive = False
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_exception(DeliveryDelayed(code, unknown=True))


def control_id(body: bytes) -> bytes:
    """MSH-10 as it stands; raises DeliveryRejected for what MLLP cannot carry or match."""
    if b"\x0b" in body or b"\x1c" in body:
        raise DeliveryRejected("unframeable")
    if body[:3] != b"MSH" or len(body) < 9:
        raise DeliveryRejected("no-control")
    end = body.find(b"\r")
    fields = body[: end if end >= 0 else len(body)].split(body[3:4], 10)
    control = fields[9].strip() if len(fields) > 9 else b""
    if not control:
        raise DeliveryRejected("no-control")
    return control


def acknowledgement(body: bytes) -> Answer | None:
    """What an acknowledgement says, or None when this is none."""
    if body[:3] != b"MSH":
        return None
    separator = body[3:4]
    start = body.find(b"\rMSA" + separator)
    if start < 0:
        start = body.find(b"\nMSA" + separator)
        if start < 0:
            return None
    line = body[start + 5 :].split(b"\r", 1)[0].split(b"\n", 1)[0]
    fields = line.split(separator, 2)
    return Answer(fields[0].strip(), fields[1].strip() if len(fields) > 1 else b"", body)

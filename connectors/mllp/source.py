"""Listens for HL7 v2 over MLLP: where a message first meets the engine."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from connectors import tls
from connectors.mllp.config import SourceConfig
from connectors.mllp.connection import Connection
from connectors.mllp.framing import Framer
from connectors.seam import Receiver
from vagus.kernel.errors import ConfigError
from vagus.kernel.log import get_logger

log = get_logger(__name__)

_BACKLOG = 1024
_HANDSHAKE_SECONDS = 10.0
_SHUTDOWN_SECONDS = 3.0
_STOP_SECONDS = 10.0
_RENEW_SECONDS = 4.0


class MllpSource:
    """One listening port; the plain integers are its counters since the start."""

    receiver: Receiver

    def __init__(self, config: SourceConfig) -> None:
        self._config = config
        self.paused = False
        self.pipeline = config.pipeline
        self.ack_timeout = config.ack_timeout
        self.patience = config.frame_timeout
        self.accepted = 0
        self.refused = 0
        self.frames = 0
        self.damaged = 0
        self.junk_bytes = 0
        self.late = 0
        self._open: set[Connection] = set()
        self._begun: dict[Connection, float] = {}
        self._owing: list[Connection] = []
        self._empty = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._sweep: asyncio.TimerHandle | None = None
        self._tls: tls.Renewed | None = None
        self._renew_at = 0.0

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._open)

    @property
    def port(self) -> int:
        """The port in use, also when the config left the choice to the system."""
        if self._server is None or not self._server.sockets:
            return self._config.port
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self, receiver: Receiver) -> None:
        """Listen; ConfigError when the port is taken or a TLS file cannot be used."""
        config = self._config
        self.receiver = receiver
        self._tls = tls.server(config.tls) if config.tls else None
        loop = self._loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(
                lambda: Connection(self, loop),
                config.host,
                config.port,
                backlog=_BACKLOG,
                reuse_address=True,
                ssl=self._tls.context if self._tls else None,
                ssl_handshake_timeout=_HANDSHAKE_SECONDS if self._tls else None,
                ssl_shutdown_timeout=_SHUTDOWN_SECONDS if self._tls else None,
            )
        except OSError as error:
            raise ConfigError(
                f"cannot listen on {config.host}:{config.port}: {_reason(error)}; "
                "free the port or choose another"
            ) from None
        self._every = min(1.0, config.frame_timeout / 8, (config.idle_timeout or 8.0) / 8)
        self._sweep = loop.call_later(self._every, self._look_round)

    def pause(self) -> None:
        """Hand over nothing until `resume`; senders wait, none is refused."""
        self.paused = True
        for connection in self._open:
            connection.steer()

    def resume(self) -> None:
        """Hand over again, first what was read before the pause."""
        self.paused = False
        for connection in list(self._open):
            connection.pump()

    async def stop(self) -> None:
        """Close the port, deliver the replies still owed (at most 10 s), close connections."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        if self._sweep:
            self._sweep.cancel()
        self._empty.clear()
        for connection in list(self._open):
            connection.drain()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                while self._open:
                    await self._empty.wait()
                    self._empty.clear()
        except TimeoutError:
            log.warning("stopped_owing_replies", connector="mllp", connections=len(self._open))
            for connection in list(self._open):
                connection.abort()
        await asyncio.sleep(0)

    def framer(self) -> Framer:
        """A framer for a new connection."""
        return Framer(self._config.max_frame, lenient=self._config.end_block == "lenient")

    def joined(self, connection: Connection) -> bool:
        """Count a new connection in; False when there are too many or the source stops."""
        if self._server is None or len(self._open) >= self._config.max_connections:
            self.refused += 1
            return False
        self.accepted += 1
        self._open.add(connection)
        return True

    def left(self, connection: Connection) -> None:
        """Forget a connection that has nothing left to hand over."""
        self._open.discard(connection)
        if not self._open:
            self._empty.set()

    def owes(self, connection: Connection) -> None:
        """Flush the connection once, at the end of this turn of the loop."""
        if not self._owing:
            self._loop.call_soon(self._flush)
        self._owing.append(connection)

    def begun(self, connection: Connection, *, restart: bool) -> None:
        """Run the clock of a frame that has begun; `restart` when it is a new one."""
        if restart or connection not in self._begun:
            self._begun[connection] = self._loop.time()

    def unbegun(self, connection: Connection) -> None:
        """Stop that clock."""
        self._begun.pop(connection, None)

    def _flush(self) -> None:
        owing, self._owing = self._owing, []
        for connection in owing:
            connection.flush()

    def _look_round(self) -> None:
        """End connections whose frame does not come to an end, or that are idle too long."""
        now = self._loop.time()
        self._end(
            connection
            for connection, since in self._begun.items()
            if now - since >= self._config.frame_timeout
        )
        if limit := self._config.idle_timeout:
            self._end(item for item in self._open if item.idle and now - item.heard >= limit)
        if self._tls and now >= self._renew_at:
            self._tls.renew()
            self._renew_at = now + _RENEW_SECONDS
        self._sweep = self._loop.call_later(self._every, self._look_round)

    @staticmethod
    def _end(connections: Iterable[Connection]) -> None:
        for connection in list(connections):
            connection.end()


def _reason(error: OSError) -> str:
    return (error.strerror or "the address cannot be used").lower()

"""One connection to RabbitMQ with one channel, kept up: connect, declare, serve, begin again.

There is a single way back from every trouble: close the connection, wait, connect, declare.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from random import random
from typing import Any, Protocol
from urllib.parse import urlsplit

import pika
from pika.adapters.asyncio_connection import AsyncioConnection
from pika.channel import Channel

from broker.rabbitmq.settings import RabbitMQ
from vagus.kernel.log import get_logger

log = get_logger(__name__)
logging.getLogger("pika").setLevel(logging.CRITICAL)  # what it says is said here, in our words

FIRST_DELAY = 0.1
LONGEST_DELAY = 5.0
CONNECT_SECONDS = 5.0
PREPARE_SECONDS = 60.0  # a question and an answer for each queue and binding
CLOSE_SECONDS = 5.0

Prepare = Callable[[Channel], Awaitable[None]]


class LinkDown(Exception):
    """The connection or its channel is gone, or could not be had."""


class User(Protocol):
    """Whoever uses the channel of a link. Called on the event loop."""

    def opened(self, channel: Channel) -> None:
        """A fresh channel, with everything declared."""
        ...

    def closed(self) -> None:
        """The channel is gone, and with it all that was under way on it."""
        ...

    def blocked(self, *, blocked: bool) -> None:
        """The broker asks to send nothing more, or to go on."""
        ...


class _Connection(AsyncioConnection):  # type: ignore[misc]  # pika has no types
    """A connection that can be torn down at once."""

    def abort(self) -> None:
        """Leave as a process that dies does: nothing more is said or heard.

        To the broker that is a consumer that is gone, so what it held goes back to its place. After
        an orderly close the next consumer is served later events first.
        """
        if not self.is_closed:
            self._terminate_stream(LinkDown("left"))


class Link:
    """Keeps a connection up for its user."""

    def __init__(self, name: str, settings: RabbitMQ, user: User, prepare: Prepare) -> None:
        self._name = name
        self._settings = settings
        self._user = user
        self._prepare = prepare
        self._connection: _Connection | None = None
        self._lost: asyncio.Future[BaseException | None]
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self.up = False

    def start(self) -> None:
        """Begin to connect, and keep at it until `stop`; raises ConfigError for bad TLS files."""
        self._parameters = parameters(self._settings, self._name)
        self._task = asyncio.create_task(self._run(), name=f"link-{self._name}")

    async def stop(self, *, abruptly: bool = False) -> None:
        """Close the connection, or leave it; nothing that was under way is settled by this."""
        self._stopping = True
        if self._task is None:
            return
        if not abruptly and self._connection is not None and self._connection.is_open:
            self._connection.close()
            await asyncio.wait([self._task], timeout=CLOSE_SECONDS)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def restart(self, code: str) -> None:
        """Give this connection up, because nothing certain can come of it any more."""
        log.warning("broker_link_restarted", name=self._name, reason=code)
        self._lose(LinkDown(code))

    async def aside(self, work: Prepare) -> None:
        """Do something on a channel of its own, which may fail alone; raises LinkDown."""
        if self._connection is None or not self._connection.is_open:
            raise LinkDown("not-connected")
        gone: asyncio.Future[BaseException | None] = asyncio.get_running_loop().create_future()
        channel = await self._channel(lambda error: _settle(gone, error))
        await _unless(gone, self._unless_lost(work(channel)))
        channel.close()

    async def _run(self) -> None:
        failures = 0
        while not self._stopping:
            try:
                await self._serve()
                failures = 0
            except (LinkDown, OSError, TimeoutError) as error:
                failures = 1 if self.up else failures + 1
                if failures == 1 or failures % 20 == 0:
                    log.warning("broker_link_down", name=self._name, reason=reason(error))
            finally:
                self._drop()
            if not self._stopping:
                await asyncio.sleep(delay(failures))

    async def _serve(self) -> None:
        """Connect, prepare, and return or raise when the connection is lost."""
        async with asyncio.timeout(CONNECT_SECONDS):
            channel = await self._open()
        async with asyncio.timeout(PREPARE_SECONDS):
            await self._unless_lost(self._prepare(channel))
        self.up = True
        log.info("broker_link_up", name=self._name)
        self._user.opened(channel)
        error = await self._lost
        if error is not None and not self._stopping:
            raise LinkDown(reason(error)) from None

    async def _open(self) -> Channel:
        loop = asyncio.get_running_loop()
        self._lost = loop.create_future()
        opened: asyncio.Future[Any] = loop.create_future()
        self._connection = connection = _Connection(
            self._parameters,
            on_open_callback=lambda _: _settle(opened, None),
            on_open_error_callback=lambda _, error: self._lose(error),
            on_close_callback=lambda _, error: self._lose(error),
        )
        connection.add_on_connection_blocked_callback(lambda *_: self._user.blocked(blocked=True))
        connection.add_on_connection_unblocked_callback(
            lambda *_: self._user.blocked(blocked=False)
        )
        await self._unless_lost(opened)
        return await self._channel(self._lose)

    async def _channel(self, closed: Callable[[BaseException | None], None]) -> Channel:
        assert self._connection is not None
        ready: asyncio.Future[Channel] = asyncio.get_running_loop().create_future()
        channel = self._connection.channel(on_open_callback=lambda made: _settle(ready, made))
        channel.add_on_close_callback(lambda _, error: closed(error))
        made: Channel = await self._unless_lost(ready)
        return made

    async def _unless_lost(self, work: Awaitable[Any]) -> Any:
        """The result of some work on the connection; LinkDown when that goes first."""
        return await _unless(self._lost, work)

    def _lose(self, error: BaseException | None) -> None:
        if not self._lost.done():
            self._lost.set_result(error)

    def _drop(self) -> None:
        """Make sure that the connection of this attempt never speaks again."""
        was_up, self.up = self.up, False
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abort()
        if was_up:
            self._user.closed()


def parameters(settings: RabbitMQ, name: str) -> pika.URLParameters:
    """What pika connects with; raises ConfigError."""
    found = pika.URLParameters(settings.url)
    if settings.secure:
        host = urlsplit(settings.url).hostname
        found.ssl_options = pika.SSLOptions(settings.context(), host)
    found.heartbeat = int(settings.heartbeat)
    found.socket_timeout = found.stack_timeout = CONNECT_SECONDS
    found.connection_attempts = 1
    found.client_properties = {"connection_name": name}
    return found


def delay(failures: int) -> float:
    """Seconds before the next try: doubling, with jitter, never long."""
    return float(min(LONGEST_DELAY, FIRST_DELAY * 2 ** min(failures, 10)) * (0.5 + 0.5 * random()))  # noqa: S311


def reason(error: BaseException | None) -> str:
    """A word for why a connection is gone: a reply code of AMQP, or the kind of error."""
    code = getattr(error, "reply_code", None)
    if code is not None:
        return f"amqp-{code}"
    return str(error) if isinstance(error, LinkDown) else type(error).__name__


async def _unless(lost: asyncio.Future[BaseException | None], work: Awaitable[Any]) -> Any:
    """The result of some work, or LinkDown when something is lost before it is done."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait([task, lost], return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise LinkDown(reason(lost.result()))
        return task.result()
    finally:
        task.cancel()


def _settle(future: asyncio.Future[Any], value: Any) -> None:
    if not future.done():
        future.set_result(value)

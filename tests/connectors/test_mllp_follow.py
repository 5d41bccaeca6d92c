"""Replies that follow: application acknowledgements as messages of their own."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from connectors.mllp.config import SourceConfig
from connectors.mllp.framing import frame
from connectors.mllp.source import MllpSource
from connectors.seam import Reply
from peers import Recorder, adt, until


@asynccontextmanager
async def listening(recorder: Recorder, **config: Any) -> AsyncIterator[MllpSource]:
    source = MllpSource(SourceConfig(port=0, **config))
    await source.start(recorder)
    try:
        yield source
    finally:
        await source.stop()


class Sender:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def to(cls, source: MllpSource) -> Sender:
        return cls(*await asyncio.open_connection("127.0.0.1", source.port))

    def send(self, *bodies: bytes) -> None:
        self.writer.write(b"".join(map(frame, bodies)))

    async def hears(self) -> bytes:
        async with asyncio.timeout(5):
            return (await self.reader.readuntil(b"\x1c\r"))[1:-2]

    async def rest(self) -> bytes:
        async with asyncio.timeout(5):
            return await self.reader.read()


async def test_what_follows_comes_later_and_in_no_order() -> None:
    recorder = Recorder()
    async with listening(recorder) as source:
        sender = await Sender.to(source)
        sender.send(adt("C1"), adt("C2"))
        await recorder.count(2)
        one, two = (item.respond for item in recorder.taken)
        two(Reply(b"CA2", follows=1))
        two(Reply(b"AA2"))
        one(Reply(b"CA1", follows=1))
        assert [await sender.hears() for _ in range(3)] == [b"CA1", b"CA2", b"AA2"]
        one(Reply(b"AA1"))
        assert await sender.hears() == b"AA1"
        sender.writer.close()


async def test_only_as_many_as_were_promised() -> None:
    recorder = Recorder()
    async with listening(recorder) as source:
        sender = await Sender.to(source)
        sender.send(adt("C1"))
        await recorder.count(1)
        respond = recorder.taken[0].respond
        respond(Reply(b"CA", follows=1))
        assert await sender.hears() == b"CA"
        respond(Reply(b"AA"))
        respond(Reply(b"AA again"))
        assert await sender.hears() == b"AA"
        sender.send(adt("C2"))
        await recorder.count(2)
        recorder.taken[1].respond(Reply(b"plain"))
        recorder.taken[1].respond(Reply(b"twice"))
        assert await sender.hears() == b"plain"
        sender.writer.write_eof()
        assert await sender.rest() == b""
        sender.writer.close()


@pytest.mark.parametrize("stop", [True, False], ids=["source stops", "sender says the end"])
async def test_the_connection_stays_open_for_what_follows(stop: bool) -> None:
    recorder = Recorder()
    async with listening(recorder) as source:
        sender = await Sender.to(source)
        sender.send(adt("C1"))
        await recorder.count(1)
        respond = recorder.taken[0].respond
        respond(Reply(b"CA", follows=1))
        assert await sender.hears() == b"CA"
        stopping = asyncio.create_task(source.stop()) if stop else None
        if not stop:
            sender.writer.write_eof()
        await asyncio.sleep(0.1)
        assert source.connections == 1
        respond(Reply(b"AA"))
        assert await sender.rest() == frame(b"AA")
        sender.writer.close()
        if stopping is not None:
            await stopping


async def test_a_connection_that_waits_for_what_follows_is_not_idle() -> None:
    recorder = Recorder()
    async with listening(recorder, idle_timeout=0.2) as source:
        sender = await Sender.to(source)
        sender.send(adt("C1"))
        await recorder.count(1)
        recorder.taken[0].respond(Reply(None, follows=1))
        await asyncio.sleep(0.5)
        recorder.taken[0].respond(Reply(b"AA"))
        assert await sender.hears() == b"AA"
        sender.writer.close()


async def test_nobody_is_left_to_hear_it() -> None:
    recorder = Recorder()
    async with listening(recorder) as source:
        sender = await Sender.to(source)
        sender.send(adt("C1"))
        await recorder.count(1)
        recorder.taken[0].respond(Reply(b"CA", follows=1))
        assert await sender.hears() == b"CA"
        plug = sender.writer.get_extra_info("socket")
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sender.writer.transport.abort()
        await until(lambda: source.connections == 0)
        recorder.taken[0].respond(Reply(b"AA"))

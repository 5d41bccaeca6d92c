"""One MLLP connection of a simulated sender: a message out, its answer in.

HL7 v2.5.1 §2.9.2 (MSA-2 names the message that is answered) and the MLLP release 1 block.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from vagus.simulators.messages import control

START, END = b"\x0b", b"\x1c\r"
LONGEST = 16 << 20


def block(body: bytes) -> bytes:
    """The bytes of one message on the wire."""
    return START + body + END


async def next_block(reader: asyncio.StreamReader) -> bytes | None:
    """The next message, or None when the other side has closed or sends no blocks."""
    try:
        raw = await reader.readuntil(END)
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
        return None
    return raw[raw.rfind(START) + 1 : -len(END)]


def answer(reply: bytes) -> tuple[str, bytes]:
    """MSA-1 and MSA-2 of a reply, empty when it has no MSA."""
    if not reply.startswith(b"MSH") or len(reply) < 4:
        return "", b""
    for segment in reply.split(b"\r"):
        if segment.startswith(b"MSA"):
            fields = [*segment.split(reply[3:4]), b"", b""]
            return fields[1].decode("ascii", "replace"), fields[2]
    return "", b""


class Connection:
    """Connects when first used, and again after every failure."""

    def __init__(self, host: str, port: int) -> None:
        self._place = (host, port)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def exchange(self, body: bytes, wait: float) -> str:
        """Send a message and give the code of its answer.

        Raises OSError when it cannot be sent, the other side closes, or no answer comes in time
        (then as TimeoutError); the connection is closed in each case, so that a late answer is
        never taken for that of another message.
        """
        try:
            async with asyncio.timeout(wait):
                reader, writer = self._streams or await self._connect()
                writer.write(block(body))
                await writer.drain()
                return await self._answer(reader, control(body))
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """End the connection."""
        if self._streams is None:
            return
        writer, self._streams = self._streams[1], None
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        self._streams = await asyncio.open_connection(*self._place, limit=LONGEST)
        return self._streams

    async def _answer(self, reader: asyncio.StreamReader, wanted: bytes) -> str:
        while (reply := await next_block(reader)) is not None:
            code, named = answer(reply)
            if code and (not wanted or not named or named == wanted):
                return code
        raise ConnectionResetError

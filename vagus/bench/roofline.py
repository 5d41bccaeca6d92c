"""The raw loop a benchmark compares with: the same input and output, and nothing an engine is.

Takes MLLP frames, appends them encrypted to one file with an fsync for each group, answers,
cuts it to its components, dumps them as JSON, and sends the frame on to a peer.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vagus.bench.load import END, START, print_line
from vagus.kernel.process import loop_factory

PEERS = 8


class Log:
    """An append-only encrypted file with group commit."""

    def __init__(self) -> None:
        handle, name = tempfile.mkstemp()
        os.unlink(name)
        self._handle = handle
        self._cipher = AESGCM(AESGCM.generate_key(256))
        self._thread = ThreadPoolExecutor(1)
        self._waiting: list[tuple[bytes, Echo]] = []
        self._busy = False
        self.done: deque[bytes] = deque()

    def append(self, frame: bytes, sender: Echo) -> None:
        """Have a frame written; its sender is answered after the fsync."""
        self._waiting.append((frame, sender))
        if not self._busy:
            self._busy = True
            asyncio.get_running_loop().create_task(self._commit())

    async def _commit(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch, self._waiting = self._waiting, []
            blob = b"".join(self._seal(frame) for frame, _ in batch)
            await loop.run_in_executor(self._thread, self._write, blob)
            for frame, sender in batch:
                sender.answer(frame)
        self._busy = False

    def _seal(self, frame: bytes) -> bytes:
        nonce = os.urandom(12)
        return nonce + self._cipher.encrypt(nonce, frame, None)

    def _write(self, blob: bytes) -> None:
        os.write(self._handle, blob)
        os.fdatasync(self._handle)


class Onward(asyncio.Protocol):
    """One connection to the peer, one frame in flight."""

    def __init__(self, queue: deque[bytes], idle: list[Onward]) -> None:
        self._queue = queue
        self._idle = idle
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin idle."""
        self._transport = cast(asyncio.Transport, transport)
        self._idle.append(self)

    def send(self, frame: bytes) -> None:
        """Send one frame."""
        self._transport.write(START + frame + END)

    def data_received(self, data: bytes) -> None:
        """The peer has it: send the next."""
        self._buffer += data
        if END not in self._buffer:
            return
        self._buffer = b""
        if self._queue:
            self.send(self._queue.popleft())
        else:
            self._idle.append(self)


class Echo(asyncio.Protocol):
    """One sender."""

    def __init__(self, log: Log, queue: deque[bytes], idle: list[Onward]) -> None:
        self._log, self._queue, self._idle = log, queue, idle
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport for the replies."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Log every frame."""
        self._buffer += data
        while (end := self._buffer.find(END)) >= 0:
            frame, self._buffer = self._buffer[1:end], self._buffer[end + 2 :]
            self._log.append(frame, self)

    def answer(self, frame: bytes) -> None:
        """Acknowledge, dump as JSON, send on."""
        segments = [line.split("|") for line in frame.decode().split("\r") if line]
        ack = "MSH|^~\\&|V|V|E|E|20260101||ACK|1|P|2.5.1\rMSA|AA|" + segments[0][9] + "\r"
        self._transport.write(START + ack.encode() + END)
        tree = [[_components(field) for field in line] for line in segments]
        orjson.dumps(tree)
        self._queue.append(frame)
        while self._idle and self._queue:
            self._idle.pop().send(self._queue.popleft())


def _components(field: str) -> list[list[str]]:
    return [repetition.split("^") for repetition in field.split("~")]


async def serve(port: int, sink: int) -> None:
    """Serve until killed."""
    loop = asyncio.get_running_loop()
    queue: deque[bytes] = deque()
    idle: list[Onward] = []
    log = Log()
    await loop.create_server(lambda: Echo(log, queue, idle), "127.0.0.1", port)
    print_line({"ready": True})
    peers = 0
    while peers < PEERS:
        try:
            await loop.create_connection(lambda: Onward(queue, idle), "127.0.0.1", sink)
            peers += 1
        except OSError:
            await asyncio.sleep(0.05)
    await asyncio.Event().wait()


if __name__ == "__main__":
    factory = loop_factory() if sys.argv[3] == "fast" else None
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(serve(int(sys.argv[1]), int(sys.argv[2])))

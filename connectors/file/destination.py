"""Writes each message as a file of its own: a message's way out into a folder."""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import ThreadPoolExecutor

from connectors.file.config import DestinationConfig
from connectors.file.names import file_name
from connectors.file.outbox import Outbox
from connectors.seam import Outbound, Receipt
from vagus.kernel.errors import DeliveryDelayed, DeliveryError


class FileDestination:
    """One folder; messages sent at the same time share a flush."""

    def __init__(self, config: DestinationConfig) -> None:
        self.concurrency = config.concurrency
        self._config = config
        self._outbox = Outbox(config.folder, create=config.create)
        self._thread: ThreadPoolExecutor | None = None
        self._waiting: deque[tuple[str, bytes, asyncio.Future[str]]] = deque()
        self._writing: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Open the folder; ConfigError when it cannot be used."""
        thread = ThreadPoolExecutor(1, "file-destination")
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(thread, self._outbox.open)
        except BaseException:
            thread.shutdown()
            raise
        self._thread = thread

    async def send(self, message: Outbound) -> Receipt:
        """Write one message; the receipt's body is the file name.

        The same key and bytes again find their file and succeed; the same key with other bytes
        gets a file of its own, `-2` and so on. Delayed by the destination with `full`, `denied`,
        `missing` or `io`.
        """
        name = file_name(self._config.name, self._config.suffix, message.key, message.type)
        done: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting.append((name, message.body, done))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        return Receipt("written", (await done).encode())

    async def close(self) -> None:
        """Finish what is being written and let go of the folder."""
        if self._writing is not None:
            await asyncio.wait([self._writing])
        thread, self._thread = self._thread, None
        if thread is not None:
            await asyncio.get_running_loop().run_in_executor(thread, self._outbox.close)
            thread.shutdown()

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            size = min(len(self._waiting), self.concurrency)
            batch = [self._waiting.popleft() for _ in range(size)]
            items = [(name, body) for name, body, _ in batch]
            results: list[str | DeliveryError]
            try:
                results = await loop.run_in_executor(self._thread, self._outbox.write, items)
            except Exception:
                # Nobody would wake the senders otherwise.
                results = [DeliveryDelayed("io", unknown=True) for _ in batch]
            for (_, _, done), result in zip(batch, results, strict=True):
                if done.done():
                    continue
                if isinstance(result, str):
                    done.set_result(result)
                else:
                    done.set_exception(result)
        self._writing = None

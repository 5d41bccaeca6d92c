"""Takes files from a folder: where a message that comes as a file meets the engine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from connectors.file.config import SourceConfig
from connectors.file.inbox import Claim, Inbox
from connectors.seam import Receiver, Reply
from vagus.kernel.log import get_logger

log = get_logger(__name__)

T = TypeVar("T")

_IN_FLIGHT = 4
_STOP_SECONDS = 10.0


class FileSource:
    """One watched folder; the plain integers are its counters since the start."""

    _receiver: Receiver

    def __init__(self, config: SourceConfig) -> None:
        self.files = 0
        self.failed = 0
        self._config = config
        self._inbox = Inbox(config)
        self._reading = asyncio.Event()
        self._reading.set()
        self._stopping = asyncio.Event()
        self._room = asyncio.Semaphore(_IN_FLIGHT)
        self._settling: set[asyncio.Task[None]] = set()
        self._owed: set[Claim] = set()
        self._answered = asyncio.Event()
        self._thread: ThreadPoolExecutor | None = None
        self._watch: asyncio.Task[None] | None = None

    async def start(self, receiver: Receiver) -> None:
        """Watch the folder; ConfigError when it, or one beside it, cannot be used."""
        self._receiver = receiver
        self._loop = asyncio.get_running_loop()
        self._thread = ThreadPoolExecutor(1, "file-source")
        try:
            await self._run(self._inbox.open)
        except BaseException:
            self._thread.shutdown()
            raise
        self._watch = asyncio.create_task(self._watching())

    def pause(self) -> None:
        """Hand over nothing until `resume`; files stay where they are."""
        self._reading.clear()

    def resume(self) -> None:
        """Hand over again."""
        self._reading.set()

    async def stop(self) -> None:
        """Claim nothing more, wait (at most 10 s) for answers, put those files away."""
        watch, self._watch = self._watch, None
        if watch is None or self._thread is None:
            return
        self._stopping.set()
        self._reading.set()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await asyncio.wait([watch])
                while self._owed:
                    self._answered.clear()
                    await self._answered.wait()
        except TimeoutError:
            # The watch itself may be waiting for an answer that does not come.
            watch.cancel()
            await asyncio.wait([watch])
            log.warning("stopped_owing_replies", connector="file", files=len(self._owed))
        self._owed.clear()
        while self._settling:
            await asyncio.gather(*self._settling)
        await self._run(self._inbox.close)
        self._thread.shutdown()

    async def _watching(self) -> None:
        work = self._take_left_over
        while not self._stopping.is_set():
            try:
                await work()
                work = self._take_ready
            except Exception as error:
                # The folder may be back at the next look; a watch that ends would tell nobody.
                log.warning("folder_unreadable", connector="file", error=type(error).__name__)
            try:
                await asyncio.wait_for(self._stopping.wait(), self._config.every)
            except TimeoutError:
                pass

    async def _take_left_over(self) -> None:
        for claim in await self._run(lambda: list(self._inbox.left_over())):
            await self._room.acquire()
            await self._hand(claim)
        await self._take_ready()

    async def _take_ready(self) -> None:
        for name in await self._run(lambda: self._inbox.ready(self._loop.time())):
            await self._take(name)

    async def _take(self, name: str) -> None:
        await self._reading.wait()
        await self._room.acquire()
        claim = None
        try:
            if not self._stopping.is_set():
                claim = await self._run(lambda: self._inbox.claim(name))
        finally:
            if claim is None:
                self._room.release()
        if claim is not None:
            await self._hand(claim)

    async def _hand(self, claim: Claim) -> None:
        await self._reading.wait()
        if self._stopping.is_set():
            await self._run(lambda: self._inbox.give_back(claim))
            self._room.release()
            return
        self._owed.add(claim)

        def respond(reply: Reply) -> None:
            if claim in self._owed:
                self._owed.discard(claim)
                task = self._loop.create_task(self._settle(claim, accepted=reply.accepted))
                self._settling.add(task)
                task.add_done_callback(self._settling.discard)
                self._answered.set()

        try:
            self._receiver.receive(claim.body, self._config.folder, respond, claim.damage)
        except Exception as error:
            # Never the exception itself: its text or its frames may hold the message.
            log.error("receive_failed", connector="file", error=type(error).__name__)  # noqa: TRY400
            self._owed.discard(claim)
            self._room.release()

    async def _settle(self, claim: Claim, *, accepted: bool) -> None:
        self.files += 1
        if not accepted or claim.damage:
            self.failed += 1
        try:
            await self._run(lambda: self._inbox.settle(claim, accepted=accepted))
        except OSError as error:
            log.warning("file_not_put_away", connector="file", error=type(error).__name__)
        finally:
            self._room.release()

    async def _run(self, work: Callable[[], T]) -> T:
        assert self._thread is not None
        return await self._loop.run_in_executor(self._thread, work)

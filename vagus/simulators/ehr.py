"""A simulated EHR: tells the story of its patients over MLLP, in order, as a patient sender.

Like the senders of real hospitals it keeps one message in flight on a connection, waits for the
answer, and after a time-out or a lost connection sends the very same bytes again.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from typing import Any

from vagus.kernel.clock import Clock, SystemClock
from vagus.kernel.log import get_logger
from vagus.simulators.chance import chance
from vagus.simulators.config import Mischief, Sends, Target
from vagus.simulators.connection import Connection
from vagus.simulators.messages import Message, control, renumbered, shares
from vagus.simulators.pace import Pace
from vagus.simulators.tally import Tally

log = get_logger(__name__)
_TAKEN = frozenset(("AA", "CA"))
_FIRST_WAIT, _LONGEST_WAIT = 0.1, 2.0
#: How long `stop` waits for the answers still owed.
_GRACE = 5.0


class Lines:
    """The connections of one worker, one for each target."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self._all = [(target.types, Connection(target.host, target.port)) for target in targets]

    def of(self, code: str) -> Connection:
        """The connection for a message code: where it is named, else where none is."""
        for types, connection in self._all:
            if code in types:
                return connection
        return next((line for types, line in self._all if not types), self._all[0][1])

    async def close(self) -> None:
        """End all of them."""
        for _, connection in self._all:
            await connection.close()


class Ehr:
    """Sends messages until it is stopped or its loops are over."""

    feeds = True

    def __init__(
        self,
        name: str,
        config: Sends,
        messages: Sequence[Message],
        bad: Sequence[Message] = (),
        clock: Clock | None = None,
    ) -> None:
        self.name = name
        self._config = config
        self._messages = messages
        self._bad = bad
        self._clock = clock or SystemClock()
        self._tally = Tally()
        self._bad_tally = Tally()
        self._pace = Pace(config.rate)
        self._work: list[asyncio.Task[None]] = []
        self._mischief: asyncio.Task[None] | None = None
        self._run = f"-{int(self._clock.now()):x}"

    async def start(self) -> None:
        """Begin to send; connecting is tried again until someone listens."""
        for share in shares(self._messages, self._config.connections):
            if share:
                self._work.append(asyncio.create_task(self._tell(share)))
        if self._config.bad is not None and self._bad:
            self._mischief = asyncio.create_task(self._misbehave(self._config.bad))

    async def finished(self) -> None:
        """Wait until every loop is told; never, when they have no end."""
        await asyncio.gather(*self._work)

    async def stop(self) -> None:
        """Send nothing new, wait a little for the answers owed, close."""
        self._pace.stop()
        tasks = self._tasks()
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=_GRACE)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def report(self) -> dict[str, Any]:
        """Sent, resent, duplicates, unanswered; answers by code and time; the bad ones apart."""
        return {
            "simulator": self.name,
            **self._tally.report(),
            **self._bad_tally.report("bad_"),
        }

    def _tasks(self) -> list[asyncio.Task[None]]:
        return [*self._work, *([self._mischief] if self._mischief else [])]

    async def _tell(self, share: Sequence[Message]) -> None:
        lines = Lines(self._config.to)
        try:
            for loop in itertools.count() if not self._config.loops else range(self._config.loops):
                for message in share:
                    if not await self._pace.turn():
                        return
                    await self._send(lines, message, loop)
        finally:
            await lines.close()

    async def _send(self, lines: Lines, message: Message, loop: int) -> None:
        body = self._numbered(message, loop)
        line = lines.of(message.code)
        self._tally.counts["sent"] += 1
        code = await self._insist(line, body)
        if code not in _TAKEN:
            return
        if chance(self._config.seed, control(message.body), b"%d" % loop) < self._config.duplicates:
            self._tally.counts["duplicates"] += 1
            await self._insist(line, body)

    async def _insist(self, line: Connection, body: bytes) -> str:
        """Send the same bytes until they are answered; empty when stopped before."""
        wait = _FIRST_WAIT
        while True:
            started = self._clock.monotonic()
            try:
                code = await line.exchange(body, self._config.ack_timeout)
            except OSError as error:
                kind = "timeout" if isinstance(error, TimeoutError) else "connection"
                log.info("simulator_resends", kind=kind)
            else:
                self._tally.answered(code, self._clock.monotonic() - started)
                return code
            if not await self._pace.rest(wait):
                self._tally.counts["unanswered"] += 1
                return ""
            self._tally.counts["resent"] += 1
            wait = min(wait * 2, _LONGEST_WAIT)

    async def _misbehave(self, config: Mischief) -> None:
        lines = Lines(self._config.to)
        try:
            for loop in itertools.count():
                for message in self._bad:
                    if not await self._pace.rest(config.every):
                        return
                    await self._send_bad(lines, message, loop, config.wait)
        finally:
            await lines.close()

    async def _send_bad(self, lines: Lines, message: Message, loop: int, wait: float) -> None:
        self._bad_tally.counts["sent"] += 1
        started = self._clock.monotonic()
        try:
            code = await lines.of(message.code).exchange(self._numbered(message, loop), wait)
        except OSError:
            self._bad_tally.counts["unanswered"] += 1
        else:
            self._bad_tally.answered(code, self._clock.monotonic() - started)

    def _numbered(self, message: Message, loop: int) -> bytes:
        if not self._config.fresh and loop == 0:
            return message.body
        mark = f"{self._run if self._config.fresh else ''}-{loop}"
        return renumbered(message.body, mark, self._clock.now())

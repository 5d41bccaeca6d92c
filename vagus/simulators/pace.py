"""When the next message may leave: so many a second over all connections."""

from __future__ import annotations

import asyncio


class Pace:
    """Turns at a steady rate; a turn ends early when the simulator is stopped."""

    def __init__(self, rate: float) -> None:
        self._gap = 1.0 / rate if rate else 0.0
        self._next = 0.0
        self._stopped = asyncio.Event()

    @property
    def stopped(self) -> bool:
        """Whether nothing more may leave."""
        return self._stopped.is_set()

    def stop(self) -> None:
        """Let every waiting turn return at once."""
        self._stopped.set()

    async def turn(self) -> bool:
        """Wait for the next turn; false when stopped meanwhile."""
        if self._gap:
            now = asyncio.get_running_loop().time()
            slot = max(now, self._next)
            self._next = slot + self._gap
            return await self.rest(slot - now)
        return not self.stopped

    async def rest(self, seconds: float) -> bool:
        """Wait so long; false when stopped meanwhile."""
        if seconds > 0 and not self.stopped:
            try:
                await asyncio.wait_for(self._stopped.wait(), seconds)
            except TimeoutError:
                pass
        return not self.stopped

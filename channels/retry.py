"""How long to wait before trying again: exponential with jitter, bounded, never per broker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

PROBE_FIRST = 1.0
PROBE_LONGEST = 60.0


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When a delivery whose message is at fault is tried again, and when it is given up."""

    attempts: int = 12
    first: float = 2.0
    longest: float = 300.0

    def delay(self, attempt: int, random: Callable[[], float], wish: float | None = None) -> float:
        """Seconds to wait after failed attempt number `attempt` (from 1).

        Half to all of the doubled wait, so that retries spread; a peer's own wish is a floor.
        """
        doubled = self.first * 2.0 ** min(attempt - 1, 40)
        wait: float = min(self.longest, doubled) * (0.5 + 0.5 * random())
        return max(wait, wish or 0.0)

    def exhausted(self, attempts: int) -> bool:
        """Whether so many failed attempts are enough."""
        return attempts >= self.attempts


def probe_delay(failures: int, random: Callable[[], float]) -> float:
    """Seconds until a destination that is down is probed again: 1, 2, 4 … 60, ±50 %."""
    return min(PROBE_LONGEST, PROBE_FIRST * 2.0 ** min(failures - 1, 10)) * (0.5 + random())

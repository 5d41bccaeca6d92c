"""Whether a destination answers: pause, probe with one delivery, and ramp up again."""

from __future__ import annotations

from collections.abc import Callable

from channels import retry


class Health:
    """How many sends a destination may have under way right now."""

    def __init__(self, concurrency: int, random: Callable[[], float]) -> None:
        self._concurrency = concurrency
        self._random = random
        self._ramp = concurrency
        self._failures = 0
        self.probe_at = 0.0
        self._failing = False
        #: Whether it has said by itself that it cannot be reached; it will say when it can.
        self.away = False

    @property
    def down(self) -> bool:
        """Whether it takes nothing at the moment."""
        return self._failing or self.away

    def allowed(self, now: float) -> int:
        """Sends that may be under way: all, a ramp, one probe, or none."""
        if self.away:
            return 0
        if self._failing:
            return 1 if now >= self.probe_at else 0
        return self._ramp

    def succeeded(self) -> None:
        """It took something."""
        if self._failing:
            self._failing = False
            self._failures = 0
            self._ramp = 1
        elif self._ramp < self._concurrency:
            self._ramp = min(self._concurrency, self._ramp * 2)

    def failed(self, now: float, wish: float | None = None) -> None:
        """It did not answer; several sends failing together count once."""
        if self._failing and now < self.probe_at:
            return
        self._failing = True
        self._failures += 1
        self.probe_at = now + max(wish or 0.0, retry.probe_delay(self._failures, self._random))

"""Counting what happens, cheaply enough for every message: plain integers and fixed buckets."""

from __future__ import annotations

from bisect import bisect_left

#: Upper bounds of the time buckets, in seconds.
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 600.0)


class Times:
    """How long something took, as counts per bucket; the last bucket is open."""

    __slots__ = ("buckets", "total")

    def __init__(self) -> None:
        self.buckets = [0] * (len(BOUNDS) + 1)
        self.total = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self.buckets[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds

    @property
    def count(self) -> int:
        """How many were counted."""
        return sum(self.buckets)

    def quantile(self, share: float) -> float:
        """An upper bound of that quantile in seconds; 0 when nothing was counted."""
        left = share * self.count
        for bound, count in zip(BOUNDS, self.buckets, strict=False):
            left -= count
            if left <= 0:
                return bound if self.count else 0.0
        return float("inf")


class ChannelMeasures:
    """What one channel has seen since the start of the process."""

    def __init__(self) -> None:
        self.ack = Times()
        self.mapping = Times()
        self.validation = Times()
        self.refused = 0
        self.warnings = 0
        self.findings = 0
        self.reused_controls = 0
        self.last_message = 0.0  # unix seconds; 0 = none yet


class DestinationMeasures:
    """What one destination has seen since the start of the process."""

    def __init__(self) -> None:
        self.end_to_end = Times()
        self.send = Times()
        self.delivered = 0
        self.rejected = 0
        self.delayed = 0

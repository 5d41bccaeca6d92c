"""What a simulator counts: words of the protocol and how long answers took."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence

#: Answers kept for percentiles; older ones give way.
_KEPT = 20_000
_CODES = frozenset("AA AE AR CA CE CR".split())


class Tally:
    """Counts of one simulator."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.codes: Counter[str] = Counter()
        self._seconds: deque[float] = deque(maxlen=_KEPT)

    def answered(self, code: str, seconds: float) -> None:
        """An answer with that code came after so long."""
        self.codes[code if code in _CODES else "other"] += 1
        self._seconds.append(seconds)

    def report(self, prefix: str = "") -> dict[str, float]:
        """The counts, the answers by code, and percentiles of the answer time in milliseconds."""
        result: dict[str, float] = dict(sorted(self.counts.items()))
        result |= {f"answered_{code}": count for code, count in sorted(self.codes.items())}
        if self._seconds:
            ordered = sorted(self._seconds)
            for share in (50, 95, 99):
                result[f"ms_p{share}"] = round(percentile(ordered, share) * 1000, 3)
        return {prefix + key: value for key, value in result.items()}


def percentile(ordered: Sequence[float], share: int) -> float:
    """The smallest value that at least so many per cent of the sorted values do not exceed."""
    return ordered[max(0, -(-len(ordered) * share // 100) - 1)]

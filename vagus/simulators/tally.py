"""What a simulator counts: words of the protocol and how long answers took."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from typing import Any

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

    def report(self) -> dict[str, Any]:
        """The counts, the answers by code, and the answer times in milliseconds."""
        result: dict[str, Any] = dict(sorted(self.counts.items()))
        if self.codes:
            result["answers"] = dict(sorted(self.codes.items()))
        if self._seconds:
            ordered = sorted(self._seconds)
            result["answer_ms"] = {
                f"p{share}": round(percentile(ordered, share) * 1000, 3) for share in (50, 95, 99)
            }
        return result


def percentile(ordered: Sequence[float], share: int) -> float:
    """The smallest value that at least so many per cent of the sorted values do not exceed."""
    return ordered[max(0, -(-len(ordered) * share // 100) - 1)]

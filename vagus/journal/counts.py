"""The ledger's counters as people read them: by name, with their sums."""

from __future__ import annotations

from vagus.journal.tally import DELIVERY_WORDS, MESSAGE_WORDS

Counts = dict[str, dict[str, dict[str, int]]]


def name_counts(
    counts: dict[tuple[str, int], int], endpoints: dict[int, str], destinations: dict[int, str]
) -> Counts:
    """Counters by name: `endpoints`, `destinations`, and under `total` the sums of both."""
    result: Counts = {"endpoints": {}, "destinations": {}, "total": {}}
    for number, name in endpoints.items():
        result["endpoints"][name] = {word: counts.get((word, number), 0) for word in MESSAGE_WORDS}
    for number, name in destinations.items():
        result["destinations"][name] = {
            word: counts.get((f"d_{word}", number), 0) for word in DELIVERY_WORDS
        }
    result["total"] = {
        "messages": _sum(list(result["endpoints"].values()), MESSAGE_WORDS),
        "deliveries": _sum(list(result["destinations"].values()), DELIVERY_WORDS),
    }
    return result


def _sum(rows: list[dict[str, int]], words: tuple[str, ...]) -> dict[str, int]:
    return {word: sum(row[word] for row in rows) for word in words}

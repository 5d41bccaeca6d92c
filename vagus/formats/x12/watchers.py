"""Who watches which segments of a set: levels, the trailer, and the balance of the money."""

from __future__ import annotations

from functools import cache

from vagus.formats.x12.guide import Guide
from vagus.formats.x12.hierarchy import Hierarchy, Trailer
from vagus.formats.x12.transaction import SetReader, Watcher


@cache
def watched(guide: Guide) -> frozenset[str]:
    """The ids of the segments that somebody watches in sets of a guide."""
    return frozenset(("HL", "SE"))


def attach(reader: SetReader) -> None:
    """Set the watchers of a set to work."""
    hierarchy, trailer = Hierarchy(reader), Trailer(reader)
    by_id: dict[str, tuple[Watcher, ...]] = {"HL": (hierarchy,), "SE": (trailer,)}
    reader.watchers = by_id
    reader.everyone = (hierarchy, trailer)

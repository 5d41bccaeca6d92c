"""Who watches which segments of a set: levels, numbers, the trailer, codes, and the money."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from vagus.formats.x12.checks import claim_balance, lines, payment_balance, shapes, situations
from vagus.formats.x12.checks.claim_balance import ClaimBalance
from vagus.formats.x12.checks.hierarchy import Hierarchy, Trailer
from vagus.formats.x12.checks.lines import LineNumbers
from vagus.formats.x12.checks.payment_balance import PaymentBalance
from vagus.formats.x12.checks.shapes import Shapes
from vagus.formats.x12.checks.situations import Situations
from vagus.formats.x12.guide import Guide
from vagus.formats.x12.transaction import Closed, Ended, Seen, SetReader


class _Kind(NamedTuple):
    """A watcher: the SNIP level it checks, how it is made, the segments and loops it watches."""

    level: int
    make: Callable[[SetReader], Any]
    segments: tuple[str, ...]
    loops: tuple[str, ...] = ()
    at_end: bool = False


_OF_TRANSACTION = {
    "837": (
        _Kind(2, LineNumbers, lines.SEGMENTS),
        _Kind(3, ClaimBalance, claim_balance.SEGMENTS, claim_balance.LOOPS),
    ),
    "835": (
        _Kind(3, PaymentBalance, payment_balance.SEGMENTS, payment_balance.LOOPS, at_end=True),
    ),
}


@cache
def watched(guide: Guide, level: int) -> frozenset[str]:
    """The ids of the segments that somebody watches in sets of a guide, up to a SNIP level."""
    return frozenset(name for kind in _kinds(guide, level) for name in kind.segments)


def attach(reader: SetReader, level: int) -> None:
    """Set the watchers of a set to work."""
    seen: dict[str, list[Seen]] = {}
    closed: dict[str, list[Closed]] = {}
    ended: list[Ended] = []
    for kind in _kinds(reader.automaton.guide, level):
        watcher = kind.make(reader)
        for name in kind.segments:
            seen.setdefault(name, []).append(watcher.seen)
        for loop in kind.loops:
            closed.setdefault(loop, []).append(watcher.closed)
        if kind.at_end:
            ended.append(watcher.ended)
    reader.seen, reader.closed, reader.ended = seen, closed, ended


@cache
def _kinds(guide: Guide, level: int) -> tuple[_Kind, ...]:
    levels = tuple({item.loop.id for item in guide.root.lines() if item.id == "HL"})
    kinds = (
        _Kind(1, Hierarchy, ("HL",), levels),
        _Kind(1, Trailer, ("SE",)),
        *_OF_TRANSACTION.get(guide.transaction, ()),
        _Kind(4, Situations, situations.segments(guide), situations.loops(guide)),
        _Kind(5, Shapes, shapes.SEGMENTS),
    )
    return tuple(kind for kind in kinds if kind.level <= level)

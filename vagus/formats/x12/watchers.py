"""Who watches which segments of a set: levels, numbers, the trailer, codes, and the money."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from vagus.formats.x12 import claim_balance, numbering, payment_balance, shapes
from vagus.formats.x12.claim_balance import ClaimBalance
from vagus.formats.x12.guide import Guide
from vagus.formats.x12.hierarchy import Hierarchy, Trailer
from vagus.formats.x12.numbering import LineNumbers
from vagus.formats.x12.payment_balance import PaymentBalance
from vagus.formats.x12.shapes import Shapes
from vagus.formats.x12.transaction import SetReader, Watcher

_Kind = tuple[Callable[[SetReader], Watcher], tuple[str, ...]]
_ALWAYS: tuple[_Kind, ...] = (
    (Hierarchy, ("HL",)),
    (Shapes, shapes.SEGMENTS),
    (Trailer, ("SE",)),
)
_OF_TRANSACTION: dict[str, tuple[_Kind, ...]] = {
    "837": ((ClaimBalance, claim_balance.SEGMENTS), (LineNumbers, numbering.SEGMENTS)),
    "835": ((PaymentBalance, payment_balance.SEGMENTS),),
}


@cache
def watched(guide: Guide) -> frozenset[str]:
    """The ids of the segments that somebody watches in sets of a guide."""
    return frozenset(name for _, names in _kinds(guide) for name in names)


def attach(reader: SetReader) -> None:
    """Set the watchers of a set to work."""
    by_id: dict[str, list[Watcher]] = {}
    everyone = []
    for kind, names in _kinds(reader.automaton.guide):
        watcher = kind(reader)
        everyone.append(watcher)
        for name in names:
            by_id.setdefault(name, []).append(watcher)
    reader.watchers = by_id
    reader.everyone = everyone


def _kinds(guide: Guide) -> tuple[_Kind, ...]:
    return (*_ALWAYS, *_OF_TRANSACTION.get(guide.transaction, ()))

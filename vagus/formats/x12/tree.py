"""The tree that a guide is: loops in order, and in them the lines that segments are matched to.

Lines of one loop are ordered. Neighbours with the same segment id share one place and may come in
any order, which is the freedom the base standard gives; the trigger, a loop's first line, stands
alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from vagus.formats.x12.dictionary import Note, Segment
from vagus.formats.x12.notation import Use

#: Segments that a code tells apart: where it stands, as (element, component).
QUALIFIED = {
    **dict.fromkeys("NM1 N1 REF DTP DTM AMT QTY CRC PRV PER LQ LS LE TRN NTE".split(), (1, 0)),
    "HL": (3, 0),
    "PWK": (2, 0),
    "HI": (1, 1),
    "CTX": (1, 1),
}


@dataclass(eq=False, slots=True)
class Line:
    """One segment at one place of a guide. `slot` counts the members of its loop."""

    id: str
    key: str  # as the guide writes it: REF, or REF G1
    loop: Loop
    required: bool
    most: int
    uses: tuple[Use, ...]
    notes: tuple[Note, ...]
    segment: Segment
    slot: int
    place: int
    codes: frozenset[str] | None  # those that tell it from its neighbours

    @property
    def is_trigger(self) -> bool:
        """Whether it opens its loop."""
        return self.slot == 0 and self.loop.parent is not None

    def matches(self, segment: str, qualifier: str) -> bool:
        """Whether a segment with that id and qualifier is meant by this line."""
        return self.id == segment and (self.codes is None or qualifier in self.codes)


@dataclass(eq=False, slots=True)
class Loop:
    """A loop: its members in order, the first of them its trigger; the root has no parent."""

    id: str
    required: bool
    most: int
    parent: Loop | None
    slot: int = 0
    place: int = 0
    members: list[Line | Loop] = field(default_factory=list)

    @property
    def trigger(self) -> Line:
        """The line that opens it."""
        first = self.members[0]
        assert isinstance(first, Line)
        return first

    def lines(self) -> Iterator[Line]:
        """Every line in it, outermost first."""
        for member in self.members:
            if isinstance(member, Line):
                yield member
            else:
                yield from member.lines()

"""Units of work out of a file of any size: a claim, a patient or an event with its ancestors.

A unit is handed out as soon as its loop is left, and then forgotten; so is every level above it
once that is left. What belongs to the set as a whole (BPR, PLB) comes last, as a unit of the
root. Sets whose guide names no unit are one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from vagus.formats.x12.delimiters import Delimiters
from vagus.formats.x12.guide import Guide
from vagus.formats.x12.reader import read
from vagus.formats.x12.results import Result
from vagus.formats.x12.tree import Line, Loop


@dataclass(eq=False, slots=True)
class Node:
    """A loop as it was read: its segments, raw, and the loops in it.

    A segment without a line fits nowhere in the guide and is kept where it stood.
    """

    loop: str
    required: bool
    parent: Node | None
    rows: list[tuple[Line | None, str]] = field(default_factory=list)
    children: list[Node] = field(default_factory=list)

    def walk(self) -> Iterator[Node]:
        """This node and every one within it, in the order of the file."""
        yield self
        for child in self.children:
            yield from child.walk()

    def above(self) -> Iterator[Node]:
        """The nodes it stands in, innermost first."""
        node = self.parent
        while node is not None:
            yield node
            node = node.parent


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit of work. `number` counts the units of its set from 1; 0 is the set itself."""

    guide: Guide
    delimiters: Delimiters
    control: tuple[str, str, str]
    number: int
    node: Node


Deliver = Callable[[Unit], None]


def each(pieces: Iterable[bytes], deliver: Deliver) -> Iterator[Result]:
    """Read a file and hand every unit to `deliver`; yields what reading yields.

    A unit comes before the verdict of its set: whoever acts on units waits for the set's result.
    """

    def collecting(
        guide: Guide, delimiters: Delimiters, control: tuple[str, str, str]
    ) -> _Collector:
        return _Collector(guide, delimiters, control, deliver)

    return read(pieces, collecting)


class _Collector:
    def __init__(
        self,
        guide: Guide,
        delimiters: Delimiters,
        control: tuple[str, str, str],
        deliver: Deliver,
    ) -> None:
        self._guide = guide
        self._delimiters = delimiters
        self._control = control
        self._deliver = deliver
        self._passing = _passing(guide)
        self._here = Node("", True, None)
        self._number = 0
        self._has_inner: set[Node] = set()  # open units in which others were delivered

    def opened(self, loop: Loop) -> None:
        node = Node(loop.id, loop.required, self._here)
        self._here.children.append(node)
        self._here = node

    def kept(self, line: Line | None, raw: str) -> None:
        self._here.rows.append((line, raw))

    def left(self) -> None:
        node = self._here
        assert node.parent is not None
        self._here = node.parent
        if node.loop in self._guide.units:
            self._leave_unit(node)
        elif node.loop in self._passing:
            self._here.children.pop()

    def _leave_unit(self, node: Node) -> None:
        """A level that only leads to units within it is none itself."""
        self._here.children.pop()
        within = (inner for child in node.children for inner in child.walk())
        leads = node in self._has_inner and all(inner.required for inner in within)
        self._has_inner.discard(node)
        if leads:
            return
        self._number += 1
        self._has_inner.update(item for item in node.above() if item.loop in self._guide.units)
        self._deliver(self._unit(node, self._number))

    def ended(self) -> None:
        self._deliver(self._unit(self._here, 0))

    def _unit(self, node: Node, number: int) -> Unit:
        return Unit(self._guide, self._delimiters, self._control, number, node)


@lru_cache(maxsize=64)
def _passing(guide: Guide) -> frozenset[str]:
    """The loops that units stand in."""
    found: set[str] = set()
    for line in guide.root.lines():
        loop: Loop | None = line.loop
        if loop is not None and loop.id in guide.units:
            while loop.parent is not None:
                loop = loop.parent
                found.add(loop.id)
    return frozenset(found - {""})

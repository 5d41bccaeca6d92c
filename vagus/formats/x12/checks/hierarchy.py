"""The levels of a set: HL01 counts up, HL02 names the level above, HL04 says if any is below."""

from __future__ import annotations

from dataclasses import dataclass

from vagus.formats.x12.transaction import SetReader, Spot
from vagus.formats.x12.tree import Line, Loop
from vagus.formats.x12.values import whole


@dataclass(slots=True)
class _Level:
    loop: Loop
    numbers: tuple[str, str]  # as it is, and as it should be
    promises: str
    spot: Spot
    has_children: bool = False


class Hierarchy:
    """Watches the HL segments of one set."""

    def __init__(self, reader: SetReader) -> None:
        self._reader = reader
        self._element = reader.automaton.delimiters.element
        self._open: list[_Level] = []
        self._last = self._other = 0  # what may have been the number before
        self._gap = range(0)  # numbers that were left out before the last HL

    def seen(self, line: Line, raw: str) -> None:
        """An HL; where a number is wrong, counting goes on from it, or as it should have been."""
        parts = ([*raw.split(self._element), "", "", "", ""])[1:5]
        number, parent, _, children = parts
        spot = self._reader.spot(line)
        expected = self._last + 1
        given = whole(number)
        if given not in (expected, self._other + 1):
            self._reader.report("hl-number", spot, 1, number="628")
            self._gap = range(expected, given)
            self._last, self._other = max(given, 0), expected
        else:
            self._last = self._other = given
        above = self._open[-1] if self._open else None
        # A level that names one left out was told of by its own number.
        is_known = whole(parent) in self._gap
        if parent not in (above.numbers if above else ("",)) and not is_known:
            self._reader.report("hl-parent", spot, 2, number="734")
        if above:
            above.has_children = True
        self._open.append(_Level(line.loop, (number, str(expected)), children, spot))

    def closed(self, loop: Loop) -> None:
        """A level is over: were there levels below, as it said?"""
        if not self._open or self._open[-1].loop is not loop:
            return
        level = self._open.pop()
        if level.promises in ("0", "1") and level.has_children != (level.promises == "1"):
            self._reader.report("hl-children", level.spot, 4, number="736")


class Trailer:
    """Watches SE: its count and its control number."""

    def __init__(self, reader: SetReader) -> None:
        self._reader = reader

    def seen(self, line: Line, raw: str) -> None:
        """The last segment of the set."""
        parts = ([*raw.split(self._reader.automaton.delimiters.element), "", ""])[1:3]
        spot = self._reader.spot(line)
        if whole(parts[0]) != self._reader.position:
            self._reader.report("se-count", spot, 1, number="96")
        if parts[1] != self._reader.control[2]:
            self._reader.report("se-control", spot, 2, number="329")

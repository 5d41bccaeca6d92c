"""The numbers of the service lines of a claim: LX01 counts from 1 in each."""

from __future__ import annotations

from vagus.formats.x12 import values
from vagus.formats.x12.transaction import SetReader
from vagus.formats.x12.tree import Line

SEGMENTS = ("CLM", "LX")


class LineNumbers:
    """Watches LX in claims; where a number is wrong, counting goes on from it."""

    def __init__(self, reader: SetReader) -> None:
        self._reader = reader
        self._element = reader.automaton.delimiters.element
        self._last = 0

    def seen(self, line: Line, raw: str) -> None:
        """A claim begins, or a line does."""
        if line.id == "CLM":
            self._last = 0
            return
        number = raw.split(self._element, 2)[1:2]
        text = number[0] if number else ""
        if text != str(self._last + 1):
            self._reader.report("line-number", self._reader.spot(line), 1, number="554")
        given = values.whole(text)
        self._last = given if given > 0 else self._last + 1

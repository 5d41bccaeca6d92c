"""SNIP 5 without any list: codes whose shape tells that they cannot be right."""

from __future__ import annotations

import re
from functools import lru_cache

from vagus.formats.x12.transaction import SetReader
from vagus.formats.x12.tree import Line
from vagus.formats.x12.values import at

SEGMENTS = ("NM1", "N1", "REF", "N4")
_ZIP = re.compile(r"\d{5}(?:\d{4})?", re.ASCII)
_EIN = re.compile(r"\d{9}", re.ASCII)
#: Loops of billing and service places, where the claim guides want the whole ZIP code.
_WHOLE_ZIP = frozenset(("2010AA", "2310C", "2310E"))
_NPI_PREFIX_SUM = 24  # what the prefix 80840 adds to the check sum


@lru_cache(maxsize=1 << 12)
def is_npi(text: str) -> bool:
    """Whether a text has ten digits, the last of which checks the others (ISO/IEC 7812, Luhn)."""
    if len(text) != 10 or not text.isdecimal() or not text.isascii() or text[0] not in "12":
        return False
    doubled = (int(digit) * 2 for digit in text[-2::-2])
    total = _NPI_PREFIX_SUM + sum(value - 9 if value > 9 else value for value in doubled)
    return (total + sum(int(digit) for digit in text[::-2])) % 10 == 0


class Shapes:
    """Watches identifiers and ZIP codes of one set."""

    def __init__(self, reader: SetReader) -> None:
        self._reader = reader
        self._element = reader.automaton.delimiters.element
        self._is_claim = reader.automaton.guide.transaction == "837"

    def seen(self, line: Line, raw: str) -> None:
        """A segment that may hold such a code."""
        if line.id[0] == "N" and line.id != "N4" and "XX" not in raw:
            return
        parts = raw.split(self._element)
        match line.id:
            case "NM1" if at(parts, 8) == "XX" and not is_npi(at(parts, 9)):
                self._reader.report("bad-npi", self._reader.spot(line), 9, number="67")
            case "N1" if at(parts, 3) == "XX" and not is_npi(at(parts, 4)):
                self._reader.report("bad-npi", self._reader.spot(line), 4, number="67")
            case "REF" if at(parts, 1) == "EI" and not _EIN.fullmatch(_ein(parts)):
                self._reader.report("bad-shape", self._reader.spot(line), 2, number="127")
            case "N4":
                self._zip(line, at(parts, 3), at(parts, 4))

    def _zip(self, line: Line, code: str, country: str) -> None:
        if not code or country not in ("", "US", "USA"):
            return
        if not _ZIP.fullmatch(code):
            self._reader.report("bad-shape", self._reader.spot(line), 3, number="116")
        elif len(code) == 5 and self._is_claim and line.loop.id in _WHOLE_ZIP:
            self._reader.report("short-zip", self._reader.spot(line), 3, number="116")


def _ein(parts: list[str]) -> str:
    """An employer's number is also written with a hyphen after its prefix."""
    text = at(parts, 2)
    return text[:2] + text[3:] if text[2:3] == "-" else text

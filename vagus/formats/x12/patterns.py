"""One regular expression for each line of a guide, so that good segments need no splitting.

It accepts only what is surely sound: whatever it refuses goes to the exact check in `elements`,
which has the last word. Compiled once for a guide and a set of delimiters.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from functools import lru_cache

from vagus.formats.x12.delimiters import Delimiters
from vagus.formats.x12.dictionary import Element, Position
from vagus.formats.x12.notation import Use
from vagus.formats.x12.tree import Line

_DAY = (
    r"(?:19|20)\d\d(?:(?:0[1-9]|1[0-2])(?:0[1-9]|1\d|2[0-8])"
    r"|(?:0[13-9]|1[0-2])(?:29|30)|(?:0[13578]|1[02])31)"
)
_HOUR = r"(?:[01]\d|2[0-3])[0-5]\d"
_PERIODS = {"D8": _DAY, "RD8": f"{_DAY}-{_DAY}", "TM": _HOUR, "DT": _DAY + _HOUR}


@lru_cache(maxsize=1 << 14)
def pattern(line: Line, delimiters: Delimiters) -> re.Pattern[str]:
    """The expression for a raw segment of this line."""
    return re.compile(_Writer(line, delimiters).text(), re.ASCII)


class _Writer:
    def __init__(self, line: Line, delimiters: Delimiters) -> None:
        self._line = line
        self._delimiters = delimiters
        self._element = re.escape(delimiters.element)
        self._component = re.escape(delimiters.component)
        marks = "".join(re.escape(mark) for mark in delimiters if mark)
        self._free = rf"[^{marks}\x00-\x1f\x7f]"
        self._noted = {number for note in line.notes for number in note.positions}

    def text(self) -> str:
        """Required elements in a row, after the last of them nested options."""
        uses = {use.number: use for use in self._line.uses}
        last_required = max((use.number for use in self._line.uses if use.required), default=0)
        last = max(uses, default=0)
        out = [re.escape(self._line.id), f"(?={self._element})"]
        for number in range(1, last + 1):
            if number > last_required:
                out.append("(?:")
            out.append(self._element + self._at(uses, number))
        out.append(")?" * (last - last_required))
        # A separator that nothing follows is worth a note.
        return "".join(out) + f"(?<!{self._element})" + self._conditions()

    def _at(self, uses: dict[int, Use], number: int) -> str:
        use = uses.get(number)
        if use is None:
            return ""
        text = self._repeats(uses, use)
        if number in self._noted:
            text = f"(?P<e{number}>{text})"
        return text if use.required else f"(?:{text})?"

    def _repeats(self, uses: dict[int, Use], use: Use) -> str:
        position = self._line.segment.positions[use.number - 1]
        one = self._one(uses, use, position)
        if use.times == 1 or not self._delimiters.repetition:
            return one
        return f"{one}(?:{re.escape(self._delimiters.repetition)}{one}){{0,{use.times - 1}}}"

    def _one(self, uses: dict[int, Use], use: Use, position: Position) -> str:
        if position.element is None:
            return self._composite(use, position.components)
        if position.element.number == "1251" and use.number - 1 in uses:
            before = self._line.segment.positions[use.number - 2].element
            if before is not None and before.number == "1250":
                return self._period(uses[use.number - 1].codes)
        return self._value(use, position.element)

    def _composite(self, use: Use, components: Sequence[Element]) -> str:
        parts = {part.number: part for part in use.parts}
        last_required = max((part.number for part in use.parts if part.required), default=0)
        last = max(parts)
        out = []
        for number in range(1, last + 1):
            if number > last_required:
                out.append("(?:")
            if number > 1:
                out.append(self._component)
            if number in parts:
                text = self._part(parts, number, components)
                out.append(text if parts[number].required else f"(?:{text})?")
        out.append(")?" * (last - last_required))
        return "".join(out) + f"(?<!{self._component})(?<!{self._element})"

    def _part(self, parts: dict[int, Use], number: int, components: Sequence[Element]) -> str:
        element = components[number - 1]
        if element.number == "1251" and number - 1 in parts:
            return self._period(parts[number - 1].codes)
        text = self._value(parts[number], element)
        if element.number == "1250" and number + 1 in parts:
            # A form without its period is the exact check's business.
            text += f"(?={self._component}[^{self._component}{self._element}])"
        return text

    def _period(self, forms: frozenset[str] | None) -> str:
        """A period in the form named before it; an unusual form is left to the exact check."""
        known = [form for form in sorted(forms or ()) if form in _PERIODS]
        if not known:
            return "(?!)"
        mark = f"[{self._element}{self._component}]"
        after = [f"(?<={mark}{form}{mark}){_PERIODS[form]}" for form in known]
        return f"(?:{'|'.join(after)})"

    def _value(self, use: Use, element: Element) -> str:
        shortest, longest = use.length or (element.shortest, element.longest)
        if use.codes is not None:
            fitting = [code for code in use.codes if shortest <= len(code) <= longest]
            return _alternatives(fitting)
        match element.type:
            case "DT":
                return _DAY if longest == 8 else "(?!)"
            case "TM":
                return _HOUR
            case "N0":
                return rf"-?\d{{{shortest},{longest}}}"
            case "R":
                return _number(shortest, longest)
        return rf"{self._free}{{{shortest},{longest}}}(?<! )"

    def _conditions(self) -> str:
        """The relational notes, over the elements that were there."""
        present = {use.number for use in self._line.uses}
        out = []
        for note in self._line.notes:
            here = [number for number in note.positions if number in present]
            absent = [number for number in note.positions if number not in present]
            out.append(_condition(note.letter, here, absent, note.positions[0]))
        return "".join(out)


def _condition(letter: str, here: list[int], absent: list[int], first: int) -> str:
    never = "(?!)"

    def given(number: int, then: str, other: str = "") -> str:
        return f"(?(e{number}){then}|{other})" if other else f"(?(e{number}){then})"

    match letter:
        case "P":
            if absent:
                return "".join(given(number, never) for number in here)
            chain = itertools.pairwise(here)
            return "".join(given(a, given(b, "", never), given(b, never)) for a, b in chain)
        case "R":
            text = never
            for number in reversed(here):
                text = given(number, "", text)
            return text
        case "E":
            pairs = [(a, b) for a in here for b in here if a < b]
            return "".join(given(a, given(b, never)) for a, b in pairs)
        case "C":
            if first not in here:
                return ""
            if absent:
                return given(first, never)
            return given(first, "".join(given(number, "", never) for number in here[1:]))
    if first not in here:
        return ""
    text = never
    for number in reversed(here[1:]):
        text = given(number, "", text)
    return given(first, text)


def _alternatives(codes: Sequence[str]) -> str:
    if not codes:
        return "(?!)"
    return f"(?:{'|'.join(re.escape(code) for code in sorted(codes, key=lambda c: (-len(c), c)))})"


def _number(shortest: int, longest: int) -> str:
    if shortest > 1 or longest < 4:
        return rf"-?\d{{{shortest},{longest}}}"
    return rf"-?(?:\d{{1,{longest - 3}}}(?:\.\d{{1,3}})?|\.\d{{1,3}})"

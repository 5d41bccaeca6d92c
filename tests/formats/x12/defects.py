"""Defects for every segment and element of a clean set, each with what must be found, and where.

What may be broken comes from the guide's own line of each segment, so a place that a sample
reaches is a place that is tried.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from formats.x12.samples import interchange, lines

from vagus.formats.x12.dictionary import Element
from vagus.formats.x12.guide import Guide
from vagus.formats.x12.notation import Use
from vagus.formats.x12.reader import read
from vagus.formats.x12.tree import QUALIFIED, Line, Loop


class Defect(NamedTuple):
    """A broken set: its segments, what must be found, and the place it must be found at."""

    name: str
    body: list[str]
    kinds: tuple[str, ...]
    place: str


class _Lines:
    """A collector that remembers the line of each segment."""

    def __init__(self) -> None:
        self.found: list[tuple[Line, str]] = []

    def opened(self, loop: Loop) -> None:
        pass

    def kept(self, line: Line | None, raw: str) -> None:
        assert line is not None, raw
        self.found.append((line, raw))

    def left(self) -> None:
        pass

    def ended(self) -> None:
        pass


@cache
def located(transaction: str) -> list[tuple[Line, str]]:
    """The segments of a clean sample between ST and SE, each with its line of the guide."""
    collectors: list[_Lines] = []

    def collecting(guide: Guide, delimiters: object, control: tuple[str, str, str]) -> _Lines:
        collectors.append(_Lines())
        return collectors[-1]

    list(read([interchange(transaction)], collecting))
    return collectors[0].found[1:-1]


def defects(transaction: str) -> Iterator[Defect]:
    """Every defect of a transaction."""
    body = lines(transaction)
    found = located(transaction)
    for index, (line, raw) in enumerate(found):
        for name, changed, kinds, place in _of_segment(found, index):
            yield Defect(f"{line.loop.id}/{line.key} {name}", changed, kinds, place)
        for name, broken, kinds, place in _of_elements(line, raw):
            changed = [*body[:index], broken, *body[index + 1 :]]
            yield Defect(f"{line.loop.id}/{line.key} {name}", changed, kinds, place)


_Found = tuple[str, list[str], tuple[str, ...], str]
_Broken = tuple[str, str, tuple[str, ...], str]


def _place(line: Line) -> str:
    return f"{line.loop.id}/{line.id}" if line.loop.id else line.id


def _of_segment(found: list[tuple[Line, str]], index: int) -> Iterator[_Found]:
    line, raw = found[index]
    body = [item for _, item in found]
    before, after = body[:index], body[index + 1 :]
    lone = sum(item is line for item, _ in found) == 1
    if line.required and not line.is_trigger and lone:
        yield "missing", before + after, ("missing-segment",), _place(line)
    if line.is_trigger and lone and line.loop.required:
        kinds = ("missing-segment", "missing-loop")
        yield "missing", before + after, kinds, _place(line)
    if line.most == 1 and not line.is_trigger:
        yield "twice", [*before, raw, raw, *after], ("too-many-segments",), _place(line)
    if line.is_trigger and line.loop.most == 1 and lone and line.id != "HL":
        whole = _extent(found, index)
        again = [*before, *whole, *whole, *body[index + len(whole) :]]
        yield "loop twice", again, ("too-many-loops",), _place(line)
    yield "unknown", [*before, raw, "QQQ*1", *after], ("unknown-segment",), f"{_path(line)}QQQ"
    stranger = _stranger(line)
    yield (
        "stranger",
        [*before, raw, f"{stranger}*1", *after],
        ("not-in-set",),
        f"{_path(line)}{stranger}",
    )
    if after and _swaps(line, found[index + 1][0]):
        swapped = [*before, after[0], raw, *after[1:]]
        yield "too late", swapped, ("wrong-order",), _place(line)
    if line.codes is None and line.id not in QUALIFIED:
        yield "empty", [*before, line.id, *after], ("empty-segment",), _place(line)


def _path(line: Line) -> str:
    return f"{line.loop.id}/" if line.loop.id else ""


def _stranger(line: Line) -> str:
    """A segment of the standard that the guide does not use, and that begins nothing."""
    loop = line.loop
    while loop.parent:
        loop = loop.parent
    used = {item.id for item in loop.lines()}
    return next(name for name in ("MSG", "K3", "PS1", "TOO", "MOA") if name not in used)


def _swaps(line: Line, following: Line) -> bool:
    alike = line.loop is following.loop and line.place < following.place
    return alike and not line.is_trigger and line.most == 1 and following.id != line.id


def _extent(found: list[tuple[Line, str]], index: int) -> list[str]:
    """The segments of the loop that a trigger opens."""
    loop = found[index][0].loop
    end = index + 1
    while end < len(found) and _within(found[end][0].loop, loop) and found[end][0].slot:
        end += 1
    return [raw for _, raw in found[index:end]]


def _within(inner: Loop | None, outer: Loop) -> bool:
    while inner is not None and inner is not outer:
        inner = inner.parent
    return inner is outer


def _of_elements(line: Line, raw: str) -> Iterator[_Broken]:
    positions = line.segment.positions
    given = raw.split("*")
    place = _place(line)
    padded = given + [""] * (len(positions) + 1 - len(given))
    yield "too many", "*".join([*padded, "X"]), ("too-many-elements",), _at(place, len(padded))
    used = {use.number for use in line.uses}
    for number in range(1, len(positions) + 1):
        if number not in used:
            parts = padded.copy()
            parts[number] = "X"
            yield f"{number} not used", _join(parts), ("not-used",), _at(place, number)
            break
    qualifier, _ = QUALIFIED.get(line.id, (0, 0))
    for use in line.uses:
        value = given[use.number] if use.number < len(given) else ""
        element = positions[use.number - 1].element
        if use.number == qualifier or not value:
            continue
        for name, broken, kind in _values(use, element, value, line, given):
            parts = given.copy()
            parts[use.number] = broken
            if not any(parts[1:]):
                yield f"{use.number} empty", parts[0], ("empty-segment",), place
                continue
            nth = "(2)" if kind == "too-many-repeats" else ""
            yield f"{use.number} {name}", _join(parts), (kind,), _at(place, use.number) + nth
        if element is None:
            for name, broken, kind, part in _composites(use, value, line):
                parts = given.copy()
                parts[use.number] = broken
                where = f"{_at(place, use.number)}-{part}"
                yield f"{use.number}-{part} {name}", _join(parts), (kind,), where


def _at(place: str, number: int) -> str:
    return f"{place}-{number:02}"


def _join(parts: list[str]) -> str:
    while not parts[-1]:
        parts = parts[:-1]
    return "*".join(parts)


def _values(
    use: Use, element: Element | None, value: str, line: Line, given: list[str]
) -> Iterator[tuple[str, str, str]]:
    if use.required and element is not None:
        yield "missing", "", "missing-element"
    if element is None:
        return
    first = value.split("^")[0]
    yield "components", f"{first}:{first}", "too-many-components"
    if use.times == 1:
        yield "repeats", f"{first}^{first}", "too-many-repeats"
    if element.number == "1251":
        yield "no date", {"TM": "9999"}.get(given[use.number - 1], "20261345"), (
            "bad-time" if given[use.number - 1] == "TM" else "bad-date"
        )  # fmt: skip
        return
    yield from _simple(use, element)


def _simple(use: Use, element: Element) -> Iterator[tuple[str, str, str]]:
    shortest, longest = use.length or (element.shortest, element.longest)
    match element.type:
        case "DT":
            yield "no date", "20260231", "bad-date"
        case "TM":
            yield "no time", "2561", "bad-time"
        case "N0" | "R":
            yield "no number", "1" * (shortest - 1) + "X", "bad-character"
            yield "too long", "1" * (longest + 1), "too-long"
        case _:
            yield "too long", "A" * (longest + 1), "too-long"
            yield "control", "A" * (shortest - 1) + "\x07", "bad-character"
            if shortest > 1:
                yield "too short", "A" * (shortest - 1), "too-short"
    if use.codes is not None:
        yield "bad code", _no_code(use.codes, element, shortest, longest), "bad-code"
    elif element.type in ("AN", "ID") and longest > shortest:
        yield "blank", "A" * shortest + " ", "trailing-blank"


def _no_code(codes: frozenset[str], element: Element, shortest: int, longest: int) -> str:
    size = max(shortest, min(longest, 2))
    marks = "985" if element.type in ("N0", "R") else "Q9W"
    return next(mark * size for mark in marks if mark * size not in codes)


def _composites(use: Use, value: str, line: Line) -> Iterator[tuple[str, str, str, int]]:
    components = line.segment.positions[use.number - 1].components
    given = value.split(":")
    parts = given + [""] * (len(components) + 1 - len(given))
    parts[len(components)] = "X"
    yield "too many", ":".join(parts), "too-many-components", len(components) + 1
    qualifier = QUALIFIED.get(line.id) == (use.number, 1)
    for part in use.parts:
        if part.number > len(given) or not given[part.number - 1]:
            continue
        if part.number == 1 and qualifier:
            continue
        broken = given.copy()
        if part.required:
            broken[part.number - 1] = ""
            if any(broken):
                yield "missing", ":".join(broken).rstrip(":"), "missing-element", part.number
        element = components[part.number - 1]
        if element.number == "1251":
            continue
        for name, wrong, kind in _simple(part, element):
            broken[part.number - 1] = wrong
            yield name, ":".join(broken), kind, part.number

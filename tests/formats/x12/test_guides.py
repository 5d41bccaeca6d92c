"""Every guide can be read; the quick patterns accept nothing that the exact check would not."""

from __future__ import annotations

import random

import pytest

from vagus.formats.x12 import elements, guides, values
from vagus.formats.x12.delimiters import DEFAULT, Delimiters
from vagus.formats.x12.guide import Guide
from vagus.formats.x12.notation import Use, statement, usage
from vagus.formats.x12.patterns import pattern
from vagus.formats.x12.tree import Line

GUIDES = [guides.load(*name) for name in guides.names()]
OTHER = Delimiters("|", ">", "^", "~")
_WORDS = ["", "A", "ABC", "1", "12.50", "-7", "20260101", "20260230", "20260101-20260131", "1030"]
_WORDS += ["D8", "RD8", "A" * 40, "A" * 300, "1" * 20, "X ", "O'NEIL", "2460", "\x07", "é", "A:B"]
_WORDS += ["A^B", "HC:99213", ":", "20260101-", "*"]


def lines(guide: Guide) -> list[Line]:
    return list(guide.root.lines())


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: f"{guide.type}-{guide.id}")
def test_a_guide_is_whole(guide: Guide) -> None:
    found = lines(guide)
    assert (found[0].id, found[-1].id) == ("ST", "SE")
    assert guide.units <= {line.loop.id for line in found}
    for line in found:
        assert line.uses and line.most > 0
        for use in line.uses:
            assert use.parts or not line.segment.positions[use.number - 1].components, line.key


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: f"{guide.type}-{guide.id}")
def test_no_two_lines_of_one_place_fit_one_segment(guide: Guide) -> None:
    """A loop's members that share a place are told apart by their codes."""
    by_place: dict[tuple[int, int], list[Line]] = {}
    for line in lines(guide):
        owner = line.loop.parent if line.is_trigger else line.loop
        place = line.loop.place if line.is_trigger else line.place
        by_place.setdefault((id(owner), place), []).append(line)
    for together in by_place.values():
        for number, line in enumerate(together):
            for other in together[number + 1 :]:
                assert line.codes and other.codes, (line.loop.id, line.key, other.key)
                assert not line.codes & other.codes, (line.loop.id, line.key, other.key)


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: f"{guide.type}-{guide.id}")
@pytest.mark.parametrize("delimiters", [DEFAULT, OTHER], ids=["usual", "other"])
def test_what_a_pattern_accepts_the_exact_check_accepts(
    guide: Guide, delimiters: Delimiters
) -> None:
    rng = random.Random(guide.type)
    accepted = 0
    for line in lines(guide):
        good = likely(line, delimiters, rng, fill=1.0)
        for _ in range(12):
            raw = good if rng.random() < 0.1 else likely(line, delimiters, rng, rng.random())
            if rng.random() < 0.4:
                raw = mutated(raw, delimiters, rng)
            if pattern(line, delimiters).fullmatch(raw):
                accepted += 1
                assert not elements.faults(raw, line, delimiters), (line.key, raw)
    assert accepted > 3 * len(lines(guide))


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: f"{guide.type}-{guide.id}")
def test_sound_segments_take_the_quick_way(guide: Guide) -> None:
    rng = random.Random(7)
    for line in lines(guide):
        raw = likely(line, DEFAULT, rng, fill=1.0)
        if not elements.faults(raw, line, DEFAULT):
            assert pattern(line, DEFAULT).fullmatch(raw), (line.loop.id, line.key, raw)


def likely(line: Line, delimiters: Delimiters, rng: random.Random, fill: float) -> str:
    """A segment that is sound but for relational notes; optional elements come by chance."""
    given: dict[int, str] = {}
    for use in line.uses:
        if use.required or rng.random() < fill:
            given[use.number] = value(line, use, given, delimiters, rng)
    last = max(given, default=0)
    return delimiters.element.join([line.id, *(given.get(n, "") for n in range(1, last + 1))])


def value(
    line: Line, use: Use, given: dict[int, str], delimiters: Delimiters, rng: random.Random
) -> str:
    position = line.segment.positions[use.number - 1]
    if position.element is not None:
        return single(use, position.element, given.get(use.number - 1, ""), rng)
    parts: dict[int, str] = {}
    for part in use.parts:
        if part.required or rng.random() < 0.5:
            element = position.components[part.number - 1]
            parts[part.number] = single(part, element, parts.get(part.number - 1, ""), rng)
    if not parts:
        part = use.parts[0]
        parts[part.number] = single(part, position.components[part.number - 1], "", rng)
    return delimiters.component.join(parts.get(n, "") for n in range(1, max(parts) + 1))


def single(use: Use, element, before: str, rng: random.Random) -> str:
    if use.codes:
        return rng.choice(sorted(use.codes))
    if element.number == "1251":
        return {"D8": "20260105", "RD8": "20260105-20260106", "TM": "1030"}.get(
            before, "202601051030" if before == "DT" else "20260105"
        )
    shortest, longest = use.length or (element.shortest, element.longest)
    match element.type:
        case "DT":
            return "20260105"[-longest:]
        case "TM":
            return "1030"
        case "R" | "N0":
            return "1" * shortest
    return "A" * max(shortest, min(longest, 2))


def mutated(raw: str, delimiters: Delimiters, rng: random.Random) -> str:
    parts = raw.split(delimiters.element)
    match rng.randrange(4):
        case 0:
            parts[rng.randrange(1, len(parts)) if len(parts) > 1 else 0] = rng.choice(_WORDS)
        case 1:
            parts.append(rng.choice(_WORDS))
        case 2:
            parts.pop(rng.randrange(1, len(parts)) if len(parts) > 1 else 0)
        case 3:
            at = rng.randrange(len(raw))
            return raw[:at] + rng.choice("*:^~A1 \x00-.") + raw[at + 1 :]
    return delimiters.element.join(parts)


def test_the_notation() -> None:
    said = statement("S 3 | 01=$kinds 02? 04-06? 07?(1=HC 2 3-4?) 08?=A*5 09/1-20 ; P0204", {
        "kinds": "A, B"
    })  # fmt: skip
    assert (said.required, said.most) == (False, 3)
    assert [use.number for use in said.uses] == [1, 2, 4, 5, 6, 7, 8, 9]
    first, *_, composite, repeated, narrow = said.uses
    assert first.codes == {"A", "B"} and first.required
    assert [part.number for part in composite.parts] == [1, 2, 3, 4]
    assert repeated.times == 5 and narrow.length == (1, 20)
    assert [(note.letter, note.positions) for note in said.notes] == [("P", (2, 4))]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("X 1 | 01", "is no usage"),
        ("R 1 | 01=$nothing", "no list is called"),
        ("R 1 | one", "names no element"),
        ("R 1 | 02 01", "in the order"),
    ],
)
def test_what_is_wrong_with_a_line_is_said(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        statement(text, {})


def test_usage_without_limit() -> None:
    assert usage("S *")[1] > 10**8


@pytest.mark.parametrize(
    ("form", "value", "fault"),
    [
        ("D8", "20260105", ""),
        ("D8", "20260230", "bad-date"),
        ("D8", "2026010", "bad-date"),
        ("RD8", "20260105-20260106", ""),
        ("RD8", "20260105", "bad-date"),
        ("TM", "2460", "bad-time"),
        ("DT", "202601051030", ""),
        ("DT", "202601052530", "bad-time"),
        ("ZZ", "anything", ""),
    ],
)
def test_periods(form: str, value: str, fault: str) -> None:
    assert values.period_fault(form, value) == fault

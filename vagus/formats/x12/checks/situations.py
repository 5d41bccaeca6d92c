"""SNIP 4: the rules of a guide about what must, or must not, be there when something else is so."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

from vagus.formats.x12.guide import Guide
from vagus.formats.x12.situations import Place, Situation
from vagus.formats.x12.transaction import SetReader, Spot
from vagus.formats.x12.tree import QUALIFIED, Line, Loop
from vagus.formats.x12.values import at


@dataclass(slots=True)
class _Plan:
    """The rules of a guide, arranged by what is looked at."""

    places: dict[Line, list[Place]]  # by each line that a rule speaks of, or whose loop it does
    rules: dict[str, list[Situation]]  # by loop id


@dataclass(slots=True)
class _Frame:
    """One open loop that rules speak of, and which of their places have been seen in it."""

    loop: Loop
    spot: Spot
    seen: set[Place] = field(default_factory=set)


class Situations:
    """Watches what the rules of a guide speak of."""

    def __init__(self, reader: SetReader) -> None:
        self._reader = reader
        self._plan = _plan(reader.automaton.guide)
        self._frames: list[_Frame] = []

    def seen(self, line: Line, raw: str) -> None:
        """A segment that begins such a loop, or that rules speak of."""
        places = self._plan.places.get(line)
        if places is None:
            return
        if line.is_trigger and line.loop.id in self._plan.rules:
            self._frames.append(_Frame(line.loop, self._reader.spot(line)))
        for place in places:
            if self._holds(place, raw):
                for frame in self._frames:
                    frame.seen.add(place)

    def closed(self, loop: Loop) -> None:
        """The loop is complete: do its rules hold?"""
        if not self._frames or self._frames[-1].loop is not loop:
            return
        frame = self._frames.pop()
        for rule in self._plan.rules[loop.id]:
            if frame.seen.issuperset(rule.conditions):
                self._judge(rule, frame)

    def _judge(self, rule: Situation, frame: _Frame) -> None:
        here = [place for place in rule.places if place in frame.seen]
        match rule.verb:
            case "forbids":
                wrong, kind = here, "unwanted"
            case "one-of":
                wrong, kind = ([] if here else [rule.places[0]]), "needed"
            case _:
                wrong, kind = [place for place in rule.places if place not in here], "needed"
        for place in wrong:
            spot = frame.spot._replace(loop=place.loop, segment=place.segment)
            what = "element" if place.element else "segment"
            at = (place.element, place.component)
            self._reader.report(f"{kind}-{what}", spot, at[0], component=at[1], rule=rule.text)

    def _holds(self, place: Place, raw: str) -> bool:
        delimiters = self._reader.automaton.delimiters
        parts = raw.split(delimiters.element)
        if place.codes:
            number, component = QUALIFIED.get(place.segment, (1, 0))
            code = at(parts, number)
            if (code.split(delimiters.component)[0] if component else code) not in place.codes:
                return False
        if not place.element:
            return True
        value = at(parts, place.element)
        if place.component:
            pieces = value.split(delimiters.component)
            value = at(pieces, place.component - 1)
        return value in place.values if place.values else bool(value)


def segments(guide: Guide) -> tuple[str, ...]:
    """The ids of the segments that the rules of a guide need to see."""
    return tuple(sorted({line.id for line in _plan(guide).places}))


def loops(guide: Guide) -> tuple[str, ...]:
    """The loops that the rules of a guide speak of."""
    return tuple(_plan(guide).rules)


@cache
def _plan(guide: Guide) -> _Plan:
    rules: dict[str, list[Situation]] = {}
    wanted: dict[Place, None] = {}
    for rule in guide.situations:
        rules.setdefault(rule.loop, []).append(rule)
        wanted.update(dict.fromkeys((*rule.places, *rule.conditions)))
    places = {}
    for line in guide.root.lines():
        here = [item for item in wanted if (item.loop, item.segment) == (line.loop.id, line.id)]
        if here or (line.is_trigger and line.loop.id in rules):
            places[line] = here
    return _Plan(places, rules)

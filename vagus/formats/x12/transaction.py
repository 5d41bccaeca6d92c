"""Reading one transaction set by its guide: places, counts, elements, and who watches (ST to SE).

This is the loop every segment goes through. On the good path a segment costs two look-ups, one
count and one pattern; all else is in methods that are called when something is out of the way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from vagus.formats.finding import Severity
from vagus.formats.x12 import elements
from vagus.formats.x12.automaton import Automaton, Move, State
from vagus.formats.x12.findings import GUIDE, Finding, finding
from vagus.formats.x12.tokenizer import Chunk
from vagus.formats.x12.tree import Line, Loop

MOST_FINDINGS = 1000
MOST_FINDINGS_OF_UNIT = 20
SERVICE = frozenset("ISA GS ST GE IEA TA1".split())
#: Segments that begin something of their own, and those that only add to what came before.
_BEGINS = frozenset("NM1 N1 LX HL SVD LIN SBR".split())
_ADDS = frozenset("N2 N3 N4 PER REF PRV DMG INS DTP".split())
_REPORTED = -(10**9)


class Spot(NamedTuple):
    """Where a segment stands, kept until something is found out about it."""

    loop: str
    segment: str
    position: int
    unit: int
    chunk: Chunk
    at: int


Seen = Callable[[Line, str], None]
Closed = Callable[[Loop], None]
Ended = Callable[[], None]


class Collector(Protocol):
    """Keeps the segments of units of work, with the loops they stand in."""

    def opened(self, loop: Loop) -> None:
        """A loop is entered."""
        ...

    def kept(self, line: Line | None, raw: str) -> None:
        """A segment was read; without a line when it fits nowhere."""
        ...

    def left(self) -> None:
        """The innermost loop is left."""
        ...

    def ended(self) -> None:
        """The set is over."""
        ...


class SetReader:
    """One transaction set on its way; `findings` holds what is wrong with it.

    `refused` and `warned` count errors and warnings of syntax and guide, kept or not: the verdict
    never depends on how many are kept, and what is beyond (SNIP 3 and up) is a claim's own.
    """

    def __init__(self, automaton: Automaton, control: tuple[str, str, str]) -> None:
        self.automaton = automaton
        self.control = control
        self.findings: list[Finding] = []
        self.refused = 0
        self.warned = 0
        self.position = 0
        self.unit = 0
        self.is_over = False
        self.seen: Mapping[str, Sequence[Seen]] = {}  # by segment id
        self.closed: Mapping[str, Sequence[Closed]] = {}  # by loop id
        self.ended: Sequence[Ended] = ()
        self.collector: Collector | None = None
        self._state = automaton.start
        self._frames: list[list[int]] = [[0] * len(automaton.guide.root.members)]
        self._unit_loop: Loop | None = None
        self._unit_findings = 0
        self._dropped = 0
        self._is_adrift = False  # within something that fits nowhere
        self._chunk = Chunk(0, [], automaton.delimiters)
        self._index = 0

    def read(self, chunk: Chunk, segments: Sequence[str], start: int) -> int:
        """Read segments from an index on; returns the index of the first that is not its own."""
        element, firsts = self.automaton.delimiters.element, self.automaton.firsts
        keys, collector = self.automaton.keys, self.collector
        self._chunk, self._index = chunk, start
        state, counts, position = self._state, self._frames[-1], self.position
        for index in range(start, len(segments)):
            raw = segments[index]
            end = raw.find(element)
            name = raw[:end] if end >= 0 else raw
            if name in firsts:
                stop = raw.find(element, end + 1)
                key = raw[:stop] if stop >= 0 else raw
            else:
                key = keys[name](raw, end) if name in keys else name
            move = state.moves.get(key)
            position += 1
            if move is None or not move.is_simple or self._is_adrift:
                self._index, self._state, self.position = index, state, position
                if name in SERVICE and (name != "ST" or position > 1):
                    self.position -= 1
                    self.cut_off()
                    return index
                move = self._odd(state, move, key, name, raw)
                counts, position = self._frames[-1], self.position
                if move is None:
                    continue
            state = move.state
            count = counts[move.slot] = counts[move.slot] + 1
            if count > move.most or state.accepts(raw) is None:
                self._index, self.position = index, position
                self._object(state.line, raw, count > move.most)
            if collector is not None:
                collector.kept(state.line, raw)
            if state.is_watched:
                self._index, self.position = index, position
                for seen in self.seen.get(name, ()):
                    seen(state.line, raw)
                if name == "SE":
                    self._state = state
                    self._finish()
                    return index + 1
        self._state, self.position = state, position
        return len(segments)

    def cut_off(self) -> None:
        """The set ends without SE; what is missing before it is not worth telling."""
        while len(self._frames) > 1:
            self._frames.pop()
        self.is_over = True
        self.add(
            finding(
                "se-missing",
                segment="SE",
                position=self.position,
                offset=self._chunk.where(self._index) if self._chunk.segments else 0,
                control=self.control,
            )
        )
        self._note_dropped()

    def spot(self, line: Line) -> Spot:
        """Where the segment being read stands."""
        return Spot(line.loop.id, line.id, self.position, self._unit(), self._chunk, self._index)

    def report(self, kind: str, spot: Spot, element: int = 0, **more: object) -> None:
        """Record a finding about a segment seen before."""
        self.add(
            finding(
                kind,
                segment=spot.segment,
                position=spot.position,
                loop=spot.loop,
                element=element,
                offset=spot.chunk.where(spot.at),
                unit=spot.unit,
                control=self.control,
                **more,
            )
        )

    def _odd(self, state: State, move: Move | None, key: str, name: str, raw: str) -> Move | None:
        """A segment that is not simply the next one; None when it fits nowhere."""
        if not raw:
            self.position -= 1
            return None
        if self._is_adrift and name in _ADDS:
            self._stray(raw)
            return None
        self._is_adrift = False
        move = move or self.automaton.move(state, key, raw)
        if move is None or (move.is_guess and self._is_taken(state, move)):
            self._misplaced(name)
            self._stray(raw)
            return None
        self._follow(state, move)
        return move

    def _stray(self, raw: str) -> None:
        if self.collector is not None:
            self.collector.kept(None, raw)

    def _misplaced(self, name: str) -> None:
        line = self._state.line
        if name not in self.automaton.segments:
            kind = "unknown-segment"
        else:
            kind = "unexpected-segment" if name in self.automaton.ids else "not-in-set"
        self._is_adrift = name in _BEGINS
        spot = self.spot(line)
        known = name if kind != "unknown-segment" else _safe(name)
        self.report(kind, spot._replace(segment=known))

    def _is_taken(self, state: State, move: Move) -> bool:
        """Whether the loop that only its id would open has been there as often as it may."""
        if not move.opens:
            return False
        counts = self._frames[-1 - len(move.left)]
        return counts[move.opens[0].slot] >= move.opens[0].most

    def _follow(self, state: State, move: Move) -> None:
        loop = state.line.loop
        for members in move.left:
            self._missing(members)
            self._leave(loop)
            assert loop.parent is not None
            loop = loop.parent
        self._missing(move.passed)
        for opened in move.opens:
            self._enter(opened)
            if opened is move.opens[0] and opened.trigger is not move.state.line:
                self._lacking(opened.trigger)
                self._missing(move.entered)
        if move.fault:
            self._report(move.fault, move.state.line)

    def _enter(self, loop: Loop) -> None:
        counts = self._frames[-1]
        counts[loop.slot] += 1
        if counts[loop.slot] > loop.most:
            self._report("too-many-loops", loop.trigger)
        self._frames.append([0] * len(loop.members))
        if loop.id in self.automaton.guide.units:
            self.unit += 1
            self._unit_loop, self._unit_findings = loop, 0
        if self.collector is not None:
            self.collector.opened(loop)

    def _leave(self, loop: Loop) -> None:
        self._frames.pop()
        for closed in self.closed.get(loop.id, ()):
            closed(loop)
        if loop is self._unit_loop:
            self._unit_loop = None
        if self.collector is not None:
            self.collector.left()

    def _missing(self, members: Sequence[Line | Loop]) -> None:
        counts = self._frames[-1]
        for member in members:
            if not counts[member.slot]:
                counts[member.slot] = _REPORTED
                self._lacking(member)

    def _lacking(self, member: Line | Loop) -> None:
        """Report what should have come; its position is that of the segment before."""
        kind = "missing-segment" if isinstance(member, Line) else "missing-loop"
        absent = member if isinstance(member, Line) else member.trigger
        spot = self.spot(absent)
        self.report(kind, spot._replace(position=max(self.position - 1, 1)))

    def _report(self, kind: str, line: Line) -> None:
        self.report(kind, self.spot(line))

    def _object(self, line: Line, raw: str, is_too_many: bool) -> None:
        """Report what is wrong with a segment whose line is known."""
        if is_too_many:
            self._report("too-many-segments", line)
        spot = self.spot(line)
        for fault in elements.faults(raw, line, self.automaton.delimiters):
            self.report(
                fault.kind,
                spot,
                fault.element,
                component=fault.component,
                repeat=fault.repeat,
                number=fault.number,
            )

    def _unit(self) -> int:
        return self.unit if self._unit_loop is not None else 0

    def add(self, item: Finding) -> None:
        """Record a finding; beyond a limit it is only counted."""
        if item.snip <= GUIDE:
            self.refused += item.severity is Severity.ERROR
            self.warned += item.severity is Severity.WARNING
        if item.unit:
            self._unit_findings += 1
        in_full_unit = item.unit and self._unit_findings > MOST_FINDINGS_OF_UNIT
        is_full = len(self.findings) >= MOST_FINDINGS or in_full_unit
        if is_full and not item.is_service:
            self._dropped += 1
            return
        self.findings.append(item)

    def _finish(self) -> None:
        self.is_over = True
        for ended in self.ended:
            ended()
        if self.collector is not None:
            self.collector.ended()
        self._note_dropped()

    def _note_dropped(self) -> None:
        if self._dropped:
            self.findings.append(finding("too-many-findings", control=self.control))


def _safe(name: str) -> str:
    """An id that is none, as far as it may be shown: text that got here could be anything."""
    return name if len(name) <= 3 and name.isalnum() and name.isascii() else "?"

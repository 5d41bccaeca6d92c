"""Which line of a guide a segment belongs to: a state machine that is built as it is used.

The state is the line matched last; what comes next depends on the segment's id and qualifier
alone, so each pair is searched once and then is one look-up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from vagus.formats.x12.delimiters import Delimiters
from vagus.formats.x12.dictionary import segments
from vagus.formats.x12.guide import Guide
from vagus.formats.x12.patterns import pattern
from vagus.formats.x12.tree import QUALIFIED, Line, Loop

_MOST_MOVES = 4000
#: Segments that tell so little by themselves that they never open a loop that lacks its trigger.
_PLAIN = frozenset("N2 N3 N4 PER DMG INS PRV".split())


@dataclass(eq=False, slots=True)
class State:
    """A line matched last, with the moves found so far from it."""

    line: Line
    moves: dict[str, Move] = field(default_factory=dict)
    strangers: set[str] = field(default_factory=set)  # keys that lead nowhere
    accepts: Callable[[str], re.Match[str] | None] = lambda raw: None
    is_watched: bool = False


@dataclass(eq=False, slots=True)
class Move:
    """What a segment does: loops are left, lines passed by, loops opened, a line reached.

    `left` holds, for each loop left, the required members that should have been seen before;
    `passed` those of the loop where it lands; `entered` those of the loop opened last. `guess`
    says that only the id fits.
    """

    state: State
    left: tuple[tuple[Line | Loop, ...], ...] = ()
    passed: tuple[Line | Loop, ...] = ()
    opens: tuple[Loop, ...] = ()
    entered: tuple[Line | Loop, ...] = ()
    fault: str = ""
    is_guess: bool = False
    slot: int = 0
    most: int = 0
    is_simple: bool = False

    def __post_init__(self) -> None:
        self.slot, self.most = self.state.line.slot, self.state.line.most
        self.is_simple = not (self.left or self.passed or self.opens or self.fault)


class Automaton:
    """The states of one guide for one set of delimiters."""

    def __init__(self, guide: Guide, delimiters: Delimiters, watched: frozenset[str]) -> None:
        self.guide = guide
        self.delimiters = delimiters
        self._watched = watched
        self._states: dict[Line, State] = {}
        self.ids = frozenset(line.id for line in guide.root.lines())
        self.segments = frozenset(segments(guide.release))
        self.keys = _keys(delimiters)
        self.firsts = frozenset(name for name, place in QUALIFIED.items() if place == (1, 0))
        first = guide.root.members[0]
        assert isinstance(first, Line)
        self.start = self.state(first)

    def state(self, line: Line) -> State:
        """The state of a line; its pattern is compiled when it is first needed."""
        state = self._states.get(line)
        if state is None:
            accepts = pattern(line, self.delimiters).fullmatch
            state = State(line, accepts=accepts, is_watched=line.id in self._watched)
            self._states[line] = state
        return state

    def key(self, raw: str) -> tuple[str, str]:
        """The id and the qualifier of a segment."""
        elements = raw.split(self.delimiters.element, 4)
        number, component = QUALIFIED.get(elements[0], (0, 0))
        value = elements[number] if 0 < number < len(elements) else ""
        return elements[0], self._part(value) if component else value

    def _part(self, value: str) -> str:
        """The first component, of the first repetition."""
        value = value.split(self.delimiters.component, 1)[0]
        mark = self.delimiters.repetition
        return value.split(mark, 1)[0] if mark else value

    def move(self, state: State, key: str, raw: str) -> Move | None:
        """The move a segment makes from a state, or None; remembered under `key`."""
        if key in state.strangers:
            return None
        name, qualifier = self.key(raw)
        move = self._search(state.line, name, qualifier)
        is_full = len(state.moves) + len(state.strangers) >= _MOST_MOVES
        if name == "ST" or is_full:
            return move
        if move is None:
            state.strangers.add(key)
        else:
            state.moves[key] = move
        return move

    def _search(self, line: Line, name: str, qualifier: str) -> Move | None:
        def fits(other: Line) -> bool:
            return other.matches(name, qualifier)

        ways = (self._ahead, self._missed, self._behind, self._inside, self._named)
        for steps in ways:
            move = steps(line, name, fits)
            if move is not None:
                return move
        return None

    def _ahead(self, line: Line, name: str, fits: Callable[[Line], bool]) -> Move | None:
        """At the same place or later, in this loop or one around it."""
        for levels, loop, place in _climb(line):
            for member in _reachable(loop, place):
                if fits(_first(member)):
                    return self._land(line, levels, member)
        return None

    def _behind(self, line: Line, name: str, fits: Callable[[Line], bool]) -> Move | None:
        """Too late: at an earlier place of this loop, or of the one around a leaf loop."""
        for levels, loop, place in _climb(line):
            for member in loop.members[1:] if loop.parent else loop.members:
                if member.place < place and fits(_first(member)):
                    return self._land(line, levels, member, fault="wrong-order")
            if any(isinstance(member, Loop) for member in loop.members):
                return None
        return None

    def _missed(self, line: Line, name: str, fits: Callable[[Line], bool]) -> Move | None:
        """In a later loop that cannot be without such a segment; its trigger is missing."""
        for levels, loop, place in _climb(line):
            later = [member for member in loop.members if member.place > place]
            if move := self._enter(line, levels, later, name, lambda o: o.required and fits(o)):
                return move
        return None

    def _inside(self, line: Line, name: str, fits: Callable[[Line], bool]) -> Move | None:
        """In a loop that may open here, whose trigger is missing."""
        for levels, loop, place in _climb(line):
            members = list(_reachable(loop, place))
            if move := self._enter(line, levels, members, name, fits):
                return move
        return None

    def _enter(
        self,
        line: Line,
        levels: int,
        members: Sequence[Line | Loop],
        name: str,
        fits: Callable[[Line], bool],
    ) -> Move | None:
        """Into one of the loops among some members, by a segment that is not its trigger."""
        inner = [
            (member, within)
            for member in members
            if isinstance(member, Loop)
            for within in member.members[1:]
            if fits(_first(within)) and (member.required or name not in _PLAIN)
        ]
        if not inner:
            return None
        required = [item for item in inner if item[0].required]
        outer, within = (required or inner)[0]
        return self._land(line, levels, outer, within)

    def _named(self, line: Line, name: str, fits: Callable[[Line], bool]) -> Move | None:
        """The id fits one line, or one required loop, only; its qualifier is then what is wrong."""
        for levels, loop, place in _climb(line):
            found = [
                member
                for member in _reachable(loop, place)
                if _first(member).id == name and (isinstance(member, Line) or member.required)
            ]
            if len(found) == 1:
                return self._land(line, levels, found[0], is_guess=True)
            if found:
                return None
        return None

    def _land(
        self,
        line: Line,
        levels: int,
        member: Line | Loop,
        within: Line | Loop | None = None,
        fault: str = "",
        is_guess: bool = False,
    ) -> Move:
        left = []
        place, loop = line.place, line.loop
        for _ in range(levels):
            left.append(_required(loop, place, None))
            assert loop.parent is not None
            place, loop = loop.place, loop.parent
        opens = [item for item in (member, within) if isinstance(item, Loop)]
        target = _first(within or member)
        entered: tuple[Line | Loop, ...] = ()
        if isinstance(within, Line):
            entered = _required(target.loop, 0, target.place)
        elif isinstance(within, Loop):
            assert within.parent is not None
            entered = _required(within.parent, 0, within.place)
        passed = _required(loop, place, member.place)
        state = self.state(target)
        return Move(state, tuple(left), passed, tuple(opens), entered, fault, is_guess)


@lru_cache(maxsize=64)
def automaton(guide: Guide, delimiters: Delimiters, watched: frozenset[str]) -> Automaton:
    """The automaton of a guide, shared by every set that uses these delimiters."""
    return Automaton(guide, delimiters, watched)


def _keys(delimiters: Delimiters) -> dict[str, Callable[[str, int], str]]:
    """By segment id, how to cut the id with its qualifier off a raw segment quickly.

    Where the qualifier is the whole first element the reading loop does so itself. The functions
    take the segment and where its id ends. No more than the qualifier may go into a key: keys are
    kept, and what follows is about a patient.
    """
    element, component, repetition, _ = delimiters

    def part(raw: str, end: int) -> str:
        stop = raw.find(element, end + 1)
        value = (raw[:stop] if stop >= 0 else raw).split(component, 1)[0]
        return value.split(repetition, 1)[0] if repetition else value

    def later(number: int) -> Callable[[str, int], str]:
        def cut(raw: str, end: int) -> str:
            found = raw.split(element, number + 1)
            return f"{found[0]} {found[number]}" if len(found) > number else found[0]

        return cut

    ways = {(1, 1): part, (2, 0): later(2), (3, 0): later(3)}
    return {name: ways[place] for name, place in QUALIFIED.items() if place in ways}


def _climb(line: Line) -> Iterator[tuple[int, Loop, int]]:
    """The loops around a line from the innermost, with how many are left, and the place in each."""
    levels, place, loop = 0, line.place, line.loop
    while True:
        yield levels, loop, place
        if loop.parent is None:
            return
        levels, place, loop = levels + 1, loop.place, loop.parent


def _reachable(loop: Loop, place: int) -> Iterator[Line | Loop]:
    """The members at a place or later; a loop's own trigger is reached from around it."""
    for member in loop.members:
        is_trigger = isinstance(member, Line) and member.is_trigger
        if member.place >= place and not is_trigger:
            yield member


def _first(member: Line | Loop) -> Line:
    return member if isinstance(member, Line) else member.trigger


def _required(loop: Loop, start: int, end: int | None) -> tuple[Line | Loop, ...]:
    """The required members of a loop from one place up to another, without its trigger."""
    return tuple(
        member
        for member in loop.members
        if member.required
        and start <= member.place
        and (end is None or member.place < end)
        and not (isinstance(member, Line) and member.is_trigger)
    )

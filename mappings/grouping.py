"""Sorts the segments of a message into the groups of its structure: one pass with a stack (§3.1).

The structure becomes a table of moves per open group, so the pass does one dictionary access for
each segment. An instance of a group is a list of slots: its start segment, then its members and
sub-groups, each a list or the empty tuple, then (message level only) what no group mentions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mappings.arrangement import Needs, Order, name_of
from mappings.seen import Unfit
from mappings.structures import Group

#: Orders of names that are remembered, and how long they may be.
MOST, LONGEST = 200, 100
#: Segments that start a group of the message level and that many senders leave out.
_LEFT_OUT = frozenset(("RGS",))

Segment = list[str]
Row = list[Any]


class Move:
    """Where a segment goes when a given group is the innermost open one."""

    __slots__ = ("depth", "element", "size", "slot", "state", "values")

    def __init__(self, depth: int, slot: int, size: int, state: State, group: Group | None) -> None:
        self.depth = depth
        self.slot = slot
        self.size = size
        self.state = state
        self.element = group.element if group else 0
        self.values = group.values if group else frozenset()


class State:
    """An open group: the moves it allows, innermost first, by segment name."""

    __slots__ = ("moves",)

    def __init__(self) -> None:
        self.moves: dict[str, list[Move]] = {}


class Plan:
    """The moves of one structure, and how wide the rows are that a mapping reads.

    `widths` gives for each segment one more than the highest field read; rows are padded to it
    so that generated code needs no bounds test.
    """

    def __init__(self, root: Group, widths: Mapping[str, int], needs: Needs | None = None) -> None:
        self.root_size = root.size
        self.known = frozenset(root.segments())
        self._states = {id(group): State() for group in root.walk()}
        for group in root.walk():
            self._fill(group)
        self.start = self._states[id(root)]
        self.widths = {name: widths.get(name, 1) for name in self.known | set(widths)}
        for group in root.walk():
            if group.element:
                width = max(self.widths[group.start], group.element + 1)
                self.widths[group.start] = width
        self._pads = {name: [""] * (width - 1) for name, width in self.widths.items()}
        self._qualified = any(group.element for group in root.walk())
        self._once: set[tuple[str, ...]] = set()
        self.needs = needs
        self.orders: dict[tuple[str, ...], Order] = {}
        self.implied = {
            inner.start: (self._into(root, child), [child.start, *self._pads[child.start]])
            for child in root.groups
            if child.start in _LEFT_OUT
            for inner in child.groups
        }

    def _fill(self, group: Group) -> None:
        moves = self._states[id(group)].moves
        open_group: Group | None = group
        while open_group is not None:
            state = self._states[id(open_group)]
            depth = open_group.depth
            for name in open_group.members:
                moves.setdefault(name, []).append(
                    Move(depth, open_group.slot(name), 0, state, None)
                )
            for child in sorted(open_group.groups, key=lambda item: not item.values):
                moves.setdefault(child.start, []).append(self._into(open_group, child))
            open_group = open_group.parent

    def _into(self, around: Group, child: Group) -> Move:
        """The move that opens a group."""
        state = self._states[id(child)]
        return Move(around.depth, around.slot(child.name), child.size, state, child)

    def padding(self, names: Sequence[str]) -> list[Row]:
        """What makes the rows of those segments wide enough."""
        pads = self._pads
        return [pads.get(name, []) for name in names]

    def learn(self, names: tuple[str, ...]) -> None:
        """Remember an order of names that comes again."""
        if self._qualified or len(names) > LONGEST or len(self.orders) >= MOST:
            return
        if next((n for n in names if n in self.implied or n in _LEFT_OUT), "") in self.implied:
            return  # the group it opens begins with a row that no segment has
        if names not in self._once:
            if len(self._once) < MOST * 10:
                self._once.add(names)
            return
        pads = self.padding(names)
        rows = [[name, *pad] for name, pad in zip(names, pads, strict=True)]
        misplaced: list[str] = []
        try:
            order = Order(pads, _sorted(rows, self, misplaced), rows)
        except ValueError:
            return
        order.misplaced = misplaced
        if self.needs is not None:
            order.looks = self.needs.of(names, [len(row) for row in rows])
        self.orders[names] = order

    def instance(self) -> list[Any]:
        """An empty message level."""
        root: list[Any] = [()] * self.root_size
        root[-1] = {}
        return root


def group(
    segments: Sequence[Segment], plan: Plan, misplaced: list[str], separators: Sequence[str] = ()
) -> list[Any]:
    """The message level of a message; names of segments out of place are added to a list.

    Unfit when the message is not as the plan needs it.
    """
    names = tuple(map(name_of, segments))
    order = plan.orders.get(names)
    if order is not None:
        misplaced += order.misplaced
        return order.root(segments, separators)
    pads = plan.padding(names)
    rows = [row + pad for row, pad in zip(segments, pads, strict=True)]
    if plan.needs is not None:
        widths = [len(pad) + 1 for pad in pads]
        looks = plan.needs.of(names, widths)
        flat = [value for row, width in zip(rows, widths, strict=True) for value in row[:width]]
        if not looks.hold(flat, separators):
            raise Unfit
    root = _sorted(rows, plan, misplaced)
    plan.learn(names)
    return root


def _sorted(rows: Sequence[Row], plan: Plan, misplaced: list[str]) -> list[Any]:
    root = plan.instance()
    stack = [root]
    moves = plan.start.moves
    for row in rows:
        name = row[0]
        choices = moves.get(name)
        if choices is None and (implied := plan.implied.get(name)) is not None:
            choices = _place(stack, implied[0], implied[1].copy()).get(name)
        if choices is None or (move := _choose(choices, row)) is None:
            root[-1].setdefault(name, []).append(row)
            if name in plan.known:
                misplaced.append(name)
            continue
        moves = _place(stack, move, row)
    return root


def group_rows(
    segments: Sequence[Segment],
    plan: Plan,
    misplaced: list[str],
    rows: list[tuple[str, Row, Segment]],
) -> list[Any]:
    """As `group`, of rows that end in a coverage mask and an occurrence, all listed in `rows`."""
    root = plan.instance()
    stack = [root]
    moves = plan.start.moves
    seen: dict[str, int] = {}
    for segment in segments:
        name = segment[0]
        seen[name] = occurrence = seen.get(name, 0) + 1
        width = plan.widths.get(name, 1)
        row: Row = segment[:width]
        row += [""] * (width - len(row))
        choices = moves.get(name)
        if choices is None and (implied := plan.implied.get(name)) is not None:
            choices = _place(stack, implied[0], [*implied[1], 0, 0]).get(name)
        move = _choose(choices, row) if choices else None
        row += [0, occurrence]
        rows.append((name, row, segment))
        if move is None:
            root[-1].setdefault(name, []).append(row)
            if name in plan.known:
                misplaced.append(name)
            continue
        moves = _place(stack, move, row)
    return root


def _place(stack: list[list[Any]], move: Move, segment: Row) -> dict[str, list[Move]]:
    depth = move.depth
    if len(stack) > depth + 1:
        del stack[depth + 1 :]
    instance = stack[depth]
    item: list[Any] = segment
    if move.size:
        item = [()] * move.size
        item[0] = segment
        stack.append(item)
    if held := instance[move.slot]:
        held.append(item)
    else:
        instance[move.slot] = [item]
    return move.state.moves


def _choose(choices: list[Move], segment: Row) -> Move | None:
    for move in choices:
        element = move.element
        if not element or (element < len(segment) and segment[element] in move.values):
            return move
    return None

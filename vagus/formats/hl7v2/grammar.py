"""The order of a structure's segments, their usage and how often they may stand (chapter 2.12).

A structure is one line, such as `MSH EVN (PID PD1? ARV*) NK1* MRG?<2.4`; the notation is
explained at the head of `data/structures.yaml`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from vagus.formats.groups import Group

_ITEM = re.compile(r"\s*(?:(\()|([A-Z][A-Z0-9]{2}))")
_USAGE = re.compile(r"([?*+]|\{\d\})?(?:<(\d)\.(\d))?(!)?")
_TIMES = {"": (1, 1), "?": (0, 1), "*": (0, 0), "+": (1, 0)}


@dataclass(frozen=True, slots=True)
class Item:
    """A segment at its place in the order, or the group that begins with it.

    `most` 0 means any number; `items` are what follows the first segment of a group. In releases
    earlier than `before` it may be absent.
    """

    name: str
    items: tuple[Item, ...] = ()
    least: int = 1
    most: int = 1
    before: tuple[int, ...] = ()
    foreign: bool = False

    def needed(self, release: tuple[int, ...]) -> int:
        """How often it must stand at least in that release."""
        return 0 if release < self.before else self.least

    def names(self) -> Iterator[str]:
        """The segments that may stand within it, its own first."""
        yield self.name
        for item in self.items:
            yield from item.names()

    def holds(self, name: str) -> bool:
        """Whether the segment may stand anywhere within it."""
        return name in self.names()


def parse(text: str) -> tuple[Item, ...]:
    """The items of a structure's line; ValueError when it is not one."""
    items, end = _sequence(text, 0)
    if not items or text[end:].strip():
        raise ValueError(f"column {end + 1}: write segments such as 'MSH EVN (PID PD1?) NK1*'")
    return items


def _sequence(text: str, at: int) -> tuple[tuple[Item, ...], int]:
    """The items from a position on, and where they end."""
    items = []
    while match := _ITEM.match(text, at):
        at = match.end()
        name = match[2]
        inner: tuple[Item, ...] = ()
        if match[1]:
            inner, at = _sequence(text, at)
            if not inner or text[at : at + 1] != ")":
                raise ValueError(f"column {at + 1}: a group is '(', its segments, and ')'")
            at += 1
            name, inner = inner[0].name, inner[1:]
        usage = _USAGE.match(text, at)
        assert usage is not None
        at = usage.end()
        items.append(_item(name, inner, usage))
    return tuple(items), at


def _item(name: str, inner: tuple[Item, ...], usage: re.Match[str]) -> Item:
    mark = usage[1] or ""
    least, most = _TIMES.get(mark) or (int(mark[1]), int(mark[1]))
    before = (int(usage[2]), int(usage[3])) if usage[2] else ()
    return Item(name, inner, 1 if before else least, most, before, bool(usage[4]))


def tree(items: tuple[Item, ...], name: str = "") -> Group:
    """The groups of a structure, as mappings see them: which segment belongs to which."""
    members = dict.fromkeys(item.name for item in items if not item.items)
    groups = tuple(tree(item.items, item.name) for item in items if item.items)
    return Group(name, name, tuple(members), groups)

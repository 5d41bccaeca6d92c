"""Which segment belongs to which group of a message: one notation for HL7 v2 and X12.

A structure is a map. `_` lists the members of the level itself; every other key opens a group:
`NAME` when the group is called after the segment that starts it, `NAME SEG` when it is not, and
`NAME SEG-n=V,V` when element n must also hold one of the values. The value lists the members,
or is again a map.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from vagus.kernel.diagnostics import Diagnostics, Place
from vagus.kernel.strictyaml import Fields, Node, Text

_KEY = re.compile(r"([A-Z0-9]{2,8})(?: ([A-Z][A-Z0-9]{1,2})(?:-(\d{1,2})=([A-Z0-9,]{1,80}))?)?")
_NAME = re.compile(r"[A-Z][A-Z0-9]{1,2}")
_MAX_DEPTH = 12


@dataclass(frozen=True, slots=True)
class Group:
    """A level of a message: what starts it, what it owns, and the groups within it.

    The whole message is a group without name and start. `element` is 0 unless the group starts
    only when that element of its first segment holds one of `values`.
    """

    name: str
    start: str
    members: tuple[str, ...] = ()
    groups: tuple[Group, ...] = ()
    element: int = 0
    values: tuple[str, ...] = ()

    def group(self, name: str) -> Group | None:
        """The group of that name directly within this one."""
        return next((item for item in self.groups if item.name == name), None)

    def owns(self, segment: str) -> bool:
        """Whether the segment starts this group or is a member of the level itself."""
        return segment == self.start or segment in self.members

    def walk(self) -> Iterator[Group]:
        """This group and every one within it, outermost first."""
        yield self
        for item in self.groups:
            yield from item.walk()


def parse(node: Node, diagnostics: Diagnostics) -> Group:
    """The tree of a structure's `groups:`; what is wrong with it becomes a diagnostic."""
    return _level(node, Group("", ""), diagnostics, _MAX_DEPTH)


def _level(node: Node, group: Group, diagnostics: Diagnostics, depth: int) -> Group:
    if isinstance(node, Text):
        members = _members(node, diagnostics)
        return Group(group.name, group.start, members, (), group.element, group.values)
    if not isinstance(node, Fields) or depth == 0:
        text = "a group is a list of segments in one line, or a map of groups"
        diagnostics.error(node.place, "bad-structure", text)
        return group
    members = ()
    groups: dict[str, Group] = {}
    for key, value in node.entries.items():
        if key == "_":
            members = _members(value, diagnostics)
        elif opened := _key(key, node.keys[key], diagnostics):
            groups[opened.name] = _level(value, opened, diagnostics, depth - 1)
    return Group(
        group.name, group.start, members, tuple(groups.values()), group.element, group.values
    )


def _members(node: Node, diagnostics: Diagnostics) -> tuple[str, ...]:
    names = (node.value or "").split() if isinstance(node, Text) else [""]
    for name in names:
        if not _NAME.fullmatch(name):
            text = "segments are listed in one line, such as 'PD1 ARV ROL'"
            diagnostics.error(node.place, "bad-structure", text)
            return ()
    return tuple(names)


def _key(key: str, place: Place, diagnostics: Diagnostics) -> Group | None:
    match = _KEY.fullmatch(key)
    name, start, element, values = match.groups() if match else ("", "", "", "")
    if not match or not _NAME.fullmatch(start or name):
        text = f"'{key}' opens no group; write 'NAME', 'NAME SEG' or 'NAME SEG-1=A,B'"
        diagnostics.error(place, "bad-structure", text)
        return None
    return Group(
        name,
        start or name,
        element=int(element or 0),
        values=tuple((values or "").split(",")) if values else (),
    )

"""The groups of a message as a mapping sees them: parents, slots, and a site's additions (§3.1)."""

from __future__ import annotations

from dataclasses import dataclass, field

from mappings.nodes import Node, Object, restore
from vagus.formats import groups as notation
from vagus.formats.hl7v2 import structures
from vagus.kernel.diagnostics import Diagnostics


@dataclass(eq=False, slots=True)
class Group:
    """One group: its start segment with the values that qualify it, members and sub-groups."""

    name: str
    start: str = ""
    element: int = 0
    values: frozenset[str] = frozenset()
    parent: Group | None = None
    members: list[str] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)

    @property
    def depth(self) -> int:
        """How many groups enclose it; the message level is 0."""
        return 0 if self.parent is None else self.parent.depth + 1

    def slot(self, name: str) -> int:
        """Where an instance keeps a member or sub-group; 0 is its own start segment."""
        if name in self.members:
            return 1 + self.members.index(name)
        for index, group in enumerate(self.groups):
            if group.name == name:
                return 1 + len(self.members) + index
        return 0

    @property
    def size(self) -> int:
        """How many slots an instance has; the last one holds what no group mentions."""
        return 2 + len(self.members) + len(self.groups)

    def child(self, name: str) -> Group | None:
        """The sub-group of that name."""
        return next((group for group in self.groups if group.name == name), None)

    def walk(self) -> list[Group]:
        """The group and all below it, outermost first."""
        found = [self]
        for group in found:
            found.extend(group.groups)
        return found

    def segments(self) -> set[str]:
        """Every segment mentioned in the group or below it."""
        names: set[str] = set()
        for group in self.walk():
            names.update(group.members)
            names.add(group.start)
        return names - {""}


def standard(name: str) -> Group | None:
    """The structure of an HL7 v2 message, e.g. `ADT_A01`."""
    found = structures.structure(name)
    return None if found is None else adopt(found)


def read(node: Node, diagnostics: Diagnostics) -> Group:
    """The structure a `groups:` node describes."""
    return adopt(notation.parse(restore(node), diagnostics))


def adopt(found: notation.Group, parent: Group | None = None) -> Group:
    """The tree of a parsed structure."""
    group = Group(
        found.name,
        found.start,
        found.element,
        frozenset(found.values),
        parent,
        list(found.members),
    )
    group.groups = [adopt(child, group) for child in found.groups]
    return group


def extend(root: Group, added: Object, diagnostics: Diagnostics) -> None:
    """Add the members and groups of an overlay's `structure:` header to a tree."""
    for child in notation.parse(restore(added), diagnostics).groups:
        known = [group for group in root.walk() if group.name == child.name]
        for group in known:
            _graft(group, child)
        if not known:
            root.groups.append(adopt(child, root))
    if "_" in added.entries:
        members = notation.parse(restore(added), diagnostics).members
        root.members.extend(name for name in members if name not in root.members)


def _graft(group: Group, added: notation.Group) -> None:
    group.members.extend(name for name in added.members if name not in group.members)
    for child in added.groups:
        existing = group.child(child.name)
        if existing is None:
            group.groups.append(adopt(child, group))
        else:
            _graft(existing, child)

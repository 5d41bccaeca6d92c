"""What a mapping might still say of a feed: YAML for the populated fields that nothing reads.

Z-segments become a Basic resource each, which keeps every part of them; nobody but the site knows
what they mean. Other fields are for the author to map or to leave alone with a reason. Values
never enter: names and places only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from mappings.explain import position
from mappings.mapping import Mapping
from mappings.structures import Group, standard
from vagus.cli.losses import name_of


@dataclass(slots=True)
class Proposals:
    """What was found in some messages: fields by path with their number, parts of Z-segments."""

    messages: int = 0
    fields: Counter[tuple[str, int]] = field(default_factory=Counter)
    parts: dict[str, dict[tuple[int, int], None]] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    read: frozenset[str] = frozenset()  # fields that the mapping reads of some messages

    @property
    def found(self) -> bool:
        """Whether there is anything to propose."""
        return bool(self.fields or self.parts)

    def add(self, message: Any, mapping: Mapping, lost: Iterable[tuple[str, int]]) -> None:
        """Take the fields that one message loses."""
        self.messages += 1
        self.read = self.read or _fields(mapping)
        unread = set(lost)
        self.fields.update(place for place in unread if not place[0].startswith("Z"))
        marks = message.separators
        for row in message.segments:
            name = row[0]
            for number in range(1, len(row)):
                if (name, number) in unread and name.startswith("Z"):
                    first = row[number].split(marks.repetition)[0].split(marks.component)
                    for part, text in enumerate(first, 1):
                        if text:
                            place = (number, part if len(first) > 1 else 0)
                            self.parts.setdefault(name, {})[place] = None
        self.owners.update(_owned(message.segments, mapping.structure))

    def lines(self, prefix: str, patient: bool) -> Iterator[str]:
        """The YAML. `prefix` begins the URL of each extension; `patient` says whether there is
        a single patient to point at.
        """
        members: dict[str, list[str]] = {}
        for name in sorted(self.parts.keys() & self.owners.keys()):
            members.setdefault(self.owners[name], []).append(name)
        if members:
            text = ", ".join(f"{owner}: {' '.join(names)}" for owner, names in members.items())
            yield f"structure: {{{text}}}"
        if self.fields:
            yield "ignore:"
        for (segment, number), count in sorted(self.fields.items()):
            known = name_of(segment, number) or "unknown to the standard"
            read = " when unread" if f"{segment}-{number}" in self.read else ""
            yield f"  {segment}-{number}{read}: say why  ## {known}; in {count} of {self.messages}"
        if self.parts:
            yield "resources:"
        for name, parts in sorted(self.parts.items()):
            yield from self._kept(name, sorted(parts), prefix, patient)

    def _kept(
        self, name: str, parts: list[tuple[int, int]], prefix: str, patient: bool
    ) -> Iterator[str]:
        owner = self.owners.get(name)
        yield f"  {name.lower()}:"
        yield f"    $each: ={f'{owner}/' if owner else ''}{name}"
        yield "    resourceType: Basic"
        yield f"    code: {{text: {name}}}"
        if patient:
            yield "    subject: =reference patient"
        yield "    extension:"
        for number, part in parts:
            path = f"{name}-{number}{f'.{part}' if part else ''}"
            yield f'      - {{url: "{prefix}:{path}", valueString: ={path}}}'


def _fields(mapping: Mapping) -> frozenset[str]:
    """Every field that a rule of a mapping reads, without its parts."""
    places = {position(place) for rule in mapping.rules() for place in rule.reads}
    return frozenset(place.partition(".")[0] for place in places)


def _owned(segments: Sequence[list[str]], structure: str) -> Iterator[tuple[str, str]]:
    """The Z-segments that stand between two groups of one kind, and that group.

    One that ends a message may belong to its last group or to the message: nobody can tell.
    """
    root = standard(structure)
    if root is None:
        return
    group = ""
    for at, row in enumerate(segments):
        if not row[0].startswith("Z"):
            group = _group_of(root, row[0], group)
        elif group and any(later[0] == _start(root, group) for later in segments[at + 1 :]):
            yield row[0], group


def _start(root: Group, name: str) -> str:
    found = root.child(name)
    return found.start if found else ""


def _group_of(root: Group, name: str, current: str) -> str:
    """The group of the first level that a segment begins or goes on with."""
    open_ = root.child(current)
    if open_ is not None and name in open_.segments():
        return current
    return next((group.name for group in root.groups if group.start == name), "")

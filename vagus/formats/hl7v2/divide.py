"""One message into several: a part for each occurrence of a segment or group (step `split`)."""

from __future__ import annotations

from vagus.formats.groups import Group
from vagus.formats.hl7v2 import dictionary, reader
from vagus.formats.hl7v2.message import Message
from vagus.formats.hl7v2.structures import structure, structures


def divide(message: Message, name: str) -> list[Message]:
    """One message for each occurrence, holding all that stands outside of every occurrence.

    `name` is a group of the message's structure or a segment; none or one occurrence gives the
    message alone.
    """
    starts, members = _extent(message.structure, name)
    spans: list[tuple[int, int]] = []
    for index, segment in enumerate(message.segments):
        if segment[0] in starts:
            spans.append((index, index + 1))
        elif spans and spans[-1][1] == index and _within(segment[0], members):
            spans[-1] = (spans[-1][0], index + 1)
    if len(spans) < 2:
        return [message]
    shared = {index for start, end in spans for index in range(start, end)}
    return [
        _part(message, [i for i in range(len(message.segments)) if i not in shared or a <= i < b])
        for a, b in spans
    ]


def names() -> list[str]:
    """What a message can be divided by: segments, and groups of the structures known."""
    trees = [tree for name in structures() if (tree := structure(name))]
    groups = {group.name for tree in trees for group in tree.walk() if group is not tree}
    return [*dictionary.segments(), *sorted(groups)]


def encode(message: Message) -> bytes:
    """The bytes of a message in its own delimiters and character set."""
    return _text(message, range(len(message.segments))).encode(message.charset)


def _within(segment: str, members: frozenset[str]) -> bool:
    return segment in members or segment.startswith("Z")


def _extent(structure_name: str, name: str) -> tuple[frozenset[str], frozenset[str]]:
    """The segments that start an occurrence, and those that go on with it."""
    tree = structure(structure_name)
    group = next((item for item in tree.walk() if item.name == name), None) if tree else None
    if group is None:
        return frozenset((name,)), frozenset()
    return frozenset((group.start,)), frozenset(_members(group))


def _members(group: Group) -> set[str]:
    found: set[str] = set()
    for level in group.walk():
        found.update(level.members)
        if level is not group:
            found.add(level.start)
    return found


def _part(message: Message, indexes: list[int]) -> Message:
    return reader.read(_text(message, indexes), message.charset)


def _text(message: Message, indexes: range | list[int]) -> str:
    field = message.separators.field
    lines = []
    for index in indexes:
        segment = message.segments[index]
        fields = [segment[0], *segment[2:]] if segment[0] == "MSH" else segment
        lines.append(field.join(fields) + "\r")
    return "".join(lines)

"""An implementation guide, read from its YAML file.

Blocks are copied where they are used, so that a line always knows what it stands in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vagus.formats.data import document
from vagus.formats.x12 import dictionary, notation
from vagus.formats.x12.notation import Use
from vagus.formats.x12.situations import Situation, parse
from vagus.formats.x12.tree import QUALIFIED, Line, Loop
from vagus.kernel.diagnostics import Diagnostics, Place
from vagus.kernel.strictyaml import Fields, Items, Node, Text

_MOST_DEPTH = 12


@dataclass(frozen=True, slots=True)
class Guide:
    """One implementation guide in one direction."""

    id: str  # 005010X279A1
    transaction: str  # ST01
    type: str  # the transaction, told apart where ST01 has several guides: 837P
    group: str  # GS01
    purposes: frozenset[str]  # BHT01 and BHT02 that choose it, as 0007/13; empty: any
    marks: frozenset[str]  # segments that tell it from others of its id, when BHT does not
    units: frozenset[str]  # loops that are one unit of work
    root: Loop
    situations: tuple[Situation, ...] = ()

    @property
    def release(self) -> str:
        """The release of the standard it builds on."""
        return self.id[:6]


def load(path: Path) -> Guide:
    """The guide that a file describes; raises ConfigError naming file, line and column."""
    return _Reader(path).guide()


class _Reader:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._diagnostics = Diagnostics()
        self._document = document(path)
        self._name = self._text("guide")
        shared = path.parent / "shared.yaml"
        self._codes = {**dictionary.texts(document(shared)), **self._section("codes")}
        self._segments = dictionary.segments(path.parent.name)
        blocks = self._document.entries.get("blocks")
        self._blocks = blocks.entries if isinstance(blocks, Fields) else {}

    def guide(self) -> Guide:
        root = Loop("", True, 1, None)
        body = self._document.entries["body"]
        self._fill(root, body, "", _MOST_DEPTH)
        situations = tuple(self._situations(root))
        self._diagnostics.raise_errors()
        return Guide(
            self._name,
            self._text("transaction"),
            self._text("type") or self._text("transaction"),
            self._text("group"),
            frozenset(self._text("purposes").split()),
            frozenset(self._text("marks").split()),
            frozenset(self._text("units").split()),
            root,
            situations,
        )

    def _situations(self, root: Loop) -> Iterator[Situation]:
        node = self._document.entries.get("situations")
        for item in node.items if isinstance(node, Items) else ():
            try:
                yield parse((item.value or "") if isinstance(item, Text) else "", root)
            except ValueError as error:
                self._error(item.place, str(error))

    def _text(self, name: str) -> str:
        node = self._document.entries.get(name)
        return (node.value or "") if isinstance(node, Text) else ""

    def _section(self, name: str) -> dict[str, str]:
        node = self._document.entries.get(name)
        return dictionary.texts(node) if isinstance(node, Fields) else {}

    def _fill(self, loop: Loop, node: Node, suffix: str, depth: int) -> None:
        if not isinstance(node, Fields) or depth == 0:
            self._error(node.place, "a loop is a map of lines and loops")
            return
        for key, value in node.entries.items():
            try:
                self._member(loop, key, value, suffix, depth)
            except ValueError as error:
                self._error(node.keys[key], str(error))

    def _member(self, loop: Loop, key: str, value: Node, suffix: str, depth: int) -> None:
        text = (value.value or "") if isinstance(value, Text) else None
        if key.startswith("+ "):
            self._fill(loop, self._block(key[2:]), suffix, depth - 1)
        elif text is not None and not text.startswith("="):
            self._line(loop, key, text)
        else:
            self._loop(loop, key, value, text, suffix, depth)

    def _loop(
        self, parent: Loop, key: str, value: Node, text: str | None, suffix: str, depth: int
    ) -> None:
        name, _, rest = key.partition(" ")
        required, most = notation.usage(rest)
        if text is not None:
            block, _, suffix = text[1:].strip().partition(" ")
            value = self._block(block)
        loop = Loop(name.replace("@", suffix), required, most, parent, len(parent.members))
        parent.members.append(loop)
        self._fill(loop, value, suffix, depth - 1)
        if not loop.members or isinstance(loop.members[0], Loop):
            parent.members.pop()
            raise ValueError(f"loop {loop.id} must begin with a segment")
        loop.place = _place(parent, loop.trigger.id)

    def _block(self, name: str) -> Node:
        if name not in self._blocks:
            raise ValueError(f"no block is called '{name}'")
        return self._blocks[name]

    def _line(self, loop: Loop, key: str, text: str) -> None:
        name = key.split()[0]
        if name not in self._segments:
            raise ValueError(f"the dictionary has no segment {name}")
        said = notation.statement(text, self._codes)
        segment = self._segments[name]
        if said.uses and said.uses[-1].number > len(segment.positions):
            raise ValueError(f"{name} has {len(segment.positions)} elements")
        line = Line(
            name,
            key,
            loop,
            said.required,
            said.most,
            said.uses,
            segment.notes + said.notes,
            segment,
            len(loop.members),
            0,
            _qualifiers(name, said.uses),
        )
        loop.members.append(line)
        line.place = _place(loop, name)

    def _error(self, place: Place, text: str) -> None:
        self._diagnostics.error(place, "bad-guide", text)


def _place(loop: Loop, segment: str) -> int:
    """The place of the member that has just been added to a loop."""
    if len(loop.members) < 3:
        return len(loop.members) - 1
    before = loop.members[-2]
    name = before.id if isinstance(before, Line) else before.trigger.id
    return before.place if name == segment else before.place + 1


def _qualifiers(name: str, uses: tuple[Use, ...]) -> frozenset[str] | None:
    element, component = QUALIFIED.get(name, (0, 0))
    for use in uses:
        if use.number == element:
            if not component:
                return use.codes
            return next((part.codes for part in use.parts if part.number == component), None)
    return None

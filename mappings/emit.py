"""Builds the text of generated Python: lines, nested blocks, and values computed once (§14).

A line is a text or a function that gives it when everything is known, e.g. how far the rows of a
segment are padded. Texts of users never become code: they enter as `repr` or as constants.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Line = str | Callable[[], str]
#: How many lines below a literal are looked at for what is added to it.
NEAR = 12
_NAMES = re.compile(r"\b[a-z]\d+[a-z]*\b")


class Names:
    """Hands out names, and takes them back when what they name is done with.

    A function pays for every local name at every call, so siblings share theirs.
    """

    def __init__(self) -> None:
        self._passing = 0
        self._local = 0
        self._lasting = 0

    def fresh(self) -> str:
        """A name for a value of the element being written."""
        self._passing += 1
        return f"v{self._passing}"

    def local(self, block: Block) -> str:
        """A name for a value hoisted into a block, for as long as the block lasts."""
        self._local += 1
        block.top = self._local
        return f"h{self._local}"

    def resume(self, top: int) -> None:
        """A new statement begins: local names above a number are free again."""
        self._local = top

    def lasting(self) -> str:
        """A name that is never given again."""
        self._lasting += 1
        return f"g{self._lasting}"

    @contextmanager
    def passing(self) -> Iterator[None]:
        """What is named by `fresh` inside is done with afterwards."""
        count = self._passing
        try:
            yield
        finally:
            self._passing = count

    @property
    def top(self) -> int:
        """The number of the last local name."""
        return self._local


class Block:
    """A straight run of statements at one level of indentation.

    Everything hoisted into it stands before the statement being written, so it is bound for all
    that follows and for every block inside.
    """

    def __init__(self, parent: Block | None, indent: int, names: Names) -> None:
        self.parent = parent
        self._names = names
        self.top = names.top
        self.indent = indent
        self._extra = 0
        self._lines: list[tuple[int, Line]] = []
        self._mark = 0
        self._shift = 0
        self._sizes: dict[object, list[int]] = {}
        self.forward: Block | None = None  # where hoisted lines go instead
        self.regions = 0  # open stretches that may come to stand under a test
        self._known: dict[object, str] = {}
        self.covers: dict[tuple[str, str, bool], int] = {}
        self.weight = 0

    @property
    def level(self) -> int:
        """The indentation the next line gets."""
        return self.indent + self._extra

    def statement(self) -> None:
        """A new statement of the block begins: hoisted lines go before it."""
        if not self._extra and not self.regions:
            self._mark = len(self._lines)
            self._names.resume(self.top)

    def add(self, line: Line) -> None:
        """Write a line."""
        self._lines.append((self.level, line))

    def begin(self, name: str, literal: str) -> None:
        """Write a line that names a list or object, to which more will be added."""
        line = f"{name} = {literal}"
        self.add(Begun(line) if literal[-1] in "]}" else line)

    @contextmanager
    def indented(self) -> Iterator[None]:
        """What follows stands one level further in."""
        self._extra += 1
        try:
            yield
        finally:
            self._extra -= 1

    def untouched(self, since: tuple[int, int]) -> bool:
        """Whether no line was written since a position, hoisted ones aside."""
        return len(self._lines) - since[0] == self._shift - since[1]

    def precede(self, since: tuple[int, int], *headers: Line) -> None:
        """Put headers before the lines since a position; those stand under the last of them."""
        start = since[0] + self._shift - since[1]
        inner = self._lines[start:]
        self._lines[start:] = [
            *((self.level, header) for header in headers),
            *((level + 1, line) for level, line in inner),
        ]

    @contextmanager
    def inside(self, header: Line) -> Iterator[None]:
        """Write a header, and what follows one level further in."""
        self.add(header)
        self._extra += 1
        try:
            yield
        finally:
            self._extra -= 1

    def known(self, key: object) -> str | None:
        """The name a value already has here or further out."""
        block: Block | None = self
        while block is not None:
            if key in block._known:
                return block._known[key]
            block = block.parent
        return None

    def open(self, key: object) -> list[int]:
        """The size, still growing, of what is about to be hoisted under a key."""
        if self.forward is not None:
            return self.forward.open(key)
        return self._sizes.setdefault(key, [1])

    def least(self, key: object) -> list[int]:
        """The size of what was hoisted under a key, here or further out."""
        block: Block | None = self
        while block is not None:
            if key in block._sizes:
                return block._sizes[key]
            block = block.parent
        raise KeyError(key)

    def hoist(self, key: object, name: str, lines: list[tuple[int, Line]]) -> str:
        """Put lines before the statement being written and remember what they bind."""
        if self.forward is not None:
            return self.forward.hoist(key, name, lines)
        placed = [(self.indent + extra, line) for extra, line in lines]
        self._insert(placed)
        self._known[key] = name
        return name

    def _insert(self, lines: list[tuple[int, Line]]) -> None:
        self._lines[self._mark : self._mark] = lines
        self._mark += len(lines)
        self._shift += len(lines)

    def position(self) -> tuple[int, int]:
        """Where the next line goes, for `enclose`."""
        return len(self._lines), self._shift

    def enclose(self, since: tuple[int, int], header: Line, least: int) -> None:
        """Put the lines since a position under a header, if there are enough of them."""
        start = since[0] + self._shift - since[1]
        inner = self._lines[start:]
        guarded = inner[:1] == [(self.level, header)] and all(
            level > self.level for level, _ in inner[1:]
        )
        if len(inner) >= least and not guarded:
            self._lines[start:] = [
                (self.level, header),
                *((level + 1, line) for level, line in inner),
            ]

    def forget(self, since: tuple[int, int]) -> None:
        """Take back the lines since a position, hoisted ones aside."""
        del self._lines[since[0] + self._shift - since[1] :]

    def under(self, *headers: Line) -> None:
        """Put all lines under headers; the last ones go in with them, from the colon on."""
        outer = next(at for at, line in enumerate(headers) if str(line).endswith(":")) + 1
        self._lines = [
            *((self.indent + (at >= outer), header) for at, header in enumerate(headers)),
            *((level + 1, line) for level, line in self._lines),
        ]
        self._mark = len(self._lines)

    def graft(self, other: Block, key: object, name: str) -> None:
        """Put the lines of another block before the statement being written."""
        self._insert(other._lines)
        self._known[key] = name

    def close(self) -> None:
        """Hand the lines to the block outside, where its next line stands."""
        assert self.parent is not None
        if not self._lines:
            self.add("pass")
        self.parent._lines.extend(self._lines)
        self.parent.weight += self.weight

    def text(self) -> str:
        """The whole text of an outermost block."""
        lines = [(level, line if isinstance(line, str) else line()) for level, line in self._lines]
        for at in range(len(lines)):
            _grow(lines, at)
        return "\n".join("    " * level + line for level, line in lines if line)


class Begun(str):
    """A line that names the literal of a list or object, to which more is added later."""

    __slots__ = ()


def _grow(lines: list[tuple[int, str]], at: int) -> None:
    """Put what is surely added to a literal into it, as long as nothing else is done with it.

    The literal then stands where that was added. Whatever stands between must have nothing to do
    with the names in it, and it must not call anything, so that calls keep their order.
    """
    level, line = lines[at]
    while isinstance(line, Begun):
        name = line[: line.index(" ")]
        used = re.compile(rf"\b{name}\b")
        inside = set(_NAMES.findall(line))
        for below in range(at + 1, min(at + 1 + NEAR, len(lines))):
            depth, other = lines[below]
            if depth < level:
                return
            if used.search(other):
                break
            if other and ("(" in line or not inside.isdisjoint(_NAMES.findall(other))):
                return
        else:
            return
        start, end = (f"{name}.append(", ")") if line[-1] == "]" else (f"{name}['", "")
        if depth != level or not other.startswith(start) or len(used.findall(other)) > 1:
            return
        new = other[len(name) + 1 :].replace("'] = ", "': ", 1)
        if end:
            new = other[len(start) : -1]
        whole = line[:-1] if line[-2] in "[{" else f"{line[:-1]}, "
        lines[at] = (level, "")
        at, line = below, Begun(f"{whole}{new}{line[-1]}")
        lines[at] = (level, line)

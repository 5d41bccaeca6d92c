"""A transaction set that no guide is known for: skipped to its SE, counted and checked."""

from __future__ import annotations

from collections.abc import Sequence

from vagus.formats.finding import Severity
from vagus.formats.x12.delimiters import Delimiters
from vagus.formats.x12.findings import Finding, finding
from vagus.formats.x12.tokenizer import Chunk
from vagus.formats.x12.transaction import SERVICE
from vagus.formats.x12.values import whole


class Unguided:
    """Reads a set without understanding it; every such set is refused."""

    def __init__(self, delimiters: Delimiters, control: tuple[str, str, str], kind: str) -> None:
        self.control = control
        self.findings: list[Finding] = []
        self.position = 0
        self.unit = 0
        self.refused = 0
        self.warned = 0
        self.is_over = False
        self._element = delimiters.element
        self._add(kind, "ST", 0)

    def read(self, chunk: Chunk, segments: Sequence[str], start: int) -> int:
        """Skip segments from an index on; returns the index of the first that is not its own."""
        for index in range(start, len(segments)):
            name = segments[index][:4].split(self._element, 1)[0]
            if name in SERVICE and (name != "ST" or self.position):
                self.cut_off()
                return index
            self.position += 1
            if name == "SE":
                self.is_over = True
                self._trailer(segments[index], chunk.where(index))
                return index + 1
        return len(segments)

    def cut_off(self) -> None:
        """SE never came."""
        self.is_over = True
        self._add("se-missing", "SE", 0)

    def add(self, item: Finding) -> None:
        """Record a finding."""
        self.refused += item.severity is Severity.ERROR
        self.findings.append(item)

    def _trailer(self, raw: str, offset: int) -> None:
        count, control = ([*raw.split(self._element), "", ""])[1:3]
        if whole(count) != self.position:
            self._add("se-count", "SE", offset, 1)
        if control != self.control[2]:
            self._add("se-control", "SE", offset, 2)

    def _add(self, kind: str, segment: str, offset: int, element: int = 0) -> None:
        self.add(
            finding(
                kind,
                segment=segment,
                position=max(self.position, 1),
                element=element,
                offset=offset,
                control=self.control,
            )
        )

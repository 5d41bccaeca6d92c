"""Reading a file of any size: interchanges, groups and transaction sets with what is wrong.

Nothing grows with the input: a chunk of segments and the set being read are in memory, and each
result is handed out once it is over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from vagus.formats.x12 import guides, service, values
from vagus.formats.x12.automaton import automaton
from vagus.formats.x12.checks import watchers
from vagus.formats.x12.delimiters import Delimiters
from vagus.formats.x12.findings import finding
from vagus.formats.x12.guide import Guide
from vagus.formats.x12.results import (
    Acknowledged,
    Group,
    Interchange,
    Outside,
    Result,
    TransactionSet,
    Verdict,
    verdict,
)
from vagus.formats.x12.tokenizer import BLANK, BOM, EDIFACT, Chunk, chunks
from vagus.formats.x12.transaction import Collector, SetReader
from vagus.formats.x12.unguided import Unguided

_NOWHERE = ("", "", "")
LEVELS = 5
_MOST_ACKNOWLEDGED = 1000
_AHEAD = 200  # segments after ST that may tell its guide
Collecting = Callable[[Guide, Delimiters, tuple[str, str, str]], Collector | None]


def read(
    pieces: Iterable[bytes], collecting: Collecting | None = None, level: int = LEVELS
) -> Iterator[Result]:
    """Every set, group and interchange of an input that arrives in pieces, as each ends.

    `collecting` may give a collector for a set of a guide; then it is told every segment.
    `level` is the highest SNIP level to check.
    """
    reader = _Reader(collecting, level)
    for chunk in chunks(pieces):
        yield from reader.take(chunk)
    yield from reader.end()


class _Reader:
    def __init__(self, collecting: Collecting | None, level: int) -> None:
        self._collecting = collecting
        self._level = level
        self._interchange: Interchange | None = None
        self._group: Group | None = None
        self._set: TransactionSet | None = None
        self._body: SetReader | Unguided | None = None
        self._waiting: tuple[Chunk, list[str], int] | None = None  # an ST, its BHT not yet seen
        self._seen: set[str] = set()  # GS06 of this interchange
        self._numbers: set[str] = set()  # ST02 of this group
        self._any = False
        self._is_outside = False  # the chunk before was outside any interchange, and told of

    def take(self, chunk: Chunk) -> Iterator[Result]:
        """The results that a chunk completes."""
        if chunk.fault and not chunk.starts:
            yield from self._odd(chunk)
            return
        segments = [] if chunk.starts else chunk.clean()
        self._open_waiting(segments)
        if chunk.starts:
            yield from self._start(chunk)
        index = 0
        while index < len(segments):
            if self._body is not None:
                index = self._body.read(chunk, segments, index)
                if self._body.is_over:
                    end = chunk.where(index) if index < len(segments) else chunk.end
                    yield self._close(end)
                continue
            yield from self._enclosing(chunk, segments, index)
            index += 1

    def end(self) -> Iterator[Result]:
        """What the end of the input leaves open."""
        self._open_waiting([])
        yield from self._break_off("iea-missing")
        if not self._any:
            yield Outside(0, 0, [finding("no-interchange", segment="ISA")])

    def _odd(self, chunk: Chunk) -> Iterator[Result]:
        if chunk.fault in ("unterminated", "segment-too-long") and self._interchange:
            item = finding(chunk.fault, control=self._control(), offset=chunk.offset)
            if item.kind not in {known.kind for known in self._interchange.findings}:
                self._interchange.findings.append(item)
        elif chunk.fault == "outside-interchange":
            kind = _outside(chunk.text.strip(BLANK))
            if not self._is_outside:
                yield Outside(chunk.offset, len(chunk.text), [finding(kind, offset=chunk.offset)])
            self._is_outside = True

    def _start(self, chunk: Chunk) -> Iterator[Result]:
        yield from self._break_off("iea-missing")
        self._any, self._is_outside = True, False
        self._seen = set()
        isa = chunk.segments[0].split(chunk.delimiters.element)
        self._interchange = Interchange(
            (isa[13], "", ""),
            chunk.delimiters,
            f"{isa[5]}/{isa[6].strip()}",
            f"{isa[7]}/{isa[8].strip()}",
            isa[12],
            isa[15],
            isa[14] == "1",
            isa[9],
            isa[10],
            chunk.offset,
        )
        if chunk.fault:
            self._fault(chunk.fault, "ISA", chunk.offset)
        for kind, number in service.header_faults(isa, chunk.delimiters):
            self._fault(kind, "ISA", chunk.offset, number)
        if chunk.fault.startswith("delimiter"):
            # Nothing after it can be cut into segments.
            yield from self._break_off("")

    def _enclosing(self, chunk: Chunk, segments: list[str], index: int) -> Iterator[Result]:
        raw = segments[index]
        parts = raw.split(chunk.delimiters.element)
        offset = chunk.where(index)
        match parts[0]:
            case "":
                return
            case "GS":
                yield from self._end_group("ge-missing", offset)
                self._start_group(parts, offset)
            case "ST":
                if self._group is None:
                    self._fault("gs-missing", "ST", offset)
                    self._start_group(["GS", *[""] * 8], offset, is_real=False)
                if index + 1 < len(segments):
                    self._open(chunk, segments, index, segments[index + 1 : index + _AHEAD])
                else:
                    self._waiting = (chunk, segments, index)
            case "GE":
                yield from self._trailer(parts, offset)
            case "IEA":
                yield from self._end_group("ge-missing", offset)
                yield self._end_interchange(parts, offset, offset + len(raw) + 1)
            case "TA1":
                self._acknowledge(raw, parts, chunk, offset)
            case _:
                self._fault("misplaced-segment", "", offset)

    def _acknowledge(self, raw: str, ta1: Sequence[str], chunk: Chunk, offset: int) -> None:
        assert self._interchange is not None
        for fault in service.acknowledgement_faults(raw, chunk.delimiters):
            self._fault(fault.kind, "TA1", offset, fault.element)
        if len(self._interchange.acknowledged) < _MOST_ACKNOWLEDGED:
            values = ([*ta1, *[""] * 5])[1:6]
            self._interchange.acknowledged.append(Acknowledged(*values))

    def _start_group(self, gs: Sequence[str], offset: int, is_real: bool = True) -> None:
        gs = [*gs, *[""] * 9]
        control = (self._control()[0], gs[6], "")
        self._group = Group(gs[1], gs[2].strip(), gs[3].strip(), gs[8], control)
        self._numbers = set()
        if not is_real:
            return
        assert self._interchange is not None
        self._interchange.groups += 1
        for kind, number in service.group_faults(gs[:9]):
            self._group_fault(kind, "GS", offset, number)
        if gs[6] in self._seen:
            self._group_fault("group-repeated", "GS", offset, 6)
        self._seen.add(gs[6])

    def _open_waiting(self, following: list[str]) -> None:
        """Begin the set whose ST was the last segment of the chunk before."""
        if self._waiting is not None:
            held, self._waiting = self._waiting, None
            self._open(*held, following=following)

    def _open(self, chunk: Chunk, segments: list[str], index: int, following: list[str]) -> None:
        """Begin a set; what follows ST may be needed to tell its guide."""
        assert self._group is not None
        element = chunk.delimiters.element
        st = segments[index].split(element) + [""] * 3
        bht = [*(following[0].split(element) if following else ()), "", "", ""]
        purpose = f"{bht[1]}/{bht[2]}" if bht[0] == "BHT" else ""
        version = st[3] or self._group.version
        ids = (raw.split(element, 1)[0] for raw in following)
        choice = guides.choose(st[1], self._group.code, version, purpose, ids)
        control = (*self._control()[:2], st[2])
        offset = chunk.where(index)
        found = choice.guide
        kind, name = (found.type, found.id) if found else (st[1], "")
        self._set = TransactionSet(st[1], kind, version, name, control, offset)
        if found is None:
            kind = "version-unknown" if choice.is_known else "set-unsupported"
            self._body = Unguided(chunk.delimiters, control, kind)
        else:
            self._body = self._guided(chunk, found, control)
        self._body.read(chunk, segments[: index + 1], index)
        self._first_faults(st, choice, offset)

    def _guided(self, chunk: Chunk, guide: Guide, control: tuple[str, str, str]) -> SetReader:
        ids = watchers.watched(guide, self._level)
        body = SetReader(automaton(guide, chunk.delimiters, ids), control)
        watchers.attach(body, self._level)
        if self._collecting is not None:
            body.collector = self._collecting(guide, chunk.delimiters, control)
        return body

    def _first_faults(self, st: Sequence[str], choice: guides.Choice, offset: int) -> None:
        assert self._group is not None
        assert self._body is not None
        kinds = []
        if st[2] in self._numbers:
            kinds.append(("set-repeated", 2))
        self._numbers.add(st[2])
        if choice.guide is not None:
            if choice.is_alias:
                kinds.append(("version-alias", 3))
            if st[3] and self._group.version and st[3] != self._group.version:
                kinds.append(("set-version", 3))
            if self._group.code and choice.guide.group != self._group.code:
                kinds.append(("group-other", 1))
        for kind, element in kinds:
            self._body.add(
                finding(
                    kind,
                    segment="ST",
                    position=1,
                    element=element,
                    offset=offset,
                    control=self._body.control,
                )
            )

    def _close(self, end: int) -> TransactionSet:
        body, done = self._body, self._set
        assert body is not None
        assert done is not None
        assert self._group is not None
        done.findings = body.findings
        done.segments, done.units = body.position, body.unit
        done.size = end - done.offset
        done.verdict = verdict(body.refused, body.warned)
        self._group.received += 1
        self._group.accepted += done.verdict is not Verdict.REJECTED
        self._body = self._set = None
        return done

    def _trailer(self, ge: Sequence[str], offset: int) -> Iterator[Result]:
        if self._group is None:
            self._fault("misplaced-segment", "GE", offset)
            return
        count, control = ([*ge, "", ""])[1:3]
        self._group.included = count
        if values.whole(count) != self._group.received:
            self._group_fault("ge-count", "GE", offset, 1)
        if control != self._group.control[1]:
            self._group_fault("ge-control", "GE", offset, 2)
        done, self._group = self._group, None
        yield done

    def _end_group(self, kind: str, offset: int) -> Iterator[Result]:
        """Close a group that has no GE; one made up for a set without GS is not missed."""
        if self._group is None:
            return
        if self._group.control[1]:
            self._group_fault(kind, "GE", offset)
        done, self._group = self._group, None
        yield done

    def _end_interchange(self, iea: Sequence[str], offset: int, end: int) -> Interchange:
        done = self._interchange
        assert done is not None
        count, control = ([*iea, "", ""])[1:3]
        if values.whole(count) != done.groups:
            self._fault("iea-count", "IEA", offset, 1)
        if control != done.control[0]:
            self._fault("iea-control", "IEA", offset, 2)
        done.size = end - done.offset
        self._interchange = None
        return done

    def _break_off(self, kind: str) -> Iterator[Result]:
        """Close all that is open where the input, or this interchange, ends too early."""
        if self._body is not None:
            self._body.cut_off()
            yield self._close(self._set.offset if self._set else 0)
        yield from self._end_group("ge-missing", 0)
        if self._interchange is not None:
            if kind:
                self._fault(kind, "IEA", self._interchange.offset)
            done, self._interchange = self._interchange, None
            yield done

    def _control(self) -> tuple[str, str, str]:
        if self._group is not None:
            return self._group.control
        return self._interchange.control if self._interchange else _NOWHERE

    def _fault(self, kind: str, segment: str, offset: int, element: int = 0) -> None:
        assert self._interchange is not None
        control = self._interchange.control
        self._interchange.findings.append(
            finding(kind, segment=segment, element=element, offset=offset, control=control)
        )

    def _group_fault(self, kind: str, segment: str, offset: int, element: int = 0) -> None:
        assert self._group is not None
        self._group.findings.append(
            finding(
                kind, segment=segment, element=element, offset=offset, control=self._group.control
            )
        )


def _outside(text: str) -> str:
    """The kind of finding that text outside any interchange deserves."""
    if text == BOM:
        return "byte-order-mark"
    return "edifact" if text.removeprefix(BOM).startswith(EDIFACT) else "outside-interchange"

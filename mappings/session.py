"""One walk over one mapping: what all parts of the walk share (§14)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from mappings.emit import Block, Names
from mappings.ignoring import Ignored
from mappings.memory import Memory
from mappings.result import Rule
from mappings.runtime import Site
from mappings.scopes import Scope
from mappings.seen import Seen
from mappings.structures import Group
from mappings.tables import Table
from vagus.kernel.diagnostics import Diagnostics, Place


@dataclass(frozen=True, slots=True)
class Flags:
    """Which variant is written. `loss` is '', 'field' or 'component'."""

    full: bool = False
    loss: str = ""
    trace: bool = False

    @property
    def name(self) -> str:
        """How the variant is called."""
        parts = ["full" if self.full else "plain"]
        parts += [f"loss-{self.loss}"] if self.loss else []
        parts += ["trace"] if self.trace else []
        return "+".join(parts)

    @property
    def counted(self) -> bool:
        """Whether rows carry a mask and an occurrence."""
        return bool(self.loss) or self.trace


@dataclass(frozen=True, slots=True)
class Plan:
    """A mapping with its overlay and templates merged, ready to be walked."""

    name: str
    place: Place
    source: str  # hl7v2, x12 or fhir
    structure: str
    target: str
    group: Group
    body: Any  # Object of resources, or Items of segments
    segments: bool
    ignore: tuple[Ignored, ...]  # stated here, and not read
    inherited: tuple[Ignored, ...]  # what an overlay's base ignores, which the overlay may read
    events: tuple[str, ...]
    tables: Mapping[str, Table]
    removed: frozenset[str] = frozenset()  # resources an overlay took away
    version: str = ""


class Part(Protocol):
    """A function of its own that part of a mapping is written as."""

    def site(self, site: Site) -> str:
        """The code of a site's number within the function."""
        ...

    def suffix(self, element: str) -> str:
        """The part of an element's path that is the same wherever the function is called."""
        ...


@dataclass(slots=True)
class Session:
    """The state of one walk; `block` and `scope` move as the walk goes in and out."""

    plan: Plan
    flags: Flags
    report: Diagnostics
    seen: Seen | None = None  # what messages hold: the rest is left out
    left_out: dict[str, set[int]] = field(default_factory=dict)
    relied: dict[str, set[int]] = field(default_factory=dict)
    without: tuple[dict[str, set[int]], ...] = field(default_factory=lambda: ({}, {}, {}))
    single: set[str] = field(default_factory=set)
    bound: int = 0  # the most that loops without a count add to it
    names: Names = field(default_factory=Names)
    constants: dict[str, Any] = field(default_factory=dict)
    sites: list[Site] = field(default_factory=list)
    widths: dict[str, int] = field(default_factory=dict)
    dummies: set[str] = field(default_factory=set)
    used_tables: set[str] = field(default_factory=set)
    static_paths: set[str] = field(default_factory=set)
    covered: set[tuple[str, int]] = field(default_factory=set)  # fields that something reads
    block: Block = field(init=False)
    scope: Scope = field(default_factory=lambda: Scope("message"))
    place: Place = field(default_factory=lambda: Place(""))
    element: list[str] = field(default_factory=list)
    owner: str = ""  # code of `Type/id` of the resource being filled
    prefix: str = ""  # code of the output path so far, trace only
    eachs: int = 0
    counters: dict[str, str] = field(default_factory=dict)  # of segments that several loops write
    repeated: Part | None = None  # the function being written, if one is
    firsts: frozenset[tuple[str, int]] = frozenset()  # fields of which only .1 is ever read
    repeats: dict[str, int] = field(default_factory=dict)
    functions: dict[tuple[str, ...], Any] = field(default_factory=dict)
    function_texts: list[str] = field(default_factory=list)
    memory: Memory = field(default_factory=Memory)
    fixed: dict[str, str] = field(default_factory=dict)  # names of constant objects, by code
    arounds: list[str] = field(default_factory=list)  # code of objects around a value `v`
    references: dict[str, Scope] = field(default_factory=dict)  # where an id belongs, by its name
    touched: set[tuple[str, str, int]] = field(default_factory=set)
    reads: set[str] = field(default_factory=set)
    shared: dict[object, tuple[str, dict[tuple[str, str, bool], int]]] = field(default_factory=dict)
    quiet: bool = False  # an unknown system is reported elsewhere
    lenient: bool = False  # taking the first repetition needs no remark
    rules: list[Rule] = field(default_factory=list)  # trace only
    ruled: dict[int, int] = field(default_factory=dict)  # the number of a node's rule, by its id()
    looked: set[str] = field(default_factory=set)  # fields that the rule being written reads
    _site_of: dict[Site, int] = field(default_factory=dict)
    _constant_of: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.block = Block(None, 1, self.names)

    def error(self, code: str, text: str, place: Place | None = None) -> None:
        """Report a finding that must be mended, at the expression being walked."""
        self.report.error(place or self.place, code, text)

    def warning(self, code: str, text: str, place: Place | None = None) -> None:
        """Report a finding that a person should look at."""
        self.report.warning(place or self.place, code, text)

    def site(self, where: str = "") -> str:
        """The code of the number under which the run reports this place of the mapping."""
        site = (str(self.place), self.place.line, where, ".".join(self.element))
        if self.repeated is not None:
            return self.repeated.site(site)
        if site not in self._site_of:
            self._site_of[site] = len(self.sites)
            self.sites.append(site)
        return str(self._site_of[site])

    def constant(self, value: Any, letter: str = "K") -> str:
        """The name under which the generated code finds an object."""
        name = self._constant_of.get(id(value))
        if name is None:
            name = f"{letter}_{len(self.constants)}"
            self.constants[name] = value
            self._constant_of[id(value)] = name
        return name

    def width(self, segment: str, field_number: int) -> None:
        """A field of a segment is read: rows must reach that far."""
        self.widths[segment] = max(self.widths.get(segment, 1), field_number + 1)

    def hoisted_name(self) -> str:
        """A name for what is hoisted into the current block."""
        names = self.names
        block = self.block
        return names.local(block) if block.forward is None else names.lasting()

    def dummy(self, segment: str) -> str:
        """The name of the empty row that stands for a segment that is not there."""
        self.dummies.add(segment)
        return f"D_{segment}"

    def mask_at(self, segment: str) -> int:
        """Where a row keeps its coverage; its occurrence follows. Known when the walk is over."""
        return self.widths.get(segment, 1)

    @contextmanager
    def nested(self, header: str | Callable[[], str] = "if True:") -> Iterator[Block]:
        """A block under a header in the current one.

        What is read inside does not count for the test in front of what stands around: the
        header hangs on something that was read before.
        """
        outer = self.block
        touched, self.touched = self.touched, set()
        outer.add(header)
        inner = Block(outer, outer.level + 1, self.names)
        self.block = inner
        try:
            with self.names.passing():
                yield inner
        finally:
            self.cover(inner)
            self.block = outer
            self.touched = touched
            inner.close()

    def cover(self, block: Block) -> None:
        """Write what a block covers at its end."""
        for (row, segment, many), mask in block.covers.items():
            if many:
                block.add(f"for r in {row}:")
                block.add(self._covering("    r", segment, mask))
            else:
                block.add(self._covering(row, segment, mask))
        block.covers.clear()

    def _covering(self, row: str, segment: str, mask: int) -> Callable[[], str]:
        return lambda: f"{row}[{self.mask_at(segment)}] |= {mask}"

    @contextmanager
    def within(self, scope: Scope) -> Iterator[None]:
        """Walk inside another scope."""
        outer, self.scope = self.scope, scope
        try:
            yield
        finally:
            self.scope = outer

    @contextmanager
    def at(self, place: Place) -> Iterator[None]:
        """Walk at another place of the file."""
        outer, self.place = self.place, place
        try:
            yield
        finally:
            self.place = outer

    @contextmanager
    def into(self, name: str) -> Iterator[None]:
        """Walk inside an output element."""
        self.element.append(name)
        try:
            yield
        finally:
            self.element.pop()

"""The state of one run of a mapping over one message, and how a run fails (§4.6, §9, §12)."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

from mappings import dates
from mappings.context import Context
from vagus.kernel.errors import MappingError

#: Stands for a separator the message does not have: no text contains it.
NEVER = "\x00\x00\x00\x00"
#: Stands among the positions read where one alternative gave nothing and the next begins.
ANOTHER = "||"
MAX_ITEMS = 10_000
MAX_RESOURCES = 5_000
MAX_ELEMENTS = 200_000

Site = tuple[str, int, str, str]  # file:line:column, line, position in the message, output element


class State:
    """One run of one mapping over one message."""

    __slots__ = (
        "_offset",
        "attempts",
        "charset",
        "component",
        "context",
        "copied",
        "deletes",
        "index",
        "instants",
        "mapping",
        "memory",
        "message",
        "misplaced",
        "nulls",
        "own",
        "read",
        "repetition",
        "rid",
        "rows",
        "separators",
        "sites",
        "sub",
        "taken",
        "text",
        "times",
        "trace",
        "version",
        "warnings",
    )

    def __init__(self, message: Any, context: Context, mapping: str, version: str) -> None:
        self.message = message
        self.context = context
        self.mapping = mapping
        self.version = version
        self.sites: Sequence[Site] = ()
        self.warnings: list[tuple[str, int]] = []
        self.misplaced: list[str] = []
        self.nulls: list[int] = []
        self.deletes: list[tuple[str, str, int]] = []
        self.taken: list[tuple[str, str, Any]] = []
        self.read: list[str] = []
        self.trace: list[tuple[str, int, tuple[str, ...]]] = []
        self.attempts: list[tuple[int, tuple[str, ...], bool]] = []
        self.rows: list[tuple[str, list[Any], list[str]]] = []
        self.times: dict[str, str] = {}
        self.instants: dict[str, str] = {}
        self.copied: dict[str, str] = {}
        self.memory: list[dict[Any, Any]] = []
        self.index: Any = None
        self.own = ""
        self.text = ""
        self.rid = context.identity.resource_id
        self._offset: str | None = None
        separators = getattr(message, "separators", None)
        self.separators = separators
        self.component = getattr(separators, "component", "") or NEVER
        self.repetition = getattr(separators, "repetition", "") or NEVER
        self.sub = getattr(separators, "subcomponent", "") or NEVER
        self.charset = getattr(message, "charset", "utf-8")

    def warn(self, code: str, site: int) -> None:
        """Note something to look at; a site below 0 is not worth a note."""
        if site < 0:
            return
        self.warnings.append((code, site))

    def traced(self, element: str, rule: int) -> None:
        """Note where an output element came from."""
        self.trace.append((element, rule, tuple(self.read)))

    def tried(self, rule: int, since: int, value: object) -> None:
        """Note that a rule was asked, and what it read since then."""
        self.attempts.append((rule, tuple(self.read[since:]), bool(value)))

    def fail(self, code: str, site: int, detail: str = "") -> MappingError:
        """The error that ends this run."""
        _, line, where, element = self.sites[site]
        return MappingError(
            code, mapping=self.mapping, line=line, path=detail or element, where=where
        )

    def offset_at(self, local: str) -> str:
        """The offset of a time that has none: that of MSH-7, else the endpoint's zone."""
        if self._offset is None:
            self._offset = self._senders_offset()
        return self._offset or dates.zone_offset(self.context.place, local)

    def _senders_offset(self) -> str:
        segments = getattr(self.message, "segments", None)
        if not segments or segments[0][0] != "MSH" or len(segments[0]) < 8:
            return ""
        return dates.offset_of(segments[0][7].split(self.component, 1)[0])

    def own_text(self) -> str:
        """What tells this message from every other: source, sender, control id and content."""
        message = self.message
        text = self.text or repr(message)
        digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
        sender, control = getattr(message, "sender", ""), getattr(message, "control", "")
        return f"{self.context.source}\x1e{sender}\x1e{control}\x1e{digest}"


def drop(state: State, kept: bool, resource: str, element: str) -> None:
    """Record an explicit delete unless the element got a value after all."""
    if not kept:
        state.deletes.append((resource, element, state.nulls[0]))
    state.nulls.clear()


def over(state: State, site: int, elements: int, items: int) -> None:
    """Raise the error of a message that would grow beyond the limits, if it would."""
    if items > MAX_ITEMS or elements > MAX_ELEMENTS:
        raise state.fail("output-limit", site)


def own_id(state: State, kind: str, name: str, indexes: Sequence[int], site: int) -> str:
    """The id of a resource that has no key of its own: made of the message's identity."""
    if site >= 0:
        state.warn("weak-key", site)
    if not state.own:
        state.own = state.own_text()
    return state.rid(kind, (state.own, name, *map(str, indexes)))


def missing(state: State, site: int) -> None:
    """Raise the error of a required element that got no value."""
    raise state.fail("required-missing", site)


def copied(state: State, source: dict[str, Any], own: str, kind: str) -> dict[str, Any]:
    """A shallow copy of a resource under its new id; references to it will follow."""
    for url in state.index.urls(source):
        state.copied[url] = f"urn:uuid:{own}"
    found = {"resourceType": kind, "id": own}
    found.update((key, value) for key, value in source.items() if key not in found)
    return found

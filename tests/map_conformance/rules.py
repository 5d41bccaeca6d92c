"""What the library's mappings do, as a list: which element is filled, and what is read for it.

It is taken from the expanded mappings, which the compiler walks too, so it holds what is done and
not what a comment promises. `test_conformance.py` holds it against what the compiler says it reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache

from mappings.catalogue import LIBRARY
from mappings.expressions import Alternative, Call, Path, Quoted, parse, parse_path
from mappings.headers import Reader
from mappings.loader import Loader
from mappings.nodes import Items, Node, Object, Text
from mappings.session import Plan
from vagus.kernel.diagnostics import Diagnostics, Place

_PATHS = {"concat": slice(1, None), "plus": slice(None), "absent": slice(1), "get": slice(1)}


@dataclass(frozen=True, slots=True)
class Source:
    """A position of the message: `component` and `sub` are 0 for the whole of what is around."""

    segment: str
    field: int = 0
    component: int = 0
    sub: int = 0

    def __str__(self) -> str:
        parts = (f"{self.segment}-{self.field}", self.component or None, self.sub or None)
        return ".".join(str(part) for part in parts if part is not None)

    def within(self, path: Path) -> Source:
        """The position that a relative path names within this one."""
        if self.component:
            return replace(self, sub=path.component)
        return replace(self, component=path.component, sub=path.sub)


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition on the text of a position: that it is one of some words, or none of them."""

    source: Source
    words: frozenset[str]
    wanted: bool


@dataclass(frozen=True, slots=True)
class Rule:
    """One element of one resource and what fills it.

    `element` is the path below the resource, without indexes; `place` is the line it is written
    in, `via` the lines that asked for the templates around it. `sources` are the positions its
    value is made of, `conditions` those that decide whether it is there, around it and in it.
    `references` are the resources of the same mapping it refers to or is written for each of,
    `urls` the extensions it lies in.
    `constants` are the texts that the mapping itself may write, `functions` those it applies.
    """

    mapping: str
    resource: str
    type: str
    element: tuple[str, ...]
    place: Place
    via: tuple[str, ...] = ()
    sources: frozenset[Source] = frozenset()
    conditions: frozenset[Source] = frozenset()
    references: frozenset[str] = frozenset()
    urls: tuple[str, ...] = ()
    constants: frozenset[str] = frozenset()
    functions: frozenset[str] = frozenset()
    filters: frozenset[Filter] = frozenset()


@dataclass(frozen=True, slots=True)
class _Read:
    """What an expression reads: for its value, for a condition, and which resources.

    `asked` is false where there is no expression at all.
    """

    sources: frozenset[Source] = frozenset()
    conditions: frozenset[Source] = frozenset()
    references: frozenset[str] = frozenset()
    constants: frozenset[str] = frozenset()
    functions: frozenset[str] = frozenset()
    filters: frozenset[Filter] = frozenset()
    asked: bool = False

    def __or__(self, other: _Read) -> _Read:
        return _Read(
            self.sources | other.sources,
            self.conditions | other.conditions,
            self.references | other.references,
            self.constants | other.constants,
            self.functions | other.functions,
            self.filters | other.filters,
            self.asked or other.asked,
        )

    @property
    def all(self) -> frozenset[Source]:
        return self.sources | self.conditions


_NOTHING = _Read()


@dataclass(frozen=True, slots=True)
class _Around:
    """Where the walk is: the element, the item paths begin at, what was asked on the way."""

    rule: Rule
    item: _Read = field(default=_NOTHING)

    def into(self, name: str) -> _Around:
        return replace(self, rule=replace(self.rule, element=(*self.rule.element, name)))


@cache
def rules() -> tuple[Rule, ...]:
    """The rules of every mapping of the library from HL7 v2 to FHIR."""
    diagnostics = Diagnostics()
    loader = Loader(diagnostics)
    loader.add(Reader(diagnostics).folder(LIBRARY, "library"), own=True)
    plans = [loader.plan(file) for file in loader.mappings.values()]
    diagnostics.raise_errors()
    wanted = (plan for plan in plans if plan and plan.source == "hl7v2" and not plan.segments)
    return tuple(rule for plan in wanted for rule in of(plan))


def of(plan: Plan) -> list[Rule]:
    """The rules of one mapping, in file order."""
    return list(_block(plan, plan.body, _Around(Rule(plan.name, "", "", (), plan.place))))


def _block(plan: Plan, body: Object, around: _Around) -> Iterator[Rule]:
    for name, node in body.elements():
        if not isinstance(node, Object):
            continue
        inner = node.entries.get("resources")
        if isinstance(inner, Object):
            yield from _block(plan, inner, _opened(node, around))
            continue
        kind = node.entries.get("resourceType")
        if isinstance(kind, Text):
            start = replace(around.rule, resource=name, type=kind.value or "")
            yield from _object(node.without("resourceType"), replace(around, rule=start))


def _opened(node: Object, around: _Around) -> _Around:
    """The surroundings inside an object: its `$each` is the item, its conditions are added."""
    asked = _NOTHING
    item = around.item
    for key in ("$each", "$when"):
        found = _asked(node.entries.get(key), item)
        asked |= found
        if key == "$each" and key in node.entries:
            item = found
    rule = around.rule
    return replace(
        around,
        rule=replace(
            rule,
            conditions=rule.conditions | asked.all,
            references=rule.references | asked.references,
            filters=rule.filters | asked.filters,
        ),
        item=item,
    )


def _asked(node: Node | None, item: _Read) -> _Read:
    found = _NOTHING
    for text in node.items if isinstance(node, Items) else (node,):
        if isinstance(text, Text) and text.reads:
            found |= _read(text, item)
    return found


def _object(node: Object, around: _Around, beside: _Read = _NOTHING) -> Iterator[Rule]:
    inside = _opened(node, around)
    url = node.entries.get("url")
    if isinstance(url, Text) and not url.reads:
        urls = (*around.rule.urls, url.value or "")
        inside = replace(inside, rule=replace(inside.rule, urls=urls))
    # an object of constants only is there whenever its parent is
    read = _of_object(node, inside)
    if not read.asked:
        read = beside
    for key, child in node.elements():
        yield from _node(child, inside.into(key), read)


def _node(node: Node, around: _Around, beside: _Read) -> Iterator[Rule]:
    match node:
        case Items(items=items):
            for item in items:
                yield from _node(item, around, beside)
        case Object():
            yield from _object(node, around, beside)
        case Text() if node.value is not None:
            rule = replace(around.rule, place=node.place, via=tuple(map(str, node.via)))
            if not node.reads:
                # a constant is there because of what is read beside it
                yield replace(
                    rule,
                    constants=frozenset((node.value,)),
                    conditions=rule.conditions | beside.all,
                    references=rule.references | beside.references,
                )
                return
            found = _read(node, around.item)
            yield replace(
                rule,
                sources=found.sources,
                conditions=rule.conditions | found.conditions,
                references=rule.references | found.references,
                constants=found.constants,
                functions=found.functions,
            )


def _of_object(node: Node, around: _Around) -> _Read:
    """All that is read anywhere in an object."""
    found = _NOTHING
    match node:
        case Text() if node.reads:
            return _read(node, around.item)
        case Items(items=items):
            for item in items:
                found |= _of_object(item, around)
        case Object():
            inside = _opened(node, around)
            found = _asked(node.entries.get("$when"), inside.item)
            if "$each" in node.entries:
                found |= inside.item
            for _, child in node.elements():
                found |= _of_object(child, inside)
        case _:
            pass
    return found


def _read(text: Text, item: _Read) -> _Read:
    found = _Read(asked=True)
    alternatives = parse(text.value or "=").alternatives
    for alternative in alternatives:
        found |= _alternative(alternative, item)
    # one of several alternatives decides nothing
    return found if len(alternatives) == 1 else replace(found, filters=frozenset())


def _alternative(alternative: Alternative, item: _Read) -> _Read:
    head = alternative.head
    found = _NOTHING
    if isinstance(head, Path):
        found = _at(head, item)
    elif isinstance(head, Quoted):
        found = _Read(constants=frozenset((head.text,)))
    elif isinstance(head, Call):
        if head.name == "reference":
            return _Read(references=frozenset((head.args[0].text,)))
        read = _arguments(head, item)
        found = _Read(conditions=read.sources) if head.name == "absent" else read
    for call in alternative.calls:
        if call.name in ("in", "not_in"):
            words = frozenset(word.text for word in call.args)
            found = replace(
                found,
                filters=frozenset(Filter(s, words, call.name == "in") for s in found.sources),
            )
        elif call.name in ("where", "prefer"):
            found |= _Read(conditions=_named(call.args[0].text, found).sources)
        elif call.name == "get":
            found = replace(found, sources=_named(call.args[0].text, found).sources)
        elif call.name == "then":
            constants = frozenset((call.args[0].text,))
            found = _Read(conditions=found.all, constants=constants, filters=found.filters)
        elif call.name == "default":
            found |= _Read(constants=frozenset((call.args[0].text,)))
        elif call.name in _PATHS:
            found |= _arguments(call, item)
        found |= _Read(functions=frozenset((str(call),)))
    return found


def _arguments(call: Call, item: _Read) -> _Read:
    found = _NOTHING
    for word in call.args[_PATHS.get(call.name, slice(0))]:
        found |= _named(word.text, item)
    return found


def _named(word: str, item: _Read) -> _Read:
    path = parse_path(word)
    return _at(path, item) if path is not None else _NOTHING


def _at(path: Path, item: _Read) -> _Read:
    if not path.relative:
        source = Source(path.segment, path.field, path.component, path.sub)
        return _Read(sources=frozenset((source,)))
    if not path.component:
        return item
    sources = frozenset(source.within(path) for source in item.sources if source.field)
    return _Read(sources=sources, references=item.references)

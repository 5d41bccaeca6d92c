"""Writes what a mapping builds in the same way at many places as one function (§14).

A template over an item (an identifier, a name, a coded value) is used dozens of times. As code
of its own it is short enough to stay in the processor's caches, and it is compiled once. What
differs between the uses, where a value stands and what it fills, is passed as numbers of sites.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from mappings import components, recall
from mappings.absence import touch_always
from mappings.emit import Block, Names
from mappings.expressions import Call, Expression, ExpressionError, Path, Quoted, parse, parse_path
from mappings.functions import FUNCTIONS, SCALAR
from mappings.nodes import Items, Node, Object, Text
from mappings.runtime import Site
from mappings.session import Session

LEAST_USES = 3
LEAST_READS = 3
_HEADS = ("concat", "absent", "now", "context")
_PATHS = {"concat": 1, "absent": 0, "plus": 0}
_ITEM = "v0"

Sink = Callable[[str], None]


@dataclass(eq=False, slots=True)
class Repeated:
    """One function being written, or written: where it was first used and what it reports."""

    name: str
    where: str
    element: str
    block: Block
    memory: str = ""  # the name of what it remembers, if it does
    sites: list[Site] = field(default_factory=list)
    bases: dict[tuple[str, str], int] = field(default_factory=dict)

    def site(self, site: Site) -> str:
        """The code of a site's number within the function."""
        if site not in self.sites:
            self.sites.append(site)
        return f"s + {self.sites.index(site)}"

    def base(self, where: str, element: str, sites: list[Site]) -> int:
        """The number that sites of one use begin at, registering them at its first call."""
        base = self.bases.get((where, element))
        if base is None:
            base = self.bases[where, element] = len(sites)
            for place, line, at, path in self.sites:
                sites.append(
                    (
                        place,
                        line,
                        _moved(at, self.where, where),
                        _moved(path, self.element, element),
                    )
                )
        return base

    def suffix(self, element: str) -> str:
        """The part of an element's path that is the same at every use."""
        return element.removeprefix(self.element)


def _moved(text: str, old: str, new: str) -> str:
    return new + text[len(old) :] if text.startswith(old) else text


def count(body: Node) -> dict[str, int]:
    """How often each object that may become a function stands in a mapping."""
    counts: dict[str, int] = {}
    pending: list[Node] = [body]
    while pending:
        node = pending.pop()
        if isinstance(node, Items):
            pending.extend(node.items)
        elif isinstance(node, Object):
            if "$each" in node.entries:
                key = fingerprint(node)
                counts[key] = counts.get(key, 0) + 1
            pending.extend(node.entries.values())
    return counts


def fingerprint(node: Object) -> str:
    """What an object's body does with an item, whatever the item, and where it is written."""
    return json.dumps(_placed(node.without("$each")))


def _placed(node: Node) -> object:
    match node:
        case Items(items=items):
            return [_placed(item) for item in items]
        case Object(entries=entries):
            return {key: _placed(child) for key, child in entries.items()}
        case Text(value=value, place=place):
            return [value, str(place)]


def called(
    session: Session, node: Object, kind: str, write: Callable[[Sink], object], own: str = ""
) -> str | None:
    """The code that calls the function of an object, written at its first use.

    None when the object is better written in place. `own` is the code of the resource's id when
    the object is a whole resource, whose body `write` then fills.
    """
    scope = session.scope
    flags = session.flags
    if session.repeated is not None or flags.trace or flags.loss == "component":
        return None
    if session.plan.source != "hl7v2" or scope.kind != "item" or scope.raw != "rep":
        return None
    key = fingerprint(node)
    uses = 1 if recall.wanted(session) else LEAST_USES
    if session.repeats.get(key, 0) < uses or not _closed(node.without("$each", "$key")):
        return None
    known = (key, kind, scope.datatype, str(components.held(session)))
    function = session.functions.get(known)
    if function is None:
        function = session.functions[known] = _written(session, write, bool(own))
    touch_always(session)
    element = ".".join(session.element)
    base = function.base(scope.where, element, session.sites)
    arguments = [scope.var, "z", "C", "S", str(base)]
    if own:
        arguments.append(own)
    elif flags.full:
        arguments += [session.owner or "''", repr(".".join(session.element[1:]))]
    call = f"{function.name}({', '.join(arguments)})"
    if not function.memory:
        return call
    item = f"({scope.var}, {own})" if own else scope.var
    return f"{function.memory}.get({item}) or {call}"


def _written(session: Session, write: Callable[[Sink], object], resource: bool) -> Repeated:
    name = f"t{len(session.functions) + 1}"
    names = Names()
    block = Block(None, 1, names)
    function = Repeated(name, session.scope.where, ".".join(session.element), block)
    parameters = f"{_ITEM}, z, C, S, s"
    if resource:
        parameters += ", i"
    elif session.flags.full:
        parameters += ", w, e"
    with _inside(session, function, names):
        if session.flags.full:
            block.add("nulls = z.nulls; r = None")
            write(lambda code: session.block.add(f"r = {code}"))
            block.add("return r")
        else:
            write(lambda code: session.block.add(f"return {code}"))
            block.add("return None")
    text = block.text()
    if recall.wanted(session) and recall.pure(text):
        number = session.memory.number()
        function.memory = f"m{number}"
        key = f"({_ITEM}, i)" if resource else _ITEM
        session.function_texts.append(f"def {name}n({parameters}):\n{text}\n")
        session.function_texts.append(recall.keeping(name, parameters, key, number))
    else:
        session.function_texts.append(f"def {name}({parameters}):\n{text}\n")
    return function


@contextmanager
def _inside(session: Session, function: Repeated, names: Names) -> Iterator[None]:
    """Walk the body of a function: its own names, one item, nothing around it."""
    kept = (session.block, session.scope, session.names, session.owner, session.touched)
    session.block, session.names, session.touched = function.block, names, set()
    session.scope = replace(
        session.scope, var=_ITEM, parent=None, block=function.block, rows=None, counter=""
    )
    session.owner = "w"
    session.repeated = function
    try:
        yield
    finally:
        session.repeated = None
        session.block, session.scope, session.names, session.owner, session.touched = kept


def _closed(node: Node) -> bool:
    """Whether an object reads nothing but parts of the item, often enough to be worth it."""
    reads = 0
    pending: list[Node] = [node]
    while pending:
        item = pending.pop()
        if isinstance(item, Items):
            pending.extend(item.items)
        elif isinstance(item, Object):
            if {"$each", "$copy", "$key"} & item.entries.keys():
                return False
            pending.extend(item.entries.values())
        elif item.reads:
            if not _relative(item):
                return False
            reads += 1
    return reads >= LEAST_READS


def _relative(node: Text) -> bool:
    try:
        tree: Expression = parse(node.value or "=")
    except ExpressionError:
        return False
    for alternative in tree.alternatives:
        head = alternative.head
        if isinstance(head, Path) and not _part(head):
            return False
        if isinstance(head, Call) and (head.name not in _HEADS or not _arguments(head)):
            return False
        for call in alternative.calls:
            known = FUNCTIONS.get(call.name)
            if known is None or known.role != SCALAR or not _arguments(call):
                return False
    return all(isinstance(a.head, Path | Call | Quoted) for a in tree.alternatives)


def _part(path: Path | None) -> bool:
    return path is not None and path.relative and not path.names


def _arguments(call: Call) -> bool:
    """Whether the paths a function takes as arguments are parts of the item."""
    if call.name not in _PATHS:
        return True
    words = call.args[_PATHS[call.name] :]
    return all(_part(parse_path(word.text)) for word in words)

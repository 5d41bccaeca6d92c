"""Writes the segments of an HL7 v2 or X12 output, in file order (§2 `segments:`, §15 example 6).

A segment is a list: its name, then fields by number; a field is a text, or repetitions of
components of sub-components. Escaping, counters and envelopes are the encoder's business.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from mappings import emptied, loops
from mappings.evaluate import evaluate, expression
from mappings.goals import WIRE
from mappings.nodes import Items, Node, Object, Text, reads
from mappings.session import Session
from mappings.tracing import cleared, further, traced
from vagus.formats.hl7v2 import dictionary

_SEGMENT = re.compile(r"[A-Z][A-Z0-9]{1,2}\Z")
_KEY = re.compile(r"(?:-([0-9]{1,3})|([0-9]{2}))(?:[.-]([0-9]{1,2})(?:\.([0-9]{1,2}))?)?\Z")
_PART = re.compile(r"\.?([0-9]{1,2})\Z")

Sink = Callable[[str], None]


def sequence(session: Session, node: Items) -> None:
    """Write a list of segments and of loops over segments."""
    counters = session.counters
    session.counters = _counters(session, node)
    _sequence(session, node)
    session.counters = counters


def _counters(session: Session, node: Items) -> dict[str, str]:
    """The counters of segments that are written by several loops, which go on counting."""
    names = [name for item in node.items if isinstance(item, Object) for name in item.entries]
    shared = {name: session.names.lasting() for name in names if names.count(name) > 1}
    for counter in shared.values():
        session.block.add(f"{counter} = 0")
    return shared


def _sequence(session: Session, node: Items) -> None:
    for item in node.items:
        session.block.statement()
        if not isinstance(item, Object):
            session.error("bad-value", "a segment is written as NAME: {…}", item.place)
        elif "segments" in item.entries:
            _group(session, item)
        else:
            for name, body in item.entries.items():
                _named(session, name, body, item)


def _group(session: Session, node: Object) -> None:
    inner = node.entries["segments"]
    for key in node.entries:
        if key not in ("$each", "$when", "segments"):
            session.error("unknown-element", f"'{key}' does not belong here", node.keys[key])
    if not isinstance(inner, Items):
        session.error("bad-value", "'segments' is a list", inner.place)
        return
    _around(session, node, lambda: sequence(session, inner))


def _around(session: Session, node: Object, write: Callable[[], None], counter: str = "") -> None:
    """Write something under the `$each` and `$when` of an object; `counter` goes on counting."""
    if "$each" not in node.entries:
        _when(session, node, write)
        return
    wanted = loops.asked(session, node)
    found = loops.items(session, wanted) if wanted else None
    if wanted is None or found is None:
        return
    found = loops.as_list(session, found)
    label = str(expression(session, wanted))
    written = counter or (session.names.fresh() if "$when" in node.entries else "")
    if written and not counter:  # set ids have no gaps: what `$when` keeps out does not count
        session.block.add(f"{written} = 0")
    with session.at(wanted.place), loops.loop(session, node, found, label):
        session.block.statement()
        session.scope.counter = written or session.scope.counter
        _when(session, node, write, written)


def _when(session: Session, node: Object, write: Callable[[], None], counter: str = "") -> None:
    tests = loops.when(session, node)
    if tests:
        with session.nested(f"if {' and '.join(tests)}:"):
            _counted(session, counter)
            write()
    else:
        _counted(session, counter)
        write()


def _counted(session: Session, counter: str) -> None:
    if counter:
        session.block.add(f"{counter} += 1")


def _named(session: Session, name: str, body: Node, item: Object) -> None:
    if not _SEGMENT.match(name):
        session.error("unknown-element", f"'{name}' is not a segment name", item.keys[name])
        return
    if not isinstance(body, Object):
        session.error("bad-value", f"'{name}' is a segment: write a map", body.place)
        return
    session.element = [name]
    counter = session.counters.get(name, "")
    _around(session, body, lambda: _segment(session, name, body), counter)


def _segment(session: Session, name: str, body: Object) -> None:
    row, kept = session.names.fresh(), session.names.fresh()
    read = any(reads(child) for _, child in body.elements())
    keys = {key: _position(session, name, key, body) for key, _ in body.elements()}
    most = max((position[0] for position in keys.values() if position), default=0)
    session.block.add(f"{row} = [{name!r}] + [''] * {most}")
    session.block.add(f"{kept} = {not read}")
    outer = session.prefix
    if session.flags.trace:
        path = session.names.fresh()
        session.block.add(f"{path} = {name + '['!r} + str(len(out)) + ']'")
        session.prefix = path
    for key, child in body.elements():
        position = keys[key]
        if position is None:
            continue
        number, component, sub = position
        session.block.statement()
        store = _placing(session, row, kept, position, reads(child))
        suffix = "".join(
            f"{mark}{n}" for mark, n in zip("-..", (number, component, sub), strict=True) if n
        )
        with session.into(suffix[1:]), further(session, suffix):
            _field(session, child, store, deep=not component)
    session.block.add(f"if {kept}: out.append({row})")
    session.prefix = outer


def _placing(
    session: Session, row: str, kept: str, position: tuple[int, int, int], read: bool
) -> Sink:
    number, component, sub = position

    def store(code: str) -> None:
        if component:
            session.block.add(f"place({row}, {number}, {component}, {sub}, {code})")
        else:
            session.block.add(f"{row}[{number}] = {code}")
        if read:
            session.block.add(f"{kept} = True")

    return store


def _position(session: Session, name: str, key: str, body: Object) -> tuple[int, int, int] | None:
    found = _KEY.match(key.removeprefix(name)) if key.startswith(name) else None
    number = int(found[1] or found[2]) if found else 0
    if found is None or not number:
        session.error(
            "unknown-element",
            f"'{key}' is not a field of {name}: write {name}-3, {name}-3.1 or {name}03",
            body.keys[key],
        )
        return None
    known = dictionary.segment(name) if session.plan.target == "hl7v2" else None
    if known is not None and known.field(number) is None:
        text = f"{name} has no field {number}; its last field is {name}-{len(known.fields)}"
        session.error("unknown-element", text, body.keys[key])
        return None
    return number, int(found[3] or 0), int(found[4] or 0)


def _field(session: Session, node: Node, store: Sink, deep: bool) -> None:
    """A field, or a part of one when not `deep`: a text, repetitions, or numbered parts."""
    match node:
        case Text():
            _text(session, node, store)
        case Items() if deep:
            name = session.names.fresh()
            session.block.add(f"{name} = []")
            for item in node.items:
                session.block.statement()
                _repetitions(session, item, _adding(session, name))
            _stored(session, name, store, _emptied(session, *node.items))
        case Object() if "$each" in node.entries and deep:
            name = session.names.fresh()
            session.block.add(f"{name} = []")
            _repetitions(session, node, _adding(session, name))
            _stored(session, name, store, _emptied(session, node))
        case Object():
            one = (lambda code: store(f"[{code}]")) if deep else store
            _when(session, node, lambda: _parts(session, node, one))
        case _:
            session.error("wrong-cardinality", "a component takes one value", node.place)


def _repetitions(session: Session, node: Node, add: Sink) -> None:
    """One repetition, or as many as an `$each` gives."""
    if isinstance(node, Object):
        _around(session, node, lambda: _parts(session, node, add))
    else:
        _field(session, node, add, deep=False)


def _emptied(session: Session, *nodes: Node) -> str:
    """The question whether a list that loops write was emptied."""
    found = []
    for node in nodes:
        wanted = node.entries.get("$each") if isinstance(node, Object) else None
        if isinstance(wanted, Text):
            found.append(emptied.asked(session, wanted))
    return " or ".join(dict.fromkeys(filter(None, found)))


def _stored(session: Session, name: str, store: Sink, question: str) -> None:
    with session.block.inside(f"if {name}:"):
        store(name)
    _nulled(session, store, question)


def _nulled(session: Session, store: Sink, question: str) -> None:
    """What is missing because it was emptied is said to be so."""
    if question:
        with session.block.inside(f"elif {question}:"):
            store("NULL")


def _adding(session: Session, name: str) -> Sink:
    return lambda code: session.block.add(f"{name}.append({code})")


def _text(session: Session, node: Text, store: Sink) -> None:
    if not node.reads:
        if node.value is None:
            session.error("bad-value", "a value is missing", node.place)
            return
        store(repr(node.value))
        traced(session, node)
        return
    cleared(session)
    found = evaluate(session, node, WIRE)
    if found.kind == "?":
        return
    name = session.names.fresh()
    session.block.add(f"{name} = {found.code}")
    with session.block.inside(f"if {name}:"):
        store(name)
        traced(session, node)
    _nulled(session, store, emptied.asked(session, node))


def _parts(session: Session, node: Object, store: Sink) -> None:
    """The numbered components of a field, or sub-components of a component."""
    name = session.names.fresh()
    session.block.add(f"{name} = {{}}")
    fixed = 0
    for key, child in node.elements():
        found = _PART.match(key)
        if found is None or not int(found[1]):
            session.error(
                "unknown-element", f"'{key}' is not the number of a component", node.keys[key]
            )
            continue
        session.block.statement()
        fixed += not reads(child)
        setter = f"{name}[{int(found[1])}]"
        with session.into(key), further(session, f".{int(found[1])}"):
            _field(session, child, _set(session, setter), deep=False)
    all_fixed = fixed == sum(1 for _ in node.elements())
    with session.block.inside(f"if len({name}) > {-1 if all_fixed else fixed}:"):
        store(f"in_order({name})")


def _set(session: Session, target: str) -> Sink:
    return lambda code: session.block.add(f"{target} = {code}")

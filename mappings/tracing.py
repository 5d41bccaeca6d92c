"""Writes what the full and trace variants note of each element: deletes, output path, source."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from mappings.nodes import Items, Node, Object, Text
from mappings.result import Rule
from mappings.runtime import ANOTHER
from mappings.scopes import Value
from mappings.session import Session


def noted(session: Session, kept: str) -> None:
    """Record an explicit delete when a null was met and nothing else gave a value."""
    if session.flags.full and session.plan.source == "hl7v2":
        element = ".".join(session.element[1:])
        owner = session.owner or "''"
        path = repr(element)
        if session.repeated is not None and owner == "w":
            path = f"e + {session.repeated.suffix('.'.join(session.element))!r}"
        session.block.add(f"if nulls: drop(z, {kept}, {owner}, {path})")


@contextmanager
def extended(session: Session, node: Node) -> Iterator[None]:
    """The path of an extension names its URL: many stand in one list."""
    url = node.entries.get("url") if isinstance(node, Object) else None
    if session.element[-1:] != ["extension"] or not isinstance(url, Text) or url.reads:
        yield
        return
    session.element[-1] = f"extension('{url.value}')"
    try:
        yield
    finally:
        session.element[-1] = "extension"


def traced(session: Session, node: Node) -> None:
    """Record where the element being written came from."""
    if session.flags.trace:
        session.block.add(f"tr({session.prefix or repr('')}, {_rule(session, node)})")


def begun(session: Session) -> str:
    """Begin to note what a rule reads; gives the name of the count so far, for `tried`."""
    if not session.flags.trace:
        return ""
    session.looked = set()
    mark = session.names.fresh()
    session.block.add(f"{mark} = len(z.read)")
    return mark


def tried(session: Session, node: Node, role: str, mark: str, found: Value) -> Value:
    """Record that a rule was asked and whether it gave a value; gives the value."""
    if not session.flags.trace or found.kind == "?":
        return found
    if not found.simple:
        name = session.names.fresh()
        session.block.add(f"{name} = {found.code}")
        found = replace(found, code=name)
    session.block.add(f"z.tried({_rule(session, node, role)}, {mark}, {found.test})")
    return found


def another(session: Session) -> None:
    """Note that the alternatives so far gave nothing: what is read from now on is another's."""
    if session.flags.trace:
        session.block.add(f"rd({ANOTHER!r})")


def looked(session: Session, field: str) -> None:
    """Note that the rule being written reads a field, e.g. `PID-3.1`."""
    session.looked.add(field)


def _rule(session: Session, node: Node, role: str = "") -> int:
    """The number of a node's rule."""
    number = session.ruled.get(id(node))
    if number is None:
        number = session.ruled[id(node)] = len(session.rules)
        reads = frozenset(session.looked) if isinstance(node, Text) and node.reads else frozenset()
        session.rules.append(
            Rule(
                str(node.place),
                tuple(map(str, node.via)),
                written(node),
                ".".join(session.element),
                role,
                reads,
            )
        )
    return number


def written(node: Node) -> str:
    """A node on one line, as in the file."""
    match node:
        case Text():
            return node.value or ""
        case Items():
            return f"[{', '.join(map(written, node.items))}]"
        case Object():
            return f"{{{', '.join(f'{key}: {written(v)}' for key, v in node.entries.items())}}}"


def cleared(session: Session) -> None:
    """Forget the positions read for the element before."""
    if session.flags.trace:
        session.block.add("z.read.clear()")


@contextmanager
def further(session: Session, suffix: str) -> Iterator[None]:
    """The output path, some text further, while a part of it is written."""
    outer = session.prefix
    if session.flags.trace:
        session.prefix = f"{outer} + {suffix!r}" if outer else repr(suffix)
    try:
        yield
    finally:
        session.prefix = outer


@contextmanager
def indexed(session: Session, name: str, last: bool = False) -> Iterator[None]:
    """The output path of the next item of a list, or of its last one."""
    outer = session.prefix
    if session.flags.trace:
        path = session.names.fresh()
        back = " - 1" if last else ""
        session.block.add(f"{path} = {outer or repr('')} + '[' + str(len({name}){back}) + ']'")
        session.prefix = path
    try:
        yield
    finally:
        session.prefix = outer

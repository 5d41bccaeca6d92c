"""Writes what the full and trace variants note of each element: deletes, output path, source."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mappings.nodes import Node
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


def traced(session: Session, node: Node) -> None:
    """Record where the element being written came from."""
    if session.flags.trace:
        with session.at(node.place):
            session.block.add(f"tr({session.prefix or repr('')}, {session.site()})")


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

"""Checks what is constant in an output object and gives it as Python literals (§2, §4.2)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from mappings import goals
from mappings.goals import Goal
from mappings.nodes import MARKS, Items, Node, Object, Text, reads
from mappings.session import Session
from vagus.canonical import shapes
from vagus.canonical.shapes import Element, Shape
from vagus.kernel.diagnostics import Place, did_you_mean

_COMPANION = Element("_", "Element", many=False, required=False)


def element_of(session: Session, shape: Shape, key: str, place: Place) -> Element | None:
    """The element a key fills; None after reporting that there is none."""
    element = shape.elements.get(key)
    if element is not None:
        return element
    base = shape.elements.get(key.removeprefix("_"))
    if key.startswith("_") and base is not None and base.type in shapes.PRIMITIVES:
        return replace(_COMPANION, name=key)
    if key.startswith("$"):
        hint = did_you_mean(key, MARKS)
        session.error("unknown-element", f"'{key}' is not a word of the language{hint}", place)
        return None
    hint = did_you_mean(key, shape.elements)
    session.error("unknown-element", f"'{key}' is not an element of {shape.name}{hint}", place)
    return None


def whole(session: Session, element: Element, node: Node) -> str | None:
    """The literal of an element nothing of which is read; None after a finding."""
    if not element.many:
        return item(session, element, node)
    if not isinstance(node, Items):
        code = item(session, element, node)
        return None if code is None else f"[{code}]"
    codes = [item(session, element, child) for child in node.items]
    if not codes:
        session.error("bad-value", f"'{element.name}' cannot be an empty list", node.place)
    return "[" + ", ".join(code or "None" for code in codes) + "]"


def item(session: Session, element: Element, node: Node) -> str | None:
    """The literal of one value of an element."""
    match node:
        case Text(value=None):
            session.error("bad-value", f"'{element.name}' needs a value", node.place)
            return None
        case Text():
            with session.at(node.place):
                return goals.literal(session, node.value or "", Goal(element.type, element))
        case Object():
            return _object(session, element, node)
        case Items():
            session.error(
                "wrong-cardinality",
                f"'{element.name}' takes one {element.type}, not a list",
                node.place,
            )
            return None


def _object(session: Session, element: Element, node: Object) -> str | None:
    shape = shape_of(session, element, node)
    if shape is None:
        return None
    present(session, shape, node)
    parts = []
    for key, child in node.elements():
        if key == "resourceType" and shape.kind == "resource":
            parts.append(f"'resourceType': {shape.name!r}")
            continue
        below = element_of(session, shape, key, node.keys[key])
        code = whole(session, below, child) if below else None
        if code is not None:
            parts.append(f"{key!r}: {code}")
    if not parts and not node.broken:
        session.error("bad-value", f"'{element.name}' cannot be empty", node.place)
    return "{" + ", ".join(parts) + "}"


def shape_of(session: Session, element: Element, node: Object) -> Shape | None:
    """The shape of the object that fills an element; None after reporting that none may."""
    kind = element.type
    if kind == "Resource":
        asked = node.entries.get("resourceType")
        kind = (asked.value or "") if isinstance(asked, Text) else ""
        if kind not in shapes.names("resource"):
            session.error("bad-value", "a contained resource needs a resourceType", node.place)
            return None
    elif kind in shapes.PRIMITIVES:
        session.error(
            "type-mismatch", f"'{element.name}' is {kind}, a primitive: write one value", node.place
        )
        return None
    return shapes.type(kind)


def present(session: Session, shape: Shape, node: Object) -> None:
    """Report required elements that an object has no key for."""
    if "$copy" in node.entries or node.broken:
        return
    for group, names in required(shape.elements.values()).items():
        if not any(name in node.entries or f"_{name}" in node.entries for name in names):
            label = group if len(names) > 1 else names[0]
            session.error("missing-element", f"{shape.name}.{label} is required", node.place)


def required(elements: Iterable[Element]) -> dict[str, list[str]]:
    """The names one of which must be there, by element or choice group."""
    groups: dict[str, list[str]] = {}
    for element in elements:
        if element.required:
            groups.setdefault(element.choice or element.name, []).append(element.name)
    return groups


def finished(session: Session, shape: Shape, node: Object, name: str, sure: set[str]) -> None:
    """Write the test that every required element of a kept object is there (§4.6)."""
    if "$copy" in node.entries:
        return
    for group, names in required(shape.elements.values()).items():
        given = [key for key in names if key in node.entries]
        if not given or any(key in sure or not reads(node.entries[key]) for key in given):
            continue
        with session.at(node.entries[given[0]].place), session.into(group):
            site = session.site()
        test = " and ".join(f"{key!r} not in {name}" for key in given)
        session.block.add(f"if {test}: missing(z, {site})")

"""The message a golden test gives: a file, a text, or FHIR resources written as YAML (§13)."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from mappings.nodes import Items, Node, Object, Text
from vagus.canonical import bundle as bundles
from vagus.canonical import shapes
from vagus.formats.format import Terms
from vagus.formats.hl7v2 import reader


def read(node: Node, source: str, folder: Path) -> Any:
    """The decoded message; raises ValueError, OSError or DecodeError when there is none."""
    if isinstance(node, Object) and "resources" in node.entries:
        resources = node.entries["resources"]
        items = resources.items if isinstance(resources, Items) else ()
        return {
            "resourceType": "Bundle",
            "entry": [{"resource": _resource(item)} for item in items],
        }
    if isinstance(node, Object) and isinstance(file := node.entries.get("file"), Text):
        return decoded((folder / (file.value or "")).read_bytes(), source)
    if isinstance(node, Text) and node.value:
        return decoded(node.value.encode(), source)
    raise ValueError("'given' is a text, {file: …} or {resources: […]}")


def decoded(data: bytes, source: str) -> Any:
    """The message of some bytes."""
    if source == "hl7v2":
        return reader.decode(data.strip(b"\r\n "), Terms())
    if source == "fhir":
        return bundles.loads(data)
    raise ValueError(f"messages of {source} cannot be read here")


def _resource(node: Node) -> dict[str, Any]:
    if isinstance(node, Object) and isinstance(kind := node.entries.get("resourceType"), Text):
        return {"resourceType": kind.value, **_object(node, kind.value or "")}
    raise ValueError(f"{node.place}: a resource needs its resourceType")


def _object(node: Object, kind: str) -> dict[str, Any]:
    if not shapes.known(kind):
        raise ValueError(f"{node.place}: '{kind}' is not a type of R4")
    shape = shapes.type(kind)
    found = {}
    for key, child in node.entries.items():
        if key == "resourceType":
            continue
        element = shape.elements.get(key)
        if element is None:
            raise ValueError(f"{node.keys[key]}: '{key}' is not an element of {kind}")
        items = child.items if isinstance(child, Items) else (child,)
        values = [_value(item, element.type) for item in items]
        found[key] = values if element.many else values[0]
    return found


def _value(node: Node, kind: str) -> Any:
    if isinstance(node, Object):
        return _resource(node) if kind == "Resource" else _object(node, kind)
    if not isinstance(node, Text) or node.value is None:
        raise ValueError(f"{node.place}: a value of {kind} is missing")
    if kind == "boolean":
        return node.value == "true"
    if kind in ("integer", "positiveInt", "unsignedInt"):
        return int(node.value)
    return Decimal(node.value) if kind == "decimal" else node.value

"""The R4 element table as one JSON schema, which jsonschema-rs compiles into the fast validation.

The schema says what the official one leaves out: required primitives, one of a choice, no empty
arrays, objects or strings, real dates, required bindings, invariants. It answers yes or no; the
words for what is wrong come from `vagus.canonical.findings`, which walks the same table.
Some keywords are our own: `vagusReference` sees every Reference with the types it may lead to,
`vagusBundle` every Bundle, and those of `vagus.canonical.comparisons` compare.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from vagus.canonical import invariants, primitives, shapes
from vagus.canonical.shapes import Element, Shape

Schema = dict[str, Any]


def build() -> Schema:
    """The schema of any R4 resource; one definition for each shape, `Resource` for all of them."""
    definitions = {name: primitives.schema(name) for name in sorted(shapes.PRIMITIVES)}
    for name in sorted(shapes.names() - shapes.PRIMITIVES):
        shape = shapes.type(name)
        definitions[name] = _shape(shape)
    # jsonschema-rs sees that `resourceType` tells the alternatives apart and asks only one.
    concrete = sorted(shapes.names("resource") - ABSTRACT)
    definitions["Resource"] = {"oneOf": [_ref(name) for name in concrete]}
    definitions["companion"] = _companion()
    definitions["companions"] = _list({"anyOf": [_ref("companion"), {"type": "null"}]})
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        **_ref("Resource"),
        "definitions": definitions,
    }


#: The two shapes that no JSON object has by itself.
ABSTRACT = frozenset(("Resource", "DomainResource"))


def _shape(shape: Shape) -> Schema:
    elements = shape.elements.values()
    properties: Schema = {}
    if shape.kind == "resource":
        properties["resourceType"] = {"const": shape.name}
    for element in elements:
        properties[element.name] = _element(element)
        if companion := companion_of(element):
            properties[companion] = _ref("companions" if element.many else "companion")
    result: Schema = {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }
    if shape.kind != "resource":
        result["minProperties"] = 1
    if shape.name == "Bundle":
        result["vagusBundle"] = True
    needed = [item.name for item in elements if item.required and alone(item)]
    if shape.kind == "resource":
        needed.append("resourceType")
    if needed:
        result["required"] = needed
    invariant = [rule.schema for rule in invariants.rules_of(shape)]
    if rules := [*_one_of_each(elements), *_exclusive(shape), *_no_nulls(elements), *invariant]:
        result["allOf"] = rules
    return result


def alone(element: Element) -> bool:
    """Whether the element is there only under its own name: no choice, no companion."""
    return element.choice is None and companion_of(element) is None


def companion_of(element: Element) -> str | None:
    """The `_name` that may carry a primitive's extensions; ids and Extension.url have none."""
    if element.type not in shapes.PRIMITIVES or element.name == "id":
        return None
    return f"_{element.name}"


def choices(elements: Iterable[Element]) -> dict[str, list[str]]:
    """For every choice the JSON names that belong to it, companions included."""
    groups: dict[str, list[str]] = {}
    for element in elements:
        if element.choice:
            names = groups.setdefault(element.choice, [])
            names.append(element.name)
            names.extend(filter(None, (companion_of(element),)))
    return groups


def _element(element: Element) -> Schema:
    one: Schema = {"enum": list(element.binding)} if element.binding else _ref(element.type)
    if element.concepts:
        coding = {"properties": {"code": {"enum": list(element.concepts)}}, "required": ["code"]}
        need = {"properties": {"coding": {"contains": coding}}, "required": ["coding"]}
        one = {"allOf": [one, need]}
    if element.name == "currency" and element.type == "code":
        one = {"type": "string", "pattern": CURRENCY}
    if element.type == "Reference":
        one = {"allOf": [one, {"vagusReference": list(element.targets)}]}
    if not element.many:
        return one
    if element.type in shapes.PRIMITIVES:
        one = {"anyOf": [one, {"type": "null"}]}
    return _list(one)


#: Money.currency is bound to ISO 4217, whose list HL7 does not publish.
CURRENCY = "^[A-Z]{3}$"


def is_currency(value: object) -> bool:
    """Whether it can be a code of ISO 4217."""
    return isinstance(value, str) and re.fullmatch("[A-Z]{3}", value) is not None


def _one_of_each(elements: Iterable[Element]) -> list[Schema]:
    """What must be there under one name or another."""
    groups = choices(elements)
    needed = {
        item.choice: groups[item.choice] for item in elements if item.choice and item.required
    }
    alternatives = list(needed.values())
    for item in elements:
        companion = companion_of(item)
        if item.required and companion and not item.choice:
            alternatives.append([item.name, companion])
    return [{"anyOf": [{"required": [name]} for name in names]} for names in alternatives]


def _no_nulls(elements: Iterable[Element]) -> list[Schema]:
    """A null in a list of primitives only holds a place for extensions in the companion list."""
    solid = {"items": {"not": {"type": "null"}}}
    return [
        {"anyOf": [{"required": [f"_{item.name}"]}, {"properties": {item.name: solid}}]}
        for item in elements
        if item.many and item.type in shapes.PRIMITIVES
    ]


def _exclusive(shape: Shape) -> list[Schema]:
    """At most one type of each choice: one that is there forbids the names of the others."""
    every = [*shape.elements, *filter(None, map(companion_of, shape.elements.values()))]
    if shape.kind == "resource":
        every.append("resourceType")
    rules: list[Schema] = []
    for names in choices(shape.elements.values()).values():
        members = set(names)
        rest = [name for name in every if name not in members]
        present = {}
        for name in names:
            same = {name, name[1:] if name[0] == "_" else f"_{name}"}
            others = [other for other in names if other not in same]
            allowed = [*rest, *sorted(same & members)]
            forbid = {"not": {"enum": others}} if len(others) < len(allowed) else {"enum": allowed}
            if others:
                present[name] = {"propertyNames": forbid}
        if present:
            rules.append({"dependencies": present})
    return rules


def _companion() -> Schema:
    """What may stand beside a primitive: an id, extensions, or both."""
    extensions = _list(_ref("Extension"))
    return {
        "type": "object",
        "properties": {"id": _ref("string"), "extension": extensions},
        "additionalProperties": False,
        "minProperties": 1,
    }


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items, "minItems": 1}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/definitions/{name}"}

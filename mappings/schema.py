"""JSON schema of the mapping language, for editors: completion and a first check of YAML (§2).

It knows every key and the elements of the resources that the library makes. What only the whole
mapping can tell (paths, functions, templates, types) is the linter's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mappings.headers import MAPPING_KEYS, STRUCTURE_KEYS, TABLE_KEYS, UNMAPPED
from mappings.loader import SOURCES, TARGETS
from mappings.nodes import MARKS
from vagus.canonical import shapes
from vagus.canonical.shapes import Element

Schema = dict[str, Any]

DRAFT = "http://json-schema.org/draft-07/schema#"
_EXPRESSION: Schema = {"type": "string", "pattern": "^="}
_SCALAR: Schema = {"type": ["string", "number", "boolean", "null"]}
_WORDS = {
    "$each": "once for every segment group, repetition or item",
    "$when": "only if this gives a value; of a list, all must",
    "$use": "fill in a template; keys beside it go over it",
    "$key": "what the id is made of: the same parts, the same id",
    "$copy": "start from the source element (FHIR in)",
    "$delete": "take this item out of its list instead of putting it in",
    "$remove": "drop keys that were inherited",
}
_KEYS: dict[str, Schema] = {
    "mapping": {"type": "string", "description": "The name of the mapping"},
    "template": {"type": "string", "description": "The name of the template, for $use"},
    "table": {"type": "string", "description": "The name of the code table"},
    "structure": {"description": "Which segments belong to which group: {IN1: ZIN}"},
    "description": {"type": "string"},
    "for": {"description": "The message types it is for, e.g. ADT^A01; default: by structure"},
    "from": {"type": "string", "pattern": f"^({'|'.join(SOURCES)})(/|$)"},
    "to": {"type": "string", "pattern": f"^({'|'.join(TARGETS)})(/|$)"},
    "extends": {"type": "string", "description": "The mapping to start from"},
    "ignore": {
        "type": "object",
        "description": "Fields left alone on purpose: path to reason",
        "additionalProperties": {"type": "string"},
    },
    "resources": {"$ref": "#/definitions/resources"},
    "segments": {"type": "array"},
    "source": {"type": "string", "description": "The system of the codes in the message"},
    "target": {"type": "string", "description": "The system of the codes that come out"},
    "unmapped": {"enum": list(UNMAPPED), "description": "What a code that is not there does"},
    "codes": {"type": "object"},
    "groups": {"type": "object"},
}


def schema(kinds: Iterable[str], names: Iterable[str] = ()) -> Schema:
    """The schema of a file of mappings, templates, tables and structures.

    `kinds` are the resource types whose elements it knows, `names` the mappings to extend.
    """
    kinds = sorted(kinds)
    keys = {key: dict(_KEYS[key]) for key in MAPPING_KEYS}
    keys["extends"]["examples"] = sorted(names)
    return {
        "$schema": DRAFT,
        "title": "Vagus mapping",
        "type": "object",
        "anyOf": [
            _document("mapping", keys),
            {**_document("template", {}), "additionalProperties": True},
            _document("table", {key: _KEYS[key] for key in TABLE_KEYS}),
            _document("structure", {key: _KEYS[key] for key in STRUCTURE_KEYS}),
            {"required": ["systems"]},
        ],
        "definitions": {**_language(kinds), **dict(_shapes(kinds))},
    }


def _document(first: str, keys: dict[str, Schema]) -> Schema:
    properties = {first: _KEYS[first], **keys}
    return {"required": [first], "properties": properties, "additionalProperties": False}


def _language(kinds: list[str]) -> dict[str, Schema]:
    words = {word: {"description": _WORDS[word]} for word in MARKS}
    return {
        "words": {"properties": words},
        "resources": {"type": "object", "additionalProperties": {"$ref": "#/definitions/resource"}},
        "resource": {
            "anyOf": [
                {"type": "null"},
                {
                    "required": ["$each", "resources"],
                    "properties": {"resources": {"$ref": "#/definitions/resources"}},
                },
                {"type": "object", "allOf": [*map(_of_type, kinds), _words()]},
            ],
        },
    }


def _words() -> Schema:
    return {"$ref": "#/definitions/words"}


def _of_type(kind: str) -> Schema:
    """What holds for a resource that states this type."""
    stated = {"required": ["resourceType"], "properties": {"resourceType": {"const": kind}}}
    return {"if": stated, "then": {"$ref": f"#/definitions/{kind}"}}


def _shapes(kinds: list[str]) -> Iterator[tuple[str, Schema]]:
    """The objects that these resources are made of."""
    pending, seen = list(kinds), set(kinds)
    while pending:
        name = pending.pop()
        elements = shapes.type(name).elements.values()
        yield name, _shape(name, elements)
        for element in elements:
            if element.type not in seen and _is_object(element):
                seen.add(element.type)
                pending.append(element.type)


def _is_object(element: Element) -> bool:
    return element.type not in shapes.PRIMITIVES and element.type not in ("Resource", "Extension")


def _shape(name: str, elements: Iterable[Element]) -> Schema:
    found: Schema = {
        "type": "object",
        "properties": {item.name: _element(item) for item in elements},
        "patternProperties": {r"^[$_]": {}},
        "additionalProperties": False,
        "allOf": [_words()],
    }
    if shapes.type(name).kind == "resource":
        found["properties"]["resourceType"] = {"const": name}
        return found
    several = {"type": "array", "items": {"$ref": f"#/definitions/{name}"}}
    return {"anyOf": [found, several, _EXPRESSION, {"type": "null"}]}


def _element(element: Element) -> Schema:
    if element.type not in shapes.PRIMITIVES:
        return {"$ref": f"#/definitions/{element.type}"} if _is_object(element) else {}
    if element.binding:
        codes: list[Schema] = [{"enum": list(element.binding)}, _EXPRESSION, {"type": "null"}]
        return {"anyOf": [*codes, {"type": "array"}]}
    return {"anyOf": [_SCALAR, {"type": "array"}]} if element.many else _SCALAR

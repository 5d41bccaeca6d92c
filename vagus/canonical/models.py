"""The element table as the typed models of fhir.resources (R4B, 4.3.0) tell it.

Read only when the table is generated: the models need the `models` extra and a third of a second
to import, so nothing on a message's way imports this module.
"""

from __future__ import annotations

import importlib
import pkgutil
import types
import typing
from collections.abc import Iterator
from typing import Any

from vagus.canonical.shapes import PRIMITIVES

PACKAGE = "fhir.resources.R4B"
Row = dict[str, Any]
Table = dict[str, dict[str, Any]]


def read() -> Table:
    """Every shape of R4B by name: `{"kind": ..., "elements": {name: row}}`.

    A row holds `type`, `many`, `required`, `choice` and `targets`; element names are JSON names.
    ImportError when fhir.resources is not installed.
    """
    table: Table = {}
    for model in _top_models():
        _add(table, model)
    return table


def _top_models() -> Iterator[type[Any]]:
    package = importlib.import_module(PACKAGE)
    for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda item: item.name):
        module = importlib.import_module(f"{PACKAGE}.{info.name}")
        for value in vars(module).values():
            name = getattr(value, "__name__", "")
            if isinstance(value, type) and name.lower() == info.name and name[0].isupper():
                yield value


def _add(table: Table, model: type[Any]) -> None:
    """Add a resource or datatype and its backbone elements, nearest to the root first."""
    resource_model = importlib.import_module(f"{PACKAGE}.resource").Resource
    kind = "resource" if issubclass(model, resource_model) else "datatype"
    module = importlib.import_module(model.__module__)
    own = {value.__name__: value for value in vars(module).values() if _local(value, model)}
    paths = {model.__name__: model.__name__}
    waiting = [model]
    found: list[dict[str, Row]] = []
    while waiting:
        current = waiting.pop(0)
        path = paths[current.__name__]
        elements = {field.alias: _row(field) for field in _ordered(current)}
        table[path] = {"kind": kind if current is model else "backbone", "elements": elements}
        found.append(elements)
        for alias, row in elements.items():
            inner = row["type"]
            # The class is named after the place where the standard defines the element; every
            # other place refers to that one (`contentReference`).
            if inner in own and inner not in paths and inner == _class_name(f"{path}.{alias}"):
                paths[inner] = f"{path}.{alias}"
                waiting.append(own[inner])
    for row in (row for elements in found for row in elements.values()):
        if row["type"] in own:
            row["type"] = paths[row["type"]]


def _class_name(path: str) -> str:
    return "".join(part[0].upper() + part[1:] for part in path.split("."))


def _local(value: object, model: type[Any]) -> bool:
    return isinstance(value, type) and value.__module__ == model.__module__


def _ordered(model: type[Any]) -> list[Any]:
    """The fields of a model that are elements, in the order of the standard."""
    by_alias = {field.alias: field for field in model.model_fields.values()}
    return [by_alias[name] for name in model.elements_sequence() if name in by_alias]


def _row(field: Any) -> Row:
    plain, many, marks = _unwrap(field.annotation)
    extra = field.json_schema_extra or {}
    group = extra.get("one_of_many")
    targets = extra.get("enum_reference_types") if plain.__name__ == "ReferenceType" else None
    required = field.is_required() or extra.get("element_required", False)
    return {
        "type": _type_name(plain, marks),
        "many": many,
        "required": bool(extra.get("one_of_many_required") if group else required),
        "choice": f"{group}[x]" if group else None,
        "targets": sorted(set(targets) - {"Resource"}) or None if targets else None,
    }


def _unwrap(annotation: Any) -> tuple[Any, bool, tuple[Any, ...]]:
    """The innermost type, whether a list stands around it, and its annotations."""
    many = False
    while (origin := typing.get_origin(annotation)) is not None:
        if origin is typing.Annotated:
            return typing.get_args(annotation)[0], many, annotation.__metadata__
        many = many or origin is list
        args = [arg for arg in typing.get_args(annotation) if arg is not types.NoneType]
        annotation = args[0]
    return annotation, many, ()


def _type_name(plain: Any, marks: tuple[Any, ...]) -> str:
    if plain is bool:
        return "boolean"
    for mark in marks:
        name = type(mark).__name__
        name = {"UuidVersion": "uuid"}.get(name, name[0].lower() + name[1:])
        if name in PRIMITIVES:
            return name
    if plain is str and not marks:
        return "xhtml"
    return str(plain.__name__).removesuffix("Type")

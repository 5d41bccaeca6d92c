"""The fields of a settings model as people write them: name, type, default, description."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel


def of(model: type[BaseModel], side: str) -> Iterator[dict[str, object]]:
    """Every field of one settings model."""
    schema = model.model_json_schema()
    for item in _fields(schema, schema.get("$defs", {}), ""):
        yield {"side": side, **item}


def _fields(
    schema: Mapping[str, Any], models: Mapping[str, Any], prefix: str
) -> Iterator[dict[str, object]]:
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        inner = _model(field, models)
        default = None if inner else field.get("default")
        yield {
            "field": prefix + name,
            "type": _type(field, models),
            "required": name in required,
            "default": default,
            "description": field.get("description", ""),
        }
        if inner is not None and prefix.count(".") < 3:
            yield from _fields(inner, models, f"{prefix}{name}.")


def _model(field: Mapping[str, Any], models: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The nested model of a field, if it has one."""
    for option in (field, *field.get("anyOf", ()), *field.get("allOf", ())):
        name = str(option.get("$ref", "")).rpartition("/")[2]
        if name in models and "properties" in models[name]:
            found: Mapping[str, Any] = models[name]
            return found
    return None


def _type(field: Mapping[str, Any], models: Mapping[str, Any]) -> str:
    if "anyOf" in field:
        names = [_type(option, models) for option in field["anyOf"]]
        return " or ".join(name for name in names if name != "null")
    if "$ref" in field:
        model = models.get(str(field["$ref"]).rpartition("/")[2], {})
        return " | ".join(model["enum"]) if "enum" in model else "map"
    if "enum" in field:
        return " | ".join(str(item) for item in field["enum"])
    if "const" in field:
        return str(field["const"])
    if field.get("type") == "array":
        return f"list of {_type(field.get('items', {}), models)}"
    pattern = str(field.get("pattern", ""))
    if "ms|s|m|h|d" in pattern:
        return "duration"
    if "KiB" in pattern:
        return "size"
    return str(field.get("type", "text")).replace("string", "text").replace("object", "map")


def default_of(item: Mapping[str, object]) -> object:
    """A default as one would write it."""
    default = item["default"]
    if item["required"]:
        return "required"
    if item["type"] == "duration" and isinstance(default, int | float):
        return _in_units(float(default), {"d": 86400, "h": 3600, "m": 60, "s": 1, "ms": 0.001})
    if item["type"] == "size" and isinstance(default, int):
        return _in_units(default, {"GiB": 1 << 30, "MiB": 1 << 20, "KiB": 1 << 10, "B": 1})
    return default


def _in_units(value: float, units: Mapping[str, float]) -> str:
    """A value in the largest unit that gives a whole number."""
    for unit, factor in units.items():
        if value >= factor and value % factor == 0:
            return f"{value / factor:.0f}{unit}"
    return f"{value / units[unit]:.0f}{unit}" if value else "0s"

"""`vagus connectors`: what can be written in a channel file, from the config models themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click
from pydantic import BaseModel

from channels.config import ChannelConfig, DestinationConfig, SourceConfig, Step
from connectors.catalogue import load
from connectors.seam import Connector
from vagus.cli import output
from vagus.cli.failure import CLEAN
from vagus.cli.options import examples, form
from vagus.kernel.diagnostics import did_you_mean
from vagus.project.model import ProjectSettings

#: What files of a project may say besides the settings of connectors, by the place in them.
FILES: Mapping[str, Mapping[str, type[BaseModel]]] = {
    "channel": {
        "channel": ChannelConfig,
        "source": SourceConfig,
        "step": Step,
        "destination": DestinationConfig,
    },
    "project": {"project": ProjectSettings},
}
COLUMNS = ("side", "field", "type", "default", "description")


@click.command(
    epilog=examples(
        "vagus connectors",
        "vagus connectors describe mllp",
        "vagus connectors describe channel",
        "vagus connectors --format json",
    )
)
@click.argument("words", nargs=-1, metavar="[describe NAME]")
@form()
def command(words: tuple[str, ...], form: str) -> int:
    """List the connectors, or describe every field of one.

    `describe channel` and `describe project` list what those files may say besides.
    """
    catalogue = load(lambda text: output.note(f"warning: {text}"))
    match words:
        case () | ("list",):
            output.rows((_listed(item) for item in catalogue.values()), _COLUMNS, form)
        case ("describe", name) if name in FILES:
            _describe_file(name, form)
        case ("describe", name):
            if name not in catalogue:
                hint = did_you_mean(name, [*catalogue, *FILES])
                raise click.UsageError(f"there is no connector '{name}'{hint}")
            _describe(catalogue[name], form)
        case _:
            raise click.UsageError("write: vagus connectors [describe NAME]")
    return CLEAN


_COLUMNS = ("name", "source", "destination", "format", "about")


def _listed(connector: Connector) -> dict[str, object]:
    return {
        "name": connector.name,
        "source": connector.source is not None,
        "destination": connector.destination is not None,
        "format": connector.format or None,
        "about": connector.about,
    }


def _describe(connector: Connector, form: str) -> None:
    found = list(fields(connector))
    if form == output.JSON:
        output.line({**_listed(connector), "fields": found})
        return
    output.say(f"{connector.name}: {connector.about}")
    output.rows([{**item, "default": _shown(item)} for item in found], COLUMNS, form)
    output.say()
    output.say(example(connector))


def _describe_file(name: str, form: str) -> None:
    found = [item for side, model in FILES[name].items() for item in fields_of(model, side)]
    if form == output.JSON:
        output.line({"name": name, "fields": found})
    else:
        output.rows([{**item, "default": _shown(item)} for item in found], COLUMNS, form)


def _shown(item: Mapping[str, object]) -> object:
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


def fields(connector: Connector) -> Iterator[dict[str, object]]:
    """Every field of a connector: side, field (nested ones as a.b), type, default, description."""
    for side in ("source", "destination"):
        offered = getattr(connector, side)
        if offered is not None:
            yield from fields_of(offered[0], side)


def fields_of(model: type[BaseModel], side: str) -> Iterator[dict[str, object]]:
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


def example(connector: Connector) -> str:
    """YAML that uses the connector, with its required fields and nothing else."""
    lines = []
    for side in ("source", "destination"):
        offered = getattr(connector, side)
        if offered is None:
            continue
        settings = ", ".join(f"{name}: {value}" for name, value in _required(offered[0]))
        if side == "source":
            lines += ["source:", f"  {connector.name}: {{{settings}}}"]
        else:
            lines += ["destinations:", f"  - name: {connector.name}_out"]
            lines += [f"    {connector.name}: {{{settings}}}"]
    return "\n".join(lines)


def _required(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    words = {
        "port": "2575",
        "host": "127.0.0.1",
        "folder": "messages",
        "url": "https://example.org",
    }
    for name, field in model.model_fields.items():
        if field.is_required():
            shown = field.alias or name
            given = field.examples[0] if field.examples else words.get(shown, f"<{shown}>")
            yield shown, str(given)

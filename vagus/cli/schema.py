"""`vagus schema`: JSON schemas by which an editor completes and checks the files of a project."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import click
from pydantic import BaseModel

from channels.config import ChannelConfig, DestinationConfig, SourceConfig
from connectors.catalogue import load
from connectors.seam import Connector
from mappings import catalogue, golden, headers, nodes
from mappings import schema as language
from mappings.schema import DRAFT, Schema
from vagus.cli import output
from vagus.cli.failure import CLEAN
from vagus.cli.options import examples
from vagus.kernel.diagnostics import Diagnostics
from vagus.project.model import LINK, ProjectSettings

FOLDER = "schemas"
_FILLED = r"\$\{"  # a setting may come from the environment or from a secret file


@click.command(
    epilog=examples("vagus schema mapping > mapping.json", "vagus schema --into clinic/schemas")
)
@click.argument(
    "name", required=False, type=click.Choice(["mapping", "channel", "project", "test"])
)
@click.option(
    "--into",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write NAME.json there instead of printing; without NAME, all of them.",
)
def command(name: str | None, into: Path | None) -> int:
    """Print the JSON schema of a kind of file, or all of them as one object by name.

    An editor that speaks YAML (such as VS Code with the YAML extension) completes and checks a
    file whose first line is `# yaml-language-server: $schema=../schemas/mapping.json`. The linter
    checks far more: an editor cannot know the mappings, tables and channels of a project.
    """
    wanted = [name] if name else list(SCHEMAS)
    if into is not None:
        for item in wanted:
            write(item, into)
        output.say(f"wrote {', '.join(f'{item}.json' for item in wanted)} to {into}")
    elif name:
        output.line(SCHEMAS[name]())
    else:
        output.line({item: make() for item, make in SCHEMAS.items()})
    return CLEAN


def write(name: str, folder: Path) -> Path:
    """Write one schema into a folder; gives the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(output.dumps(SCHEMAS[name]()) + "\n", "utf-8")
    return path


def mapping() -> Schema:
    """Mapping files: the language's keys, and the elements of what the library makes."""
    diagnostics = Diagnostics()
    documents = list(headers.Reader(diagnostics).folder(catalogue.LIBRARY, "library"))
    kinds = {
        kind.value
        for document in documents
        if isinstance(document, headers.TemplateFile)
        and isinstance(kind := document.body.entries.get("resourceType"), nodes.Text)
        and kind.value
    }
    names = [item.name for item in documents if isinstance(item, headers.MappingFile)]
    return language.schema(kinds | {"Basic"}, names)


def project() -> Schema:
    """The file vagus.yaml."""
    return _titled("Vagus project", _model(ProjectSettings))


def channel() -> Schema:
    """Channel files: every field of channels, sources, destinations and their connectors."""
    connectors = load(lambda text: output.note(f"warning: {text}"))
    source = _side(SourceConfig, connectors, "source")
    destination = _side(DestinationConfig, connectors, "destination")
    found = _model(ChannelConfig)
    found["properties"]["source"] = source
    found["properties"]["destinations"] = {"type": "array", "items": destination}
    return _titled("Vagus channel", found)


def test() -> Schema:
    """Files of golden tests."""
    settings = {key: {"type": "string"} for key in golden.SETTINGS}
    case: Schema = {
        "type": "object",
        "properties": {key: _CASE.get(key, {}) for key in golden.CASE_KEYS},
        "required": ["given"],
        "additionalProperties": False,
    }
    found = {
        "type": "object",
        "properties": {
            "tests": {"type": "string", "description": "The mapping that is tested"},
            "settings": _object(settings),
            "cases": {"type": "array", "minItems": 1, "items": case},
        },
        "required": ["tests", "cases"],
        "additionalProperties": False,
    }
    return _titled("Vagus golden tests", {"anyOf": [found, {"required": ["systems"]}]})


_CASE: Mapping[str, Schema] = {
    "name": {"type": "string", "description": "What the case shows"},
    "given": {"description": "The message: {file: …}, text after |, or {resources: […]}"},
    "expect": {"type": "object", "description": "Part of what comes out, by resource type"},
    "expect_exactly": {"description": "All of it: text, or {file: …}, which --accept rewrites"},
    "warnings": {"description": "The codes that are reported, each once"},
    "deletes": {"description": "The elements explicitly emptied, e.g. Patient.gender"},
    "loss": {"description": "Fields that nothing reads", "type": "object"},
    "error": {"type": "string", "description": "The code of the error that is expected"},
}
SCHEMAS: Mapping[str, Callable[[], Schema]] = {
    "mapping": mapping,
    "channel": channel,
    "project": project,
    "test": test,
}


def _titled(title: str, schema: Schema) -> Schema:
    return {"$schema": DRAFT, "title": title, **schema}


def _object(properties: Mapping[str, Any]) -> Schema:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _side(common: type[BaseModel], connectors: Mapping[str, Connector], side: str) -> Schema:
    found = _model(common)
    for name, connector in connectors.items():
        if (offered := getattr(connector, side)) is not None:
            found["properties"][name] = _model(offered[0])
    found["properties"][LINK] = {"type": "string", "description": "Another channel"}
    return found


def _model(model: type[BaseModel]) -> Schema:
    """The schema of a settings model, without references, as its fields are written in YAML."""
    whole = model.model_json_schema()
    return _written(whole, partial(_referred, whole.get("$defs", {})))


def _referred(models: Mapping[str, Schema], item: Schema) -> Schema:
    """A schema, or what it refers to."""
    name = str(item.get("$ref", "")).rpartition("/")[2]
    return {**models[name], **{k: v for k, v in item.items() if k != "$ref"}} if name else item


def _written(item: Schema, resolve: Callable[[Schema], Schema]) -> Schema:
    """A schema as people write the value: text may be unquoted, or filled in by `${…}`."""
    item = resolve(item)
    about = {key: item[key] for key in ("description",) if key in item}
    if "properties" in item:
        fields = {key: _written(field, resolve) for key, field in item["properties"].items()}
        required = {"required": item["required"]} if "required" in item else {}
        found = {**about, **_object(fields), **required}
        words = item.get("examples")  # what may stand for the whole
        return {**about, "anyOf": [found, {"enum": words}]} if words else found
    if "anyOf" in item:
        return {**about, "anyOf": [_written(option, resolve) for option in item["anyOf"]]}
    if item.get("type") == "array":
        listed = {"type": "array", "items": _written(item.get("items", {}), resolve)}
        return {**about, "anyOf": [listed, {"type": "string"}]}
    if item.get("type") == "object":
        return {**about, "type": "object"}
    filled = {"type": "string", "pattern": _FILLED}
    plain = {key: value for key, value in item.items() if key in _KEPT}
    if plain.get("type") == "string" and not plain.keys() & {"pattern", "enum"}:
        return {**about, "type": ["string", "number", "boolean"]}
    if "pattern" in plain:
        plain["type"] = ["string", "number"]
    return {**about, "anyOf": [plain, filled]}


_KEPT = "type pattern enum const minimum maximum exclusiveMinimum exclusiveMaximum".split()

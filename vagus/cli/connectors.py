"""`vagus connectors`: what can be written in a channel file, from the config models themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import click
from pydantic import BaseModel

from channels.config import ChannelConfig, DestinationConfig, SourceConfig, Step
from connectors.catalogue import load
from connectors.seam import Connector
from vagus.cli import fields, output
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
    found = list(fields_of(connector))
    if form == output.JSON:
        output.line({**_listed(connector), "fields": found})
        return
    output.say(f"{connector.name}: {connector.about}")
    output.rows([{**item, "default": fields.default_of(item)} for item in found], COLUMNS, form)
    output.say()
    output.say(example(connector))


def _describe_file(name: str, form: str) -> None:
    found = [item for side, model in FILES[name].items() for item in fields.of(model, side)]
    if form == output.JSON:
        output.line({"name": name, "fields": found})
    else:
        output.rows([{**item, "default": fields.default_of(item)} for item in found], COLUMNS, form)


def fields_of(connector: Connector) -> Iterator[dict[str, object]]:
    """Every field of a connector: side, field (nested ones as a.b), type, default, description."""
    for side in ("source", "destination"):
        offered = getattr(connector, side)
        if offered is not None:
            yield from fields.of(offered[0], side)


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

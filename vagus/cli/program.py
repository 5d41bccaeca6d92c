"""The entry point of `vagus`: finds the verb, and turns errors into lines and exit codes."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from typing import NamedTuple

import click

from vagus.cli import failure


class Verb(NamedTuple):
    """Where a verb lives, and what the list of verbs says of it."""

    module: str
    about: str


VERBS: dict[str, Verb] = {
    "init": Verb("init", "Write a small working project."),
    "lint": Verb("lint", "Check every file of a project."),
    "test": Verb("test", "Run a project's golden tests."),
    "run": Verb("run", "Run a project until it is told to stop."),
    "inspect": Verb("inspect", "Say what messages a file holds."),
    "map": Verb("map", "Map messages to canonical FHIR R4 Bundles."),
    "validate": Verb("validate", "Check messages against their standard."),
    "encode": Verb("encode", "Write canonical Bundles as messages of a wire format."),
    "send": Verb("send", "Send messages to a port, a URL or a folder."),
    "messages": Verb("messages", "Search the journal."),
    "show": Verb("show", "Tell the history of one message."),
    "dead-letters": Verb("dead_letters", "List or discard what could not be processed."),
    "replay": Verb("replay", "Process stored messages once more."),
    "ledger": Verb("ledger", "Prove that nothing was lost."),
    "channels": Verb("channels", "List, pause, resume or drain channels."),
    "nodes": Verb("nodes", "Show the engines of a project and what each runs."),
    "broker": Verb("broker", "Show the queues and bindings of a project."),
    "new": Verb("new", "Write a new mapping with its test."),
    "bench": Verb("bench", "Measure the engine against a raw loop."),
    "schema": Verb("schema", "Print JSON schemas for editors."),
    "connectors": Verb("connectors", "List and describe connectors."),
    "doctor": Verb("doctor", "Check this machine and installation."),
}


class LazyGroup(click.Group):
    """Imports a verb only when it is called, so that every verb starts fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs, in the order in which people meet them."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb of that name, or None."""
        verb = VERBS.get(cmd_name)
        return verb and load(verb)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of verbs, without loading any."""
        with formatter.section("Verbs"):
            formatter.write_dl([(name, verb.about) for name, verb in VERBS.items()])


def load(verb: Verb) -> click.Command:
    """The command of a verb; imports its module."""
    command = importlib.import_module(f"vagus.cli.{verb.module}").command
    assert isinstance(command, click.Command)
    return command


def _version(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked and not ctx.resilient_parsing:
        metadata = importlib.import_module("importlib.metadata")
        click.echo(f"vagus {metadata.version('vagus')}")
        ctx.exit()


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done and clean, 1 findings or failure, 2 wrong use or configuration.",
)
@click.option("--version", is_flag=True, expose_value=False, is_eager=True, callback=_version)
def program() -> None:
    """The integration engine between EHR, payer and clearinghouse."""


def execute(arguments: Sequence[str]) -> int:
    """Run one command line; returns the exit code and raises nothing but SystemExit."""
    try:
        return _code(program.main(list(arguments), "vagus", standalone_mode=False))
    except BaseException as error:
        if os.environ.get("VAGUS_DEBUG") == "1" and not isinstance(error, click.ClickException):
            raise
        return failure.report(error)


def main() -> None:
    """Run the command line of this process and leave it."""
    code = execute(sys.argv[1:])
    try:
        sys.stdout.flush()
    except OSError:
        # Whoever read our output has gone; what could not be written needs no traceback.
        code = failure.hang_up()
    sys.exit(code)


def _code(result: object) -> int:
    return result if isinstance(result, int) else 0

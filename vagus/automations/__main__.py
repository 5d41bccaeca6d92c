"""`python -m vagus.automations STATE`: what an automation has given up, and to try it again."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import click

from vagus.automations.store import FILE, Store
from vagus.kernel.clock import SystemClock


@click.command()
@click.argument("state", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--redrive", multiple=True, metavar="ID", help="Have this one tried again.")
def main(state: Path, redrive: tuple[str, ...]) -> None:
    """List the dead letters in the STATE folder of an automation as JSON lines, or redrive some.

    A running automation takes up what is to be tried again within a second, another at its start.
    """
    if not (state / FILE).exists():
        raise click.UsageError(f"{state}: there is no {FILE}: name the state folder")
    store = Store(state, SystemClock())
    try:
        if missing := [id for id in redrive if not store.ask_redrive(id)]:
            raise click.ClickException(f"not among the dead letters: {' '.join(missing)}")
        for item in [] if redrive else store.dead():
            at = datetime.fromtimestamp(item.at, UTC).isoformat(timespec="seconds")
            row = {"id": item.id, "at": at, "event_type": item.type, "code": item.code}
            click.echo(json.dumps({**row, "attempts": item.attempts}))
    finally:
        store.close()


if __name__ == "__main__":
    main()

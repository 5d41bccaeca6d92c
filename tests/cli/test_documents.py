"""Every command that the documentation shows exists, with the options it is shown with."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from vagus.cli.program import VERBS, load

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *ROOT.glob("samples/*/*.md")]
_COMMAND = re.compile(r"(?:^|`|&& |\| )(?:\$ )?vagus ([a-z-]+)([^`|&#\n]*)", re.MULTILINE)
_OPTION = re.compile(r"(?<![\w-])--[a-z-]+")


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_commands(page: Path):
    for verb, rest in _COMMAND.findall(page.read_text("utf-8")):
        assert verb in VERBS, f"{page.name}: vagus {verb}"
        command = load(VERBS[verb])
        if isinstance(command, click.Group):
            command = command.commands.get((rest.split() or [""])[0], command)
        known = {name for item in command.params for name in (*item.opts, *item.secondary_opts)}
        for option in _OPTION.findall(rest):
            assert option in known | {"--help"}, f"{page.name}: vagus {verb} {option}"

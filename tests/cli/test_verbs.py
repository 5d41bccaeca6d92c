"""Every verb has help, an example and a place in the documentation; the list loads nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest

from vagus.cli import reference
from vagus.cli.program import VERBS, load

ROOT = Path(__file__).parents[2]
CONTRACT = set(
    "init lint test run inspect map send messages show dead-letters replay ledger broker"
    " connectors doctor channels".split()
)


def test_the_contract_is_kept():
    assert set(VERBS) >= CONTRACT


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_explains_itself(call, name):
    command = load(VERBS[name])
    assert command.help and len(command.help.split()) > 5
    assert f"vagus {name}" in (command.epilog or "")
    done = call(name, "--help")
    assert done.code == 0 and "Examples:" in done.out
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help, f"{name} {option.opts}"


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_is_in_the_documentation(name):
    assert f"\n## vagus {name}\n" in (ROOT / "docs/cli.md").read_text("utf-8")


def test_the_reference_page_is_the_generated_one():
    written = (ROOT / "docs/cli.md").read_text("utf-8")
    assert written == reference.page(), "run: python -m vagus.cli.reference > docs/cli.md"


def test_the_list_of_verbs_loads_none_of_them(shell):
    done = shell("--help")
    assert done.code == 0 and all(f"  {name} " in done.out for name in VERBS)


@pytest.mark.parametrize("words", [["--help"], ["inspect", "--help"], ["send", "--help"]])
def test_light_verbs_load_nothing_heavy(words):
    program = (
        "import sys; from vagus.cli.program import execute; execute(sys.argv[1:]);"
        "heavy = {'channels.engine', 'vagus.journal', 'jsonschema_rs', 'mappings.catalogue'};"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    command = [sys.executable, "-c", program, *words]
    done = subprocess.run(command, capture_output=True, check=True)
    assert done.stderr.decode().strip() == "[]"


def test_the_version(call):
    assert call("--version").out.startswith("vagus ")


@pytest.mark.parametrize(
    "words", [(), ("nonsense",), ("inspect",), ("inspect", "a", "b"), ("lint", "--format", "xml")]
)
def test_wrong_use_is_exit_code_two(call, words):
    assert call(*words).code == 2

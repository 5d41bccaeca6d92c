"""What the mapping page shows is what comes out: Bundles, tables, files; `…` stands for more."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from cli.given import execute_here
from docs.test_fences import FENCE, Written, written

from vagus.cli import mapping
from vagus.formats.hl7v2 import HL7V2

PAGE = Path(__file__).parents[2] / "docs/mapping.md"
FENCES = FENCE.findall(PAGE.read_text("utf-8"))
MESSAGES = {name: text for kind, name, text in FENCES if kind == "hl7"}
MORE = "…"

__all__ = ["written"]  # the fixture


def shown() -> list[Any]:
    """Each Bundle of the page: the mapping, the message before it, what is shown of it."""
    found, message = [], ""
    for kind, name, text in FENCES:
        message = name if kind == "hl7" else message
        if kind == "json":
            found.append(pytest.param(name, message, text, id=name))
    return found


def fits(pattern: Any, value: Any) -> bool:
    """Whether a value is as shown; `…` fits anything, as a key or last item whatever is left."""
    if pattern == MORE:
        return True
    if isinstance(pattern, dict):
        named = pattern.keys() - {MORE}
        rest = value.keys() - named if isinstance(value, dict) else {"?"}
        return (MORE in pattern or not rest) and all(
            key in value and fits(pattern[key], value[key]) for key in named
        )
    if isinstance(pattern, list):
        same = isinstance(value, list) and len(value) == len(pattern)
        return same and all(map(fits, pattern, value))
    return type(pattern) is type(value) and pattern == value


def documents(text: str) -> list[Any]:
    """The JSON values that follow each other in a text."""
    decoder, found = json.JSONDecoder(), []
    while text := text.strip():
        value, end = decoder.raw_decode(text)
        found.append(value)
        text = text[end:]
    return found


@pytest.mark.parametrize(("name", "message", "text"), shown())
def test_a_bundle_is_as_shown(name: str, message: str, text: str, written: Written) -> None:
    read = HL7V2().decode(MESSAGES[message].encode(), mapping.terms(None))
    context = mapping.context(written.project, None, None)
    result = written.catalogue.mapping(name).apply(read, context)
    made = [entry["resource"] for entry in result.bundle["entry"]]
    some = text.startswith(MORE)
    patterns = documents(text.removeprefix(MORE))
    assert patterns and (some or len(made) == len(patterns))
    for pattern in patterns:
        at = next((n for n, item in enumerate(made) if fits(pattern, item)), None)
        assert at is not None, (pattern, made)
        made = made[at + 1 :]


def test_commands_print_what_is_shown(
    written: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "clinic"
    shutil.copytree(written.folder, folder)
    for name, text in MESSAGES.items():
        (folder / name).write_text(text, "utf-8")
    monkeypatch.chdir(folder)
    ran = 0
    for kind, name, text in FENCES:
        if kind == "console":
            ran += 1
            command, _, output = text.removeprefix("$ vagus ").partition("\n")
            done = execute_here(tuple(command.split()))
            assert done.code == 0, done.err
            assert like(output).fullmatch(tidy(done.out) + "\n"), f"{command}\n{done.out}"
        elif kind == "text":
            assert like(text).search(tidy(Path(name).read_text("utf-8")) + "\n"), name
    assert ran == 4


def like(text: str) -> re.Pattern[str]:
    """What fits a shown text: `…` in a line is some of it, a line of its own any lines."""
    lines = (
        "(?:.*\n)*?" if line == MORE else f"{re.escape(line)}\n" for line in tidy(text).split("\n")
    )
    return re.compile("".join(lines).replace(MORE, ".*"))


def tidy(text: str) -> str:
    """The text with single blanks: how wide a column is does not matter."""
    return re.sub(r"(?<=\S) {2,}", " ", text).rstrip("\n")

"""Every YAML block of the documents is what it says it is, and lints clean."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mappings import golden
from vagus.kernel.diagnostics import Diagnostics
from vagus.kernel.settings import Reader
from vagus.project import load
from vagus.simulators.loading import load as load_simulators

TOP = Path(__file__).parents[2]
PAGES = [TOP / "README.md", *sorted((TOP / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\S+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PLACES = {
    "project": "vagus.yaml",
    "channel": "channels/block.yaml",
    "mapping": "mappings/block.yaml",
    "systems": "systems/block.yaml",
    "test": "tests/block.test.yaml",
    "simulator": "simulators/block.yaml",
}
BLOCKS = [
    pytest.param(kind, text, id=f"{page.name}-{at}-{kind}")
    for page in PAGES
    for at, (language, kind, text) in enumerate(FENCE.findall(page.read_text("utf-8")), 1)
    if language == "yaml"
]


def test_the_documents_show_every_kind_of_file() -> None:
    assert {block.values[0] for block in BLOCKS} == set(PLACES)


@pytest.mark.parametrize(("kind", "text"), BLOCKS)
def test_a_block_lints_clean(kind: str, text: str, tmp_path: Path) -> None:
    (tmp_path / "vagus.yaml").write_text("project: docs\n")
    for folder in ("messages/bad", "messages/nightly"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("messages/1.hl7", "messages/bad/1.hl7", "messages/nightly/1.hl7"):
        (tmp_path / name).write_text("MSH|^~\\&|A|B|||2026||ADT^A08|1|P|2.5.1\n")
    path = tmp_path / PLACES[kind]
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")
    diagnostics = Diagnostics()
    project = load(tmp_path, diagnostics, {})
    simulators = load_simulators(tmp_path, Reader(diagnostics, {}), diagnostics)
    assert [str(item) for item in diagnostics] == []
    assert project is not None
    if kind == "simulator":
        assert simulators
    if kind == "test":
        results = golden.run(path, project.catalogue)
        assert results
        assert [difference for result in results for difference in result.differences] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), target

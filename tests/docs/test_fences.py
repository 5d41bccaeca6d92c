"""Every YAML block of the documents is what it says it is, and lints clean; every link leads."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from mappings import golden
from mappings.catalogue import Catalogue
from vagus.kernel.diagnostics import Diagnostics
from vagus.kernel.jwe import generate
from vagus.kernel.settings import Reader
from vagus.project import Project, load
from vagus.simulators.loading import load as load_simulators

TOP = Path(__file__).parents[2]
PAGES = [TOP / "README.md", *sorted((TOP / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\S+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MAPPING = re.compile(r"^mapping: (\S+)$", re.MULTILINE)
KINDS = frozenset("project channel mapping profile systems test simulator".split())
MESSAGE = "MSH|^~\\&|A|B|||2026||ADT^A08|1|P|2.5.1\n"


@dataclass(frozen=True)
class Block:
    """One YAML block of a page, and the file it is for a test."""

    kind: str
    name: str
    text: str

    @property
    def path(self) -> str:
        folder = {"systems": "systems", "project": "projects"}.get(self.kind, f"{self.kind}s")
        return f"{folder}/{self.name}{'.test' if self.kind == 'test' else ''}.yaml"


BLOCKS = [
    Block(kind, (MAPPING.findall(text) or [f"{page.stem.lower()}_{number}"])[0], text)
    for page in PAGES
    for number, (language, kind, text) in enumerate(FENCE.findall(page.read_text("utf-8")), 1)
    if language == "yaml"
]


@dataclass(frozen=True)
class Written:
    """All blocks but the project files as one project."""

    folder: Path
    findings: list[str]
    project: Project

    @property
    def catalogue(self) -> Catalogue:
        return self.project.catalogue


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    folder = tmp_path_factory.mktemp("docs")
    (folder / "vagus.yaml").write_text("project: docs\n")
    for name in ("messages/1.hl7", "messages/bad/1.hl7", "messages/nightly/1.hl7"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(MESSAGE)
    for block in BLOCKS:
        path = folder / block.path
        path.parent.mkdir(exist_ok=True)
        path.write_text(block.text, "utf-8")
    diagnostics = Diagnostics()
    project = load(folder, diagnostics, {})
    assert project is not None
    load_simulators(folder, Reader(diagnostics, {}), diagnostics)
    return Written(folder, [str(item) for item in diagnostics], project)


def test_the_documents_show_every_kind_of_file() -> None:
    assert {block.kind for block in BLOCKS} == KINDS


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: f"{block.name}-{block.kind}")
def test_a_block_lints_clean(block: Block, written: Written) -> None:
    assert [line for line in written.findings if line.startswith(block.path)] == []
    if block.kind == "test":
        results = golden.run(written.folder / block.path, written.catalogue)
        assert results
        assert [difference for result in results for difference in result.differences] == []


def test_no_block_troubles_another(written: Written) -> None:
    assert written.findings == []


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.kind == "project"], ids=lambda b: b.name)
def test_a_project_file_loads(block: Block, tmp_path: Path) -> None:
    (tmp_path / "vagus.yaml").write_text(block.text, "utf-8")
    for name in re.findall(r"key: (\S+\.jwk)", block.text):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(generate("docs"))
        (tmp_path / name).chmod(0o600)
    diagnostics = Diagnostics()
    assert load(tmp_path, diagnostics, {}) is not None
    assert [str(item) for item in diagnostics] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), target

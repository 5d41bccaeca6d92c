"""What holds for the documents as a whole: short, without places of our own machines."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
DOCS = sorted((TOP / "docs").glob("*.md"))
GENERATED = ("cli.md", "conformance.md")
PAGES = [TOP / "README.md", *DOCS]


def test_there_are_at_most_fifteen_documents() -> None:
    assert 5 <= len(DOCS) <= 15


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_document_is_read_in_ten_minutes(page: Path) -> None:
    words = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL).split()
    assert len(words) <= 2500 or page.name in GENERATED, "only a reference is longer"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_yaml_block_says_what_it_is(page: Path) -> None:
    for language, kind in re.findall(r"^```(\w+)(?: (\S+))?$", page.read_text("utf-8"), re.M):
        assert language != "yaml" or kind, "write ```yaml channel, mapping, project, …"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_headings_lead_to_one(page: Path) -> None:
    for target, heading in re.findall(
        r"\]\((?!https?:)([^)#]*)#([^)]+)\)", page.read_text("utf-8")
    ):
        other = (page.parent / target if target else page).read_text("utf-8")
        slugs = {
            re.sub(r"[^\w\- ]", "", line.lstrip("# ").lower()).replace(" ", "-")
            for line in other.splitlines()
            if line.startswith("#")
        }
        assert heading in slugs, f"{page.name}: {target}#{heading}"

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from vagus.formats.x12.findings import Finding
from vagus.formats.x12.reader import read
from vagus.formats.x12.results import Result

CORPORA = Path(__file__).parents[3].parent / "shared/corpora"


@pytest.fixture
def corpora() -> Path:
    if not CORPORA.is_dir():
        pytest.skip("the shared corpora are not here")
    return CORPORA


def results(data: bytes) -> list[Result]:
    return list(read([data]))


def findings(data: bytes) -> list[Finding]:
    return [item for result in read([data]) for item in result.findings]


def said(items: Sequence[Finding]) -> list[tuple[str, str]]:
    """Kind and place of each finding."""
    return [(item.kind, item.place) for item in items]

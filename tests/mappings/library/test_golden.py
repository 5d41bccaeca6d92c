from __future__ import annotations

from pathlib import Path

import pytest

from mappings.catalogue import load
from mappings.golden import run
from vagus.kernel.diagnostics import Diagnostics

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def catalogue():
    diagnostics = Diagnostics()
    found = load([HERE / "overlays"], diagnostics)
    diagnostics.raise_errors()
    return found


@pytest.mark.parametrize("path", sorted(HERE.glob("*.test.yaml")), ids=lambda path: path.name)
def test_golden(path, catalogue):
    results = run(path, catalogue)
    assert results
    assert {item.name: item.differences for item in results if not item.passed} == {}

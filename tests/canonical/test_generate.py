from __future__ import annotations

from importlib import resources

import pytest

pytest.importorskip("fhir.resources")

from vagus.canonical import corrections, generate, models


def test_the_table_in_the_tree_is_what_the_generator_writes() -> None:
    stored = resources.files("vagus.canonical").joinpath("data/r4.json").read_text("utf-8")
    assert generate.table_text() == stored


def test_every_correction_still_corrects_something() -> None:
    table = models.read()
    for name in corrections.NEW_IN_R4B | corrections.NOT_FHIR:
        assert name in table, name
    for shape, element in corrections.NEW_ELEMENTS:
        assert element in table[shape]["elements"]
    for (shape, element), change in corrections.CHANGED.items():
        row = table[shape]["elements"][element]
        assert any(row[key] != value for key, value in change.items()), (shape, element)

from __future__ import annotations

import re

import pytest

from map_conformance import official, oracles, register, report
from map_conformance.classes import OWNERS, classes, classify
from map_conformance.comparing import SAME, compare
from map_conformance.rules import rules
from mappings.catalogue import load
from vagus.kernel.diagnostics import Diagnostics

needs_corpora = pytest.mark.skipif(not official.CORPORA.is_dir(), reason="no corpora here")


@needs_corpora
def test_no_figure_has_fallen() -> None:
    assert report.fallen() == [], "`make conformance ACCEPT=1` if it has to be"


@needs_corpora
def test_the_page_is_of_today() -> None:
    assert report.PAGE.read_text("utf-8") == report.page(), "run `make conformance`"


@needs_corpora
def test_the_register_speaks_of_open_rows_only() -> None:
    assert register.stale() == []
    assert {entry.state for entry in register.entries()} <= {"different", "not carried"}
    assert all(entry.reason.endswith(".") for entry in register.entries())


@needs_corpora
def test_tables_are_read_whole() -> None:
    counts = {sheet: len(official.rows(sheet)) for sheet in official.segment_sheets()}
    assert counts["PID[Patient]"] == 53
    assert counts["OBX[Observation]"] == 72
    assert sum(counts.values()) > 600
    assert sum(len(official.rows(sheet)) for sheet in register.datatypes()) > 200


def test_the_rules_read_what_the_compiler_reads() -> None:
    """The list of rules is a second walk over the same nodes: it must agree with the first."""
    catalogue = load([], Diagnostics())
    compiled = {
        (name, written.place, written.via): {_position(read) for read in written.reads}
        for name in sorted({rule.mapping for rule in rules()})
        for written in catalogue.mapping(name).rules()
        if written.reads and not written.role
    }
    met = 0
    for rule in rules():
        reads = compiled.get((rule.mapping, str(rule.place), rule.via))
        if reads is not None:
            met += 1
            assert {str(source) for source in rule.sources if source.field} <= reads, rule
    assert met > 5000


def _position(read: str) -> str:
    """`PV2-3.1` for `PV1/PV2-3(1).1`."""
    return re.sub(r"\(\d+\)", "", read).rpartition("/")[2]


def test_every_class_says_whose_it_is_and_why() -> None:
    assert {kind.whose for kind in classes()} <= set(OWNERS)
    assert all(kind.reason.endswith(".") for kind in classes())


@needs_corpora
@pytest.mark.parametrize("oracle", oracles.ORACLES, ids=lambda oracle: oracle.name)
def test_no_difference_is_unexplained(oracle: oracles.Oracle) -> None:
    unexplained = {
        (item.file, found.type, found.path)
        for item in oracles.compared(oracle.name)
        for found in item.differences
        if found.state != SAME and classify(oracle.name, found) is None
    }
    assert unexplained == set()


@needs_corpora
def test_every_class_is_met() -> None:
    met = {
        kind.name
        for oracle in oracles.ORACLES
        for item in oracles.compared(oracle.name)
        for found in item.differences
        if found.state != SAME and (kind := classify(oracle.name, found))
    }
    assert [kind.name for kind in classes() if kind.name not in met] == []


def test_a_leaf_is_equal_wherever_its_list_has_it() -> None:
    expected = {"resourceType": "Patient", "id": "1", "name": [{"family": "A"}, {"family": "B"}]}
    mine = {"resourceType": "Patient", "id": "2", "name": [{"family": "B"}], "gender": "male"}
    states = {(d.value, d.state) for d in compare([expected], [mine], "")}
    assert states == {("B", "same"), ("A", "absent")}


def test_one_of_ours_stands_for_one_expected_resource() -> None:
    one = {"resourceType": "RelatedPerson", "name": [{"family": "A"}], "gender": "male"}
    other = {"resourceType": "RelatedPerson", "name": [{"family": "B"}], "gender": "male"}
    found = compare([one, other], [one], "")
    assert sorted((d.path, d.state) for d in found if d.state != SAME) == [
        ("gender", "elsewhere"),
        ("name.family", "no such resource"),
    ]


def test_times_are_compared_as_moments() -> None:
    one = {"resourceType": "Provenance", "recorded": "2026-01-01T10:00:00+01:00"}
    other = {"resourceType": "Provenance", "recorded": "2026-01-01T09:00:00Z"}
    assert [d.state for d in compare([one], [other], "")] == [SAME]

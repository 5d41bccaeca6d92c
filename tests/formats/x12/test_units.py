"""Claims, patients and events come one by one with what stands above them, and nothing is kept."""

from __future__ import annotations

import tracemalloc

import pytest
from benchmarks.x12_files import claims, remittances
from formats.x12.samples import BODIES, interchange, lines

from vagus.formats.x12 import guides, paths
from vagus.formats.x12.results import TransactionSet
from vagus.formats.x12.units import Unit, each


def units(data: bytes) -> list[Unit]:
    found: list[Unit] = []
    list(each([data], found.append))
    return found


def loops(found: list[Unit]) -> list[str]:
    return [unit.node.loop for unit in found]


@pytest.mark.parametrize(
    ("transaction", "expected"),
    [
        ("270", ["2000C", ""]),
        ("271", ["2000D", "2000C", ""]),
        ("276", ["2200D", "2200E", ""]),
        ("277CA", ["2200D", "2200D", ""]),
        ("278-request", ["2000E", ""]),
        ("835", ["2100", "2100", "2100", ""]),
        ("837P", ["2300", "2300", ""]),
        ("837D", ["2300", ""]),
        ("999", [""]),
    ],
)
def test_the_units_of_each_transaction(transaction: str, expected: list[str]) -> None:
    found = units(interchange(transaction))
    assert loops(found) == expected
    assert [unit.number for unit in found] == [*range(1, len(found)), 0]


@pytest.mark.parametrize("transaction", BODIES)
def test_no_segment_is_lost_or_doubled(transaction: str) -> None:
    """Every segment is in exactly one unit's subtree, or in a level above one."""
    found = units(interchange(transaction))
    nodes = {id(node): node for unit in found for node in unit.node.walk()}
    for unit in found:
        for above in unit.node.above():
            nodes[id(above)] = above
            nodes.update({id(inner): inner for child in above.children for inner in child.walk()})
    rows = sorted(raw for node in nodes.values() for _, raw in node.rows)
    body = [raw for raw in rows if raw.split("*")[0] not in ("ST", "SE")]
    assert body == sorted(lines(transaction))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("CLM-01", ["CLAIM-1"]),
        ("2300/CLM-05-3", ["1"]),
        ("2300/HI[ABK]-02-2", ["R079"]),
        ("2010AA/NM1-09", ["1234567893"]),
        ("2010CA/NM1-03", ["MARKED"]),
        ("2010BA/NM1[IL]-04", ["JANE"]),
        ("2330A/NM1-04", ["JACK"]),
        ("2400/SV1-01-2", ["99213", "87070"]),
        ("2400/DTP[472|471]-03", ["20260102", "20260102-20260103"]),
        ("2310A/REF-02", []),
        ("BHT-03", ["BATCH1"]),
        ("2400/LX", ["LX*1", "LX*2"]),
    ],
)
def test_values_are_found_in_the_unit_or_above_it(path: str, expected: list[str]) -> None:
    claim = units(interchange("837P"))[0]
    assert paths.values(claim, path) == expected
    assert paths.first(claim, path) == (expected[0] if expected else "")
    assert paths.problem(path, claim.guide) == ""


def test_repetitions_are_values() -> None:
    dependent, subscriber, _ = units(interchange("271"))
    assert paths.values(subscriber, "2110C/EB-03") == ["30", "98", "30", "98"]
    assert paths.first(dependent, "2100C/NM1-04") == "JANE"


def test_facts_of_the_set_come_last() -> None:
    whole = units(interchange("835"))[-1]
    assert paths.first(whole, "BPR-02") == "160"
    assert paths.values(whole, "PLB-03-1") == ["WO"]


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("2399/CLM-01", "no loop 2399"),
        ("2300/SV1-01", "does not stand"),
        ("2300/REF[ZZ]-02", "no REF there"),
        ("2300/CLM-03", "is not used"),
        ("clm", "is not a path"),
    ],
)
def test_a_path_that_can_find_nothing_is_told(path: str, why: str) -> None:
    guide = guides.load("005010", "837_X222A1.yaml")
    assert why in paths.problem(path, guide)


def test_a_unit_comes_with_no_sibling() -> None:
    first, second, _ = units(interchange("837P"))
    assert paths.values(second, "CLM-01") == ["CLAIM-2"]
    assert paths.values(first, "2300/REF[F8]-02") == []


def test_what_fits_nowhere_is_kept_in_its_unit() -> None:
    data = interchange("837P").replace(b"LX*1~", b"ZZZ*KEEP~\nLX*1~", 1)
    claim = units(data)[0]
    kept = [raw for node in claim.node.walk() for line, raw in node.rows if line is None]
    assert kept == ["ZZZ*KEEP"]


@pytest.mark.parametrize("source", [claims, remittances], ids=["837P", "835"])
def test_memory_does_not_grow_with_the_file(source) -> None:
    """The most memory in use is the same for a small file and one ten times as large."""

    def peak(count: int) -> int:
        data = list(source(count))
        blocks = [b"".join(data[at : at + 100]) for at in range(0, len(data), 100)]
        del data
        tracemalloc.start()
        results = each(blocks, lambda unit: None)
        sets = [item for item in results if isinstance(item, TransactionSet)]
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert [(item.units, item.verdict) for item in sets] == [(count, "A")]
        return most

    peak(100)
    small, large = peak(300), peak(3000)
    assert large < small * 1.5

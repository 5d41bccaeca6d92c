from __future__ import annotations

import pytest

from vagus.formats.groups import Group, parse
from vagus.kernel import strictyaml
from vagus.kernel.diagnostics import Diagnostics


def read(text: str) -> tuple[Group, list[str]]:
    diagnostics = Diagnostics()
    [node] = strictyaml.load(text, "a.yaml", diagnostics)
    group = parse(node, diagnostics)
    return group, [f"{item.place} {item.code}" for item in diagnostics]


def test_names_starts_and_qualified_starts():
    group, problems = read(
        "_: ISA GS\n"
        "1000A N1-1=PR: N3 N4\n"
        "1000B N1-1=PE,PX:\n"
        "2000 LX: {_: TS3, 2100 CLP: {2110 SVC: DTM CAS}}\n"
        "PID: PD1\n"
    )
    assert problems == []
    assert group.members == ("ISA", "GS")
    assert group.group("1000A") == Group("1000A", "N1", ("N3", "N4"), (), 1, ("PR",))
    assert group.group("1000B") == Group("1000B", "N1", (), (), 1, ("PE", "PX"))
    assert group.group("PID") == Group("PID", "PID", ("PD1",))
    line = group.group("2000").group("2100").group("2110")
    assert (line.start, line.members) == ("SVC", ("DTM", "CAS"))
    assert [item.name for item in group.walk()][1:4] == ["1000A", "1000B", "2000"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("- PID\n", "a.yaml:1:1"),
        ("PID: [PD1]\n", "a.yaml:1:6"),
        ("PID: pd1\n", "a.yaml:1:6"),
        ("_: {PID: PD1}\n", "a.yaml:1:4"),
        ("pid: PD1\n", "a.yaml:1:1"),
        ("2000: LX\n", "a.yaml:1:1"),
        ("1000A N1-1: N3\n", "a.yaml:1:1"),
        ("A: PD1\n", "a.yaml:1:1"),
    ],
)
def test_mistakes_are_found_where_they_are(text, place):
    assert read(text)[1] == [f"{place} bad-structure"]


def test_nesting_is_bounded():
    deep = "".join("  " * level + "OBR:\n" for level in range(40)) + "  " * 40 + "OBX: NTE\n"
    assert len(read(deep)[1]) == 1

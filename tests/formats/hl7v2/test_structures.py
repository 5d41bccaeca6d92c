from __future__ import annotations

import pytest

from vagus.formats.hl7v2 import dictionary, structures
from vagus.formats.hl7v2.structures import structure, structure_of

ADT = [f"A{number:02}" for number in range(1, 63) if number not in (19, 56, 57, 58, 59)]
SIU = [f"S{number}" for number in (*range(12, 25), 26)]


def test_every_trigger_event_of_adt_and_siu_has_a_structure():
    assert all(structure(structure_of("ADT", trigger)) for trigger in ADT)
    assert all(structure_of("SIU", trigger) == "SIU_S12" for trigger in SIU)
    known = {(code, trigger) for code, trigger in structures.events() if code in ("ADT", "SIU")}
    assert known == {("ADT", trigger) for trigger in ADT} | {("SIU", trigger) for trigger in SIU}


@pytest.mark.parametrize(
    ("code", "trigger", "name"),
    [
        ("ADT", "A08", "ADT_A01"),
        ("ADT", "A31", "ADT_A05"),
        ("ADT", "A07", "ADT_A06"),
        ("ADT", "A40", "ADT_A39"),
        ("ADT", "A47", "ADT_A30"),
        ("ADT", "A33", "ADT_A21"),
        ("ADT", "A51", "ADT_A50"),
        ("ACK", "", "ACK"),
        ("ACK", "A01", "ACK"),
        ("SIU", "S25", ""),
        ("ADT", "Z01", ""),
    ],
)
def test_table_0354(code, trigger, name):
    assert structure_of(code, trigger) == name


def test_groups_of_an_admission():
    root = structure("ADT_A01")
    assert (root.name, root.start) == ("", "")
    assert {"MSH", "EVN", "NK1", "AL1", "DG1", "GT1", "PDA"} <= set(root.members)
    assert {"IN2", "IN3"} <= set(root.group("IN1").members)
    assert root.group("PR1").owns("ROL") and root.group("PR1").owns("PR1")
    assert not root.owns("IN2") and root.group("GT1") is None


def test_groups_within_groups():
    root = structure("SIU_S12")
    assert [group.name for group in root.group("RGS").groups] == ["AIS", "AIG", "AIL", "AIP"]
    assert root.group("RGS").group("AIP").members == ("NTE",)
    assert [group.name for group in structure("ADT_A17").walk()] == ["", "PID", "PV1", "OBX"]


def test_merges_keep_each_pair_together():
    for name in ("ADT_A18", "ADT_A30", "ADT_A39", "ADT_A43", "ADT_A44", "ADT_A50"):
        assert structure(name).group("PID").owns("MRG")


def test_every_segment_of_every_structure_is_in_the_dictionary():
    assert len(structures.structures()) >= 35
    for name in structures.structures():
        for group in structure(name).walk():
            owned = {*group.members, group.start} - {""}
            assert all(dictionary.segment(segment) for segment in owned), name
            assert len(set(group.members)) == len(group.members), name
    assert set(structures.events().values()) <= set(structures.structures())


def test_an_unknown_structure_is_none():
    assert structure("ADT_A99") is None

from __future__ import annotations

from collections.abc import Callable

from mappings import structures
from mappings.grouping import Plan, group, group_rows
from mappings.structures import Group


def test_segments_go_to_the_innermost_group_that_admits_them():
    root = structures.standard("ADT_A01")
    assert root is not None
    names = "MSH PID PV1 PR1 ROL IN1 IN2 ROL ZIN IN1 IN2 ACC".split()
    found = group([[name, str(index)] for index, name in enumerate(names)], Plan(root, {}), [])
    first, second = found[root.slot("IN1")]
    plan = root.child("IN1")
    assert plan is not None
    assert first[plan.slot("IN2")] == [["IN2", "6"]]
    assert first[plan.slot("ROL")] == [["ROL", "7"]]
    assert second[plan.slot("IN2")] == [["IN2", "10"]]
    assert found[-1] == {"ZIN": [["ZIN", "8"]]}


def test_a_segment_out_of_place_is_told_and_closes_nothing():
    root = structures.standard("ADT_A01")
    assert root is not None
    misplaced: list[str] = []
    segments = [[name] for name in ("MSH", "IN2", "PID", "IN1", "PV2", "IN2")]
    found = group(segments, Plan(root, {}), misplaced)
    plan = root.child("IN1")
    assert plan is not None
    assert misplaced == ["IN2", "PV2"]
    assert found[root.slot("IN1")][0][plan.slot("IN2")] == [["IN2"]]


def test_rows_are_padded_to_what_is_read_and_the_message_stays_as_it_was():
    root = structures.standard("ADT_A01")
    assert root is not None
    segments = [["MSH", "|"], ["PID", "1"]]
    plan = Plan(root, {"PID": 9})
    found = group(segments, plan, [])
    assert found[root.slot("PID")][0][0][:9] == ["PID", "1", *[""] * 7]
    rows: list[tuple[str, list[object], list[str]]] = []
    group_rows(segments, plan, [], rows)
    assert rows[1][1] == ["PID", "1", *[""] * 7, 0, 1]
    assert segments == [["MSH", "|"], ["PID", "1"]]


def test_qualified_groups_are_tried_before_plain_ones(compiled: Callable[[str], object]):
    root = Group("")
    for name, values in (("1000A", {"PR"}), ("1000B", {"PE"}), ("1000", set[str]())):
        root.groups.append(Group(name, "N1", 1 if values else 0, frozenset(values), root))
    segments = [["N1", "PE"], ["N1", "XX"], ["N1", "PR"], ["N1"]]
    found = group(segments, Plan(root, {}), [])
    assert len(found[root.slot("1000A")]) == 1
    assert len(found[root.slot("1000B")]) == 1
    assert len(found[root.slot("1000")]) == 2


def test_services_without_the_segment_of_their_group_open_it():
    misplaced: list[str] = []
    root = structures.standard("SIU_S12")
    assert root is not None
    segments = [
        ["MSH"],
        ["SCH"],
        ["PID"],
        ["AIG", "1"],
        ["NTE"],
        ["AIP", "1"],
        ["RGS"],
        ["AIP", "2"],
    ]
    for made in (
        group(segments, Plan(root, {"AIP": 2}), misplaced),
        group_rows(segments, Plan(root, {"AIP": 2}), misplaced, []),
    ):
        first, second = made[root.slot("RGS")]
        inner = root.child("RGS")
        assert [item[0][1] for item in first[inner.slot("AIP")]] == ["1"]
        assert [item[0][1] for item in second[inner.slot("AIP")]] == ["2"]
        (machine,) = first[inner.slot("AIG")]
        assert machine[inner.child("AIG").slot("NTE")]
    assert misplaced == []

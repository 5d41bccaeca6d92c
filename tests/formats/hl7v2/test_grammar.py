from __future__ import annotations

import pytest

from vagus.formats.hl7v2.grammar import Item, parse, tree


def test_a_line_is_read_into_segments_groups_and_usage():
    assert parse("MSH PD1? NK1* RGS+ (PID MRG?<2.4 PV1!)* DG1{2}") == (
        Item("MSH"),
        Item("PD1", least=0),
        Item("NK1", least=0, most=0),
        Item("RGS", most=0),
        Item("PID", (Item("MRG", before=(2, 4)), Item("PV1", foreign=True)), least=0, most=0),
        Item("DG1", least=2, most=2),
    )


def test_usage_that_changed_with_a_release():
    (mrg,) = parse("MRG?<2.4")
    assert [mrg.needed(release) for release in ((2, 3, 1), (2, 4), (2, 8))] == [0, 1, 1]


def test_groups_are_named_after_their_first_segment():
    root = tree(parse("MSH (PID PD1? (OBX NTE*)*) PD1?"))
    assert root.members == ("MSH", "PD1") and root.start == ""
    (pid,) = root.groups
    assert (pid.name, pid.members) == ("PID", ("PD1",))
    assert pid.group("OBX").members == ("NTE",)


@pytest.mark.parametrize(
    "text", ["", "MSH (PID", "MSH PID)", "MSH ()", "msh", "MSH,PID", "MSH {2}"]
)
def test_what_is_no_line_names_the_column(text):
    with pytest.raises(ValueError, match="column"):
        parse(text)

"""What a message empties or takes away is emptied and taken away again by what we write."""

from __future__ import annotations

import pytest
from properties.round_trip import FORMAT, context, library, trip

from vagus.formats.format import Terms

HEAD = "MSH|^~\\&|A|B|C|D|20260101120000+0000||{}|1|P|2.5.1"
NULL = '""'


def line(name, known, *nulls):
    """A segment with some values, and null in some fields."""
    fields = {**dict.fromkeys(nulls, NULL), **known}
    return "|".join([name, *(fields.get(n, "") for n in range(1, max(fields) + 1))])


PID = line(
    "PID",
    {1: "1", 3: "7^^^R^MR", 5: "FERN^BASIL", 11: f"5 MAIN^^{NULL}^IL"},
    *(6, 7, 8, 10, 13, 15, 16, 17, 22, 23, 24, 26, 28, 29),
)
PV1 = line(
    "PV1", {1: "1", 2: "I", 19: "V1^^^R^VN"}, *(4, 5, 10, 13, 14, 15, 16, 18, 36, 37, 38, 39, 44)
)
PV2 = line("PV2", {}, 3, 8, 9, 12, 25, 38)


@pytest.fixture(scope="module")
def travel():
    catalogue, facts = library(), context()

    def there_and_back(*lines):
        return trip(catalogue, facts, FORMAT.decode("\r".join(lines).encode(), Terms()))

    return there_and_back


def deletes(bundle):
    resources = [entry["resource"] for entry in bundle["entry"]]
    return {
        part["valueString"]
        for item in resources
        if item["resourceType"] == "Parameters"
        for operation in item["parameter"]
        for part in operation["part"]
        if part["name"] == "path"
    }


def test_nulls_come_back(travel):
    found = travel(HEAD.format("ADT^A08^ADT_A01"), PID, PV1, PV2)
    assert len(deletes(found.first)) > 25
    assert deletes(found.second) == deletes(found.first)
    lines = {text[:3]: text for text in found.wire.decode().split("\r")}
    assert lines["PID"].split("|")[8] == '""'
    assert lines["PID"].split("|")[11].startswith('5 MAIN^^""^IL')
    assert lines["PID"].split("|")[5] == "FERN^BASIL"


def test_a_message_without_nulls_writes_none(travel):
    found = travel(HEAD.format("ADT^A08^ADT_A01"), "PID|1||7^^^R^MR||FERN^BASIL", "PV1|1|I")
    assert b'""' not in found.wire


def test_changes_of_a_booking_come_back_with_their_action_codes(travel):
    found = travel(
        HEAD.format("SIU^S14^SIU_S12"),
        "SCH||F1^R|||||FU^Follow up^L||30|MIN|^^^20260201090000+0000",
        "PID|1||7^^^R^MR||FERN^BASIL",
        "RGS|1|U",
        "AIS|1|D|XR^X-ray^L",
        "AIS|2|A|CT^Scan^L",
        "AIG|1|D|S9^Scanner",
        "AIL|1|D|CL2^R5^B1^HILL",
        "AIP|1|D|55^LEE^ANN^^^^^^R",
        "AIP|2|A|56^ORR^BO^^^^^^R",
        "AIP|3|X|57^PAZ^CY^^^^^^R",
    )
    assert len(deletes(found.first)) == 4
    assert deletes(found.second) == deletes(found.first)
    lines = found.wire.decode().split("\r")
    assert [text for text in lines if text.startswith(("AIS", "AIL"))] == [
        "AIS|1|U|CT^Scan^L|20260201090000+0000",
        "AIS|2|D|XR^^L",
        "AIL|1|D|CL2^R5^B1^HILL",
    ]
    people = [text.split("|")[1:4] for text in lines if text.startswith("AIP")]
    assert [[row[0], row[1], row[2].split("^")[0]] for row in people] == [
        ["1", "U", "56"],
        ["2", "D", "55"],
    ]


@pytest.mark.parametrize("trigger", ["S12", "S13", "S15", "S17", "S26"])
def test_a_whole_booking_has_no_deletes(travel, trigger):
    found = travel(
        HEAD.format(f"SIU^{trigger}^SIU_S12"),
        "SCH||F1^R|||||FU^Follow up^L||30|MIN|^^^20260201090000+0000",
        "RGS|1",
        "AIP|1||55^LEE^ANN^^^^^^R",
    )
    assert deletes(found.first) == deletes(found.second) == set()
    assert [entry["resource"]["resourceType"] for entry in found.first["entry"]] == [
        entry["resource"]["resourceType"] for entry in found.second["entry"]
    ]

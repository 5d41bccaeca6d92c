"""Templates used often become functions: what they report must still be that of each use (§14)."""

from __future__ import annotations

import re

import pytest

from mappings.session import Flags
from vagus.kernel.errors import MappingError

MAPPING = """
    mapping: often
    from: hl7v2/ADT_A01
    to: fhir/r4
    resources:
      patient:
        resourceType: Patient
        identifier: [{$each: =PID-2, $use: CX}, {$each: =PID-3, $use: CX}, {$each: =PID-4, $use: CX}]
        managingOrganization: {identifier: {$each: =PV1-50 | first, $use: CX}}
      doctors: {$each: =PV1-7, $use: Doctor}
      referrers: {$each: =PV1-8, $use: Doctor}
      consultants: {$each: =PV1-9, $use: Doctor}
    ---
    template: CX
    in: CX
    value: =.1
    system: =.4 | system
    period: {start: =.7 | date, end: =.8 | date}
    use: =.5 | table Use
    ---
    template: Doctor
    in: XCN
    resourceType: Practitioner
    $when: =.1
    $key: [=.9 | system || 'none', =.1]
    identifier: {value: =.1, system: =.9 | system}
    name: {family: =.2, given: [=.3, =.4]}
    ---
    table: Use
    unmapped: error
    codes: {MR: usual}
"""  # noqa: E501
HEAD = "MSH|^~\\&|A|B|||2026||ADT^A01^ADT_A01|1|P|2.5\n"


def people(result):
    entries = result.bundle["entry"]
    return [e["resource"] for e in entries if e["resource"]["resourceType"] == "Practitioner"]


def test_two_functions_are_written_and_called_at_every_use(compiled):
    mapping = compiled(MAPPING)
    for flags in (Flags(), Flags(True), Flags(True, "field")):
        text = mapping.source(flags)
        assert len(re.findall(r"^def t\d+\(", text, re.MULTILINE)) == 2
        assert text.count(" t2(") + text.count("(t2(") + text.count(" t1(") >= 6
    assert "def t" not in mapping.source(Flags(True, "", True))


def test_positions_are_those_of_the_use(compiled, message, context):
    read = message(
        HEAD + "PID|1|1^^^H^^^x|2^^^K|3^^^^^^20260101^y\nPV1|1|||||||8^Roe^^^^^^^Z|9^Poe"
    )
    result = compiled(MAPPING).apply(read, context)
    found = [(item.code, item.where) for item in result.warnings]
    assert found == [
        ("unknown-system", "PID-2.4"),
        ("bad-value", "PID-2.7"),
        ("unknown-system", "PID-3.4"),
        ("bad-value", "PID-4.8"),
        ("unknown-system", "PV1-8.9"),
    ]
    patient = result.bundle["entry"][0]["resource"]
    assert [item["value"] for item in patient["identifier"]] == ["1", "2", "3"]
    assert patient["identifier"][2]["period"] == {"start": "2026-01-01"}
    assert [item["name"][0]["family"] for item in people(result)] == ["Roe", "Poe"]
    assert len({item["id"] for item in people(result)}) == 2


def test_deletes_name_the_element_and_resource_of_the_use(compiled, message, context):
    text = 'PID|1|""^^^H|2^^^K||||\nPV1|1||||||7^""^Al|8^Roe^""'
    result = compiled(MAPPING).apply(message(HEAD + text), context)
    one, two = (item["id"] for item in people(result))
    assert result.deletes == [  # the patient has an identifier all the same
        (f"Practitioner/{one}", "name.family", "PV1-7.2"),
        (f"Practitioner/{two}", "name.given", "PV1-8.3"),
    ]


def test_errors_name_the_position_of_the_use(compiled, message, context):
    with pytest.raises(MappingError) as error:
        compiled(MAPPING).apply(message(HEAD + "PID|1||2^^^K^MR|3^^^K^ZZ"), context)
    assert (error.value.where, error.value.path) == ("PID-4.5", "table Use")


def test_every_variant_agrees(compiled, message, context):
    mapping = compiled(MAPPING)
    text = 'PID|1|1^^^H^MR^^x~4|2^^^K&1.2&ISO|""\nPV1|1||||||7^D\\T\\E^Al~6^F|8^Roe^""|9'
    first = mapping.apply(message(HEAD + text), context)
    for options in ({"loss": True}, {"loss": "component"}, {"trace": True}):
        again = mapping.apply(message(HEAD + text), context, **options)
        assert again.bundle == first.bundle
        assert again.warnings == first.warnings
        assert again.deletes == first.deletes

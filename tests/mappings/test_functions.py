"""Every function of the closed list, on one message (§5)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from mappings.functions import FUNCTIONS

TEXT = """
    MSH|^~\\&|A&1.2.3&ISO|B^1.2.4^ISO|||20260101120000-0500||ADT^A01^ADT_A01|1|P|2.5
    EVN|A01|202601011200
    PID|1||7^^^H&1.2.3&ISO^MR~8^^^K^PI~9||Doe^Ann^Mae~Roe^A||19800102|F||||| 555-01 |x-y|en^^ISO639
    DG1|1||I10^High^I10
    DG1|2||E11^Sugar^I10
    OBX|1|NM|8867-4^Pulse^LN||72.50
    OBX|2|NM|8310-5^Temp^LN||36.6
    IN1|1||P1
"""
VALUES = {
    "=now | format hl7-date": "20260101",
    "=context facility": "clinic",
    "=context mapping": "one",
    "=concat ', ' PID-5(1).1 PID-5(1).2 PID-6(1).1": "Doe, Ann",
    "=absent PID-6.1": "true",
    "=absent PID-5.1": None,
    "=PID-5 | first | get .1": "Doe",
    "=PID-5 | last | get .1": "Roe",
    "=PID-5.1 | join /": "Doe/Roe",
    "=DG1-3.1 | join ' + '": "I10 + E11",
    "=PID-3 | where .5 PI | get .1": "8",
    "=PID-3 | where .5 XX | get .1": None,
    "=PID-3 | prefer .5 PI MR | get .1": "8",
    "=PID-3 | prefer .5 XX MR | get .1": "7",
    "=PID-3 | prefer .5 XX | get .1": "7",
    "=PID-3(2).1": "8",
    "=PID-3(9).1": None,
    "=PID-3.4.2": "1.2.3",
    "=OBX | where OBX-3.1 8310-5 | get OBX-5(1)": "36.6",
    "=OBX-3.1 | in 8867-4": "8867-4",
    "=OBX-3.1 | in 8310-5": None,
    "=PID-8 | in F U": "F",
    "=PID-8 | not_in F U": None,
    "=PID-5(1).1 | upper": "DOE",
    "=PID-13(1) | trim | digits": "55501",
    "=PID-5(1).1 | slice 2": "oe",
    "=PID-5(1).1 | slice 2 1": "o",
    "=PID-14(1) | before -": "x",
    "=PID-14(1) | after -": "y",
    "=PID-14(1) | after +": None,
    "=PID-14(1) | replace - '*'": "x*y",
    "=PID-7 | date | format x12-date": "19800102",
    "=EVN-2 | datetime | format hl7-datetime": "20260101120000-0500",
    "=EVN-2 | datetime | plus OBX-1 | format x12-time": "1201",
    "=PID-8 | table Gender": "female",
    "=PID-15.3 | code_system": "urn:ietf:bcp:47",
    "=DG1-3.3 | code_system": "http://hl7.org/fhir/sid/icd-10-cm",
    "=PID-3(1).4 | system": "urn:oid:1.2.3",
    "=PID-3(1) | system": "urn:oid:1.2.3",
    "=MSH-4 | system": "urn:oid:1.2.4",
    "=MSH-3.1 | system": "urn:oid:1.2.3",
    "=PID-3(1).4 | system | authority": "&1.2.3&ISO",
    "=PID-9(1).1 | default none": "none",
    "=PID-8 | then yes": "yes",
    "=PID-9(1).1 | then yes": None,
    "=PID-9(1).1 || PID-6(1).1 || 'last'": "last",
    "=IN1/IN1-3(1).1": "P1",
    "=ZZZ-3": None,
}


@pytest.mark.parametrize("expression", VALUES)
def test_text(compiled, message, context, expression):
    mapping = compiled(
        f"""
        mapping: one
        from: hl7v2/ADT_A01
        to: fhir/r4
        resources:
          patient: {{resourceType: Patient, name: {{text: "{expression}"}}}}
        ---
        table: Gender
        codes: {{F: female}}
        """
    )
    [entry] = mapping.apply(message(TEXT), context).bundle["entry"]
    names = entry["resource"].get("name", [{}])
    assert names[0].get("text") == VALUES[expression]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("=OBX-5(1) | number", "72.50"),
        ("=OBX-5 | number | sum", "109.10"),
        ("=OBX-5(1) | number | times -0.1", "-7.250"),
        ("=PID-5(1).1 | number", None),
        ("=OBX-1 | number | default 7", "1"),
        ("=PID-9(1).1 | number | default 7", "7"),
    ],
)
def test_numbers_are_exact(compiled, message, context, expression, value):
    mapping = compiled(
        f"""
        mapping: one
        from: hl7v2/ADT_A01
        to: fhir/r4
        resources:
          observation:
            resourceType: Observation
            status: final
            code: {{text: x}}
            valueQuantity: {{value: {expression}}}
        """
    )
    [entry] = mapping.apply(message(TEXT), context).bundle["entry"]
    found = entry["resource"].get("valueQuantity", {}).get("value")
    assert found is None if value is None else str(found) == value
    assert found is None or isinstance(found, Decimal)


def test_positions_references_and_lists(compiled, message, context):
    mapping = compiled(
        """
        mapping: one
        from: hl7v2/ADT_A01
        to: fhir/r4
        resources:
          patient: {resourceType: Patient, name: {$each: =PID-5, given: [=.2, =.3], family: =.1}}
          readings:
            $each: =OBX
            $when: =OBX-5(1) | number
            resourceType: Observation
            status: final
            code: {text: =OBX-3.2}
            subject: =reference patient
            valueInteger: =index
          report:
            resourceType: DiagnosticReport
            status: final
            code: {text: all}
            result: =reference readings
            subject: =reference patient
        """
    )
    result = mapping.apply(message(TEXT), context)
    patient, one, two, report = (entry["resource"] for entry in result.bundle["entry"])
    assert patient["name"] == [
        {"given": ["Ann", "Mae"], "family": "Doe"},
        {"given": ["A"], "family": "Roe"},
    ]
    assert [one["valueInteger"], two["valueInteger"]] == [1, 2]
    urls = [f"urn:uuid:{item['id']}" for item in (one, two)]
    assert [item["reference"] for item in report["result"]] == urls


def test_the_list_of_functions_is_closed():
    assert len(FUNCTIONS) == 42

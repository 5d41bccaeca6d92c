"""The functions that lead from FHIR back to a wire format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mappings import coding, dates
from mappings.context import Address, Context
from mappings.mapping import Mapping

TABLES = """
---
table: Sex
source: http://terminology.hl7.org/CodeSystem/v2-0001
codes: {F: female, M: male, O: other, A: other}
---
table: Marital
source: http://terminology.hl7.org/CodeSystem/v2-0002
target: http://terminology.hl7.org/CodeSystem/v3-MaritalStatus
unmapped: pass
codes:
  M: {code: M, display: Married}
  U: {code: UNK, system: "http://terminology.hl7.org/CodeSystem/v3-NullFlavor"}
---
table: Strict
unmapped: error
codes: {Y: 'true'}
"""
V3 = "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus"
NULL_FLAVOR = "http://terminology.hl7.org/CodeSystem/v3-NullFlavor"


def written(compiled: Callable[[str], Mapping], fields: str) -> Mapping:
    text = f"mapping: out\nfrom: fhir/r4\nto: hl7v2/ADT_A01\nsegments:\n  - PID: {{{fields}}}\n"
    return compiled(text + TABLES)


def patient(**elements: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": "p", **elements}


def field(result: Any, number: int) -> Any:
    return result.segments[0][number] if result.segments else ""


@pytest.mark.parametrize(
    ("gender", "code", "warnings"),
    [("female", "F", []), ("other", "O", []), ("unknown", "", ["unmapped-code"])],
)
def test_a_table_backwards_gives_the_entry_that_stands_first(
    compiled: Any, context: Context, gender: str, code: str, warnings: list[str]
) -> None:
    mapping = written(compiled, "PID-8: =Patient.gender | table Sex back")
    result = mapping.apply(patient(gender=gender), context)
    assert (field(result, 8), [item.code for item in result.warnings]) == (code, warnings)


@pytest.mark.parametrize(
    ("codings", "code"),
    [
        ([{"system": V3, "code": "M"}], "M"),
        ([{"system": NULL_FLAVOR, "code": "UNK"}], "U"),
        ([{"system": "http://terminology.hl7.org/CodeSystem/v2-0002", "code": "Q"}], "Q"),
        ([{"system": "http://site.example", "code": "X"}, {"system": V3, "code": "M"}], "M"),
        ([{"system": V3, "code": "UNK"}], ""),
    ],
)
def test_a_coding_goes_back_by_its_system_and_a_passed_code_is_itself(
    compiled: Any, context: Context, codings: list[Any], code: str
) -> None:
    mapping = written(compiled, "PID-16: =Patient.maritalStatus | table Marital back")
    result = mapping.apply(patient(maritalStatus={"coding": codings}), context)
    assert field(result, 16) == code
    assert [item.code for item in result.warnings] == ([] if code else ["unmapped-code"])


def test_a_table_that_errs_errs_backwards_too(compiled: Any, context: Context) -> None:
    mapping = written(compiled, "PID-30: =Patient.deceasedBoolean | table Strict back")
    assert field(mapping.apply(patient(deceasedBoolean=True), context), 30) == "Y"
    with pytest.raises(Exception, match="unmapped-code"):
        mapping.apply(patient(deceasedBoolean=False), context)


@pytest.mark.parametrize(
    "name", ["LN", "SCT", "I10C", "I9C", "C4", "HL70203", "1.2.3", "OUR CODES", "http://x.example"]
)
def test_a_code_system_goes_there_and_back(name: str) -> None:
    uri, _ = coding.code_system(name, "src")
    assert coding.system_name(uri, "src") == name


def test_every_short_name_leads_back_to_its_system() -> None:
    for name in coding._KNOWN:
        uri, _ = coding.code_system(name, "src")
        assert coding.code_system(coding.system_name(uri, "src"), "src") == (uri, True)


def test_the_authority_of_an_identifier_has_parts(compiled: Any, context: Context) -> None:
    names = enumerate(("namespace", "oid", "type"), 1)
    parts = ", ".join(f"{n}: =.system | authority {name}" for n, name in names)
    mapping = written(
        compiled, f"PID-3: {{$each: =Patient.identifier, 1: =.value, 4: {{{parts}}}}}"
    )
    systems = ("urn:oid:1.2.3", "urn:x-vagus:src:A%26B")
    given = [{"value": "1", "system": system} for system in systems]
    result = mapping.apply(patient(identifier=given), context)
    assert field(result, 3) == [["1", "", "", ["", "1.2.3", "ISO"]], ["1", "", "", ["A&B"]]]


def test_skip_and_unlike(compiled: Any, context: Context) -> None:
    fields = (
        "PID-5: {$each: =Patient.name, 2: =.given, 3: =.given | skip 1 | join ' ',"
        " 4: =.text | unlike .family}"
    )
    mapping = written(compiled, fields)
    given = [
        {"family": "Ng", "given": ["Ann", "Bea", "Cy"], "text": "Ng"},
        {"given": ["Di"], "text": "Di"},
    ]
    result = mapping.apply(patient(name=given), context)
    assert field(result, 5) == [["", "Ann", "Bea Cy"], ["", "Di", "", "Di"]]


def test_referring_finds_what_leads_to_an_item(compiled: Any, context: Context) -> None:
    mapping = compiled("""
        mapping: swap
        from: fhir/r4
        to: hl7v2/ADT_A17
        segments:
          - $each: =Patient
            segments:
              - PID: {PID-8: =Patient.gender}
              - PV1: {$each: =. | referring Encounter.subject, PV1-2: =Encounter.class.code}
        """)
    entries = [
        {"fullUrl": "urn:uuid:1", "resource": {"resourceType": "Patient", "gender": "male"}},
        {"fullUrl": "urn:uuid:2", "resource": {"resourceType": "Patient", "gender": "female"}},
        *(
            {
                "resource": {
                    "resourceType": "Encounter",
                    "class": {"code": code},
                    "subject": {"reference": reference},
                }
            }
            for code, reference in (("A", "urn:uuid:2"), ("B", "urn:uuid:1"), ("C", "urn:uuid:9"))
        ),
    ]
    result = mapping.apply({"resourceType": "Bundle", "entry": entries}, context)
    assert [[row[0], row[-1]] for row in result.segments] == [
        ["PID", "male"],
        ["PV1", "B"],
        ["PID", "female"],
        ["PV1", "A"],
    ]


def test_the_address_of_what_leaves(compiled: Any, context: Context) -> None:
    mapping = written(compiled, "PID-2: =context sender, PID-4: =context release || '2.5.1'")
    assert [field(mapping.apply(patient(), context), n) for n in (2, 4)] == ["", "2.5.1"]
    addressed = replace(context, address=Address("US"))
    assert field(mapping.apply(patient(), addressed), 2) == "US"


@pytest.mark.parametrize(
    ("expression", "finding"),
    [
        ("=Patient.gender | table Sex bakc", "wrong-arguments: 'bakc' means nothing"),
        ("=Patient.contact | table Sex back", "type-mismatch: 'table … back' takes text"),
        ("=Patient.gender | table Sexx back", "unknown-table: 'Sexx' is not a table"),
        ("=Patient.gender | code_system bak", "wrong-arguments: 'bak' means nothing"),
        ("=Patient.gender | authority id", "wrong-arguments: 'id' is not a part"),
        ("=Patient.name | skip x | get .text", "wrong-arguments: 'x' is not a whole number"),
        ("=Patient | referring subject", "wrong-arguments: 'referring' takes a path"),
        ("=Patient | referring Encounter.subjekt | get .id", "bad-path: 'subjekt' is not"),
        ("=Patient.gender | unlike Patient.gendr", "bad-path: 'gendr' is not an element"),
    ],
)
def test_what_cannot_be_meant(
    lint: Callable[..., list[str]], expression: str, finding: str
) -> None:
    found = lint(
        "mapping: out\nfrom: fhir/r4\nto: hl7v2/ADT_A01\nsegments:\n"
        f"  - PID:\n      PID-8: {expression}\n{TABLES}"
    )
    assert any(finding in line for line in found), found


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2026-01-02T03:04:05.123456-05:00", "20260102030405.1234-0500"),
        ("2026-01-02T03:04:05Z", "20260102030405+0000"),
        ("2026-01", "202601"),
    ],
)
def test_times_keep_what_hl7_can_say(text: str, written: str) -> None:
    assert dates.form(text, "hl7-datetime") == written

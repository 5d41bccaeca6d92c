"""Every lint code, at its line and column (§11)."""
# ruff: noqa: E501

from __future__ import annotations

from textwrap import dedent

import pytest

BAD = """\
mapping: bad
from: hl7v2/ADT_A01
to: fhir/r4
resources:
  patient:
    resourceType: Patient
    brithDate: =PID-7 | date
    birthDate: =PID-7
    gender: =PID-8 | tabel Sex
    deceasedBoolean: =PID-30 | table YesNoo
    maritalStatus: {$each: =PID-16, $use: CWEE}
    name:
      - {$each: =PID-3, $use: XPN}
    contact:
      - {gender: female, name: {text: =PID-99}}
    active: yes
    managingOrganization: =reference org
    language: =PID-7.2
    photo: {title: =IN2-3 | upper}
  encounter:
    resourceType: Encounter
    class: {code: =PV1-2}
    identifier: {value: =PV1-19 | replace 'a b}
---
template: XPN
in: XPN XCN
family: =.1
---
template: CWE
in: CWE CE
text: =.2
---
table: YesNo
codes: {Y: 'true', N: 'false'}
"""
FOUND = """\
7:5: error unknown-element: 'brithDate' is not an element of Patient; did you mean 'birthDate'?
8:16: error type-mismatch: a date is needed and the expression gives text: add | date
9:13: error unknown-function: 'tabel' is not a function; did you mean 'table'?
10:22: error unknown-table: 'YesNoo' is not a table; did you mean 'YesNo'?
11:28: error wrong-cardinality: 'maritalStatus' takes one CodeableConcept; $each may give many: add | first
11:43: error unknown-template: 'CWEE' is not a template; did you mean 'CWE'?
13:31: error type-mismatch: template takes XPN XCN; PID-3 is CX
15:39: error bad-path: PID has no field 99; its last field is PID-40
16:13: error bad-value: 'yes' is not a boolean
17:27: error unknown-resource: 'org' is not a resource of this mapping
18:15: error bad-path: PID-7 is DTM, a primitive; it has no component 2
19:20: error bad-path: 'IN2-3' lies in group IN1: write IN1/IN2-3, or read it inside $each: =IN1
21:5: error missing-element: Encounter.status is required
21:5: warning unguarded-resource: 'encounter' reads only segments that may be missing: guard it with $when
23:25: error unbalanced-quote: the quote at column 18 is not closed
29:11: warning unused-template: nothing uses template 'CWE'
33:8: warning unused-table: nothing uses table 'YesNo'
"""


def test_all_problems_of_a_file_are_found_in_one_run(lint):
    assert lint(BAD) == FOUND.splitlines()


HEAD = "mapping: bad\nfrom: hl7v2/ADT_A01\nto: fhir/r4\nresources:\n  patient:\n    resourceType: Patient\n"
GENDER = "---\ntable: Gender\nunmapped: {}\ncodes: {{M: {}}}\n"


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("    gender: female\n    gender: male\n", "8:5: error duplicate-key"),
        ("    name: {text: &a x}\n", "7:18: error anchor"),
        ("    name: {text: =PID-5(1).1 | slice}\n", "7:18: error wrong-arguments"),
        ("    name: {text: =PID-5(1).1 | slice x}\n", "7:18: error wrong-arguments"),
        ("    name: {text: =PID-5(1).1 PID-3}\n", "7:18: error bad-expression"),
        ("    name: {text: =PID-5(1).1 | PID-3}\n", "7:18: error bad-expression"),
        ("    name: {text: =PID-5(1).1 || }\n", "7:18: error bad-expression"),
        ("    name: {text: =!}\n", "7:18: error bad-expression"),
        ("    name: {$use: A}\n---\ntemplate: A\n$use: A\n", "10:7: error template-cycle"),
        ("    birthDate: null\n", "7:5: error nothing-to-remove"),
        ("    name: {text: =PID-5.1}\n", "7:18: warning takes-first"),
        ("    name: {text: '=" + " || ".join(["PID-5.1"] * 9) + "'}\n", "7:18: error limit-exceeded"),
        ("    gender: =PID-8 | table Gender\n" + GENDER.format("pass", "male"), "7:13: error pass-into-required"),
        ("    gender: =PID-8 | table Gender\n" + GENDER.format("warn", "mail"), "7:13: error bad-value"),
        ("    gender: mail\n", "7:13: error bad-value"),
        ("    birthDate: 1980-02-30\n", "7:16: error bad-value"),
        ("    active: =PID-3.4\n", ""),
        ("    link: {other: =reference others, type: seealso}\n  others: {$each: =PID, resourceType: Patient}\n", "7:19: error many-targets"),
        ("    generalPractitioner: =reference other\n  other: {resourceType: Encounter, status: planned, class: {code: x}}\n", "7:26: error type-mismatch"),
        ("    multipleBirthInteger: =PID-25\n", "7:27: error type-mismatch"),
        ("    name: {text: =.1}\n", "7:18: error bad-path"),
        ("    name: {text: =PIX-1}\n", "7:18: error bad-path"),
        ("    name: {text: =Patient.name}\n", "7:18: error bad-path"),
        ("    name: {text: =index}\n", "7:18: error bad-expression"),
        ("    name: {text: =context nobody}\n", "7:18: error wrong-arguments"),
        ("    gender: [male]\n", "7:13: error wrong-cardinality"),
        ("    name: someone\n", "7:11: error type-mismatch"),
        ("    birthDate: {value: =PID-7}\n", "7:16: error type-mismatch"),
        ("    name: {$eahc: =PID-5, family: =PID-5(1).1}\n", "7:12: error unknown-element"),
        ("  nobody: {birthDate: x}\n", "7:11: error missing-element"),
        ("  nobody: {resourceType: Patent}\n", "7:26: error bad-value"),
        ("    id: x\n", "7:5: error bad-value"),
    ],
)  # fmt: skip
def test_each_code_at_its_place(lint, text, finding):
    found = lint(HEAD + dedent(text) if not text.startswith(" ") else HEAD + text)
    if finding:
        assert any(item.startswith(finding + ":") for item in found), found
    else:
        assert not [item for item in found if "error" in item], found


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("mappin: x\n", "1:1: error bad-document"),
        ("mapping: x\nto: fhir/r4\nresources: {}\n", "1:10: error missing-key"),
        ("mapping: x\nfrom: hl8/ADT_A01\nto: fhir/r4\nresources: {}\n", "2:7: error unknown-format"),
        ("mapping: x\nfrom: hl7v2/ADT_A0\nto: fhir/r4\nresources: {}\n", "2:7: error unknown-structure"),
        ("mapping: x\nextends: y\nresources: {}\n", "2:10: error unknown-mapping"),
        ("mapping: x\nfrom: hl7v2/ADT_A01\nto: fhir/r4\nresorces: {}\n", "4:1: error unknown-key"),
        ("table: x\nunmapped: maybe\ncodes: {}\n", "2:11: error bad-value"),
        ("template: A\ntext: =.1\n---\ntemplate: A\ntext: =.1\n", "4:11: error duplicate-name"),
    ],
)  # fmt: skip
def test_headers_are_checked(lint, text, finding):
    assert any(item.startswith(finding + ":") for item in lint(text)), lint(text)


def test_a_removed_key_must_be_there(lint):
    text = (
        HEAD
        + "    birthDate: =PID-7 | date\n---\nmapping: site\nextends: bad\nresources:\n"
        + "  patient: {$remove: [gender], telecom: null}\n  nobody: null\n"
    )
    found = lint(text)
    assert [
        item.split(": ")[0] + " " + item.split(" ")[2] for item in found if "error" in item
    ] == [
        "12:23 nothing-to-remove:",
        "12:32 nothing-to-remove:",
        "13:3 nothing-to-remove:",
    ]


def test_limits_of_nesting(lint):
    deep = "".join("[{$each: =PID-5, url: x, extension: " for _ in range(7)) + "[]" + "}]" * 7
    found = lint(HEAD + f"    extension: {deep}\n")
    assert any("limit-exceeded" in item for item in found)
    chain = "".join(f"---\ntemplate: T{n}\n$use: T{n + 1}\n" for n in range(12))
    found = lint(HEAD + "    name: {$use: T0}\n" + chain + "---\ntemplate: T12\ntext: x\n")
    assert any("limit-exceeded" in item for item in found)
    wide = "---\ntemplate: W0\ntext: x\n" + "".join(
        f"---\ntemplate: W{n}\nextension: [{', '.join([f'{{$use: W{n - 1}}}'] * 12)}]\n"
        for n in range(1, 6)
    )
    found = lint(HEAD + "    name: {$use: W5}\n" + wide)
    assert any("limit-exceeded" in item for item in found)

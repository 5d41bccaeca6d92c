from __future__ import annotations

import json
from textwrap import dedent

import pytest

from mappings import golden

MAPPING = """
    mapping: person
    from: hl7v2/ADT_A01
    to: fhir/r4
    resources:
      patient: {resourceType: Patient, $key: =PID-3(1).1, name: {$each: =PID-5, family: =.1, given: [=.2]}, birthDate: =PID-7 | date}
      plan: {$each: =IN1, resourceType: Coverage, $key: =IN1-3(1).1, status: active, beneficiary: =reference patient, payor: {display: =IN1-4(1).1}, costToBeneficiary: {valueMoney: {value: =IN1-2.1 | number}}}
"""  # noqa: E501
GIVEN = """
          MSH|^~\\&|A|B|||2026||ADT^A01^ADT_A01|1|P|2.5
          PID|1||7||Doe^Ann||1980|F
          IN1|1|150.50|9|ACME
"""


@pytest.fixture
def run(catalogue, tmp_path):
    known = catalogue(MAPPING)

    def cases(text, accept=False):
        path = tmp_path / "person.test.yaml"
        path.write_text(dedent(text).replace("GIVEN", "|" + GIVEN.rstrip()))
        return golden.run(path, known, accept=accept)

    return cases


def test_a_subset_is_compared_and_numbers_exactly(run):
    [result] = run(
        """
        tests: person
        settings: {now: "2026-01-02T03:04:05Z", key: test}
        cases:
          - name: right
            given: GIVEN
            expect:
              Patient: {birthDate: "1980", gender: null, name: [{family: Doe, given: [Ann]}]}
              Coverage: [{costToBeneficiary: [{valueMoney: {value: "150.5"}}]}]
              Encounter: []
            warnings: []
            deletes: []
            loss: {contains: [PID-8], lacks: [PID-5]}
        """
    )
    assert result.passed, result.differences


def test_differences_say_where(run):
    [result] = run(
        """
        tests: person
        cases:
          - given: GIVEN
            expect:
              Patient: {birthDate: "1981", gender: male, name: [{given: [Ann, B]}, {family: X}]}
              Coverage: []
            warnings: [weak-key]
            deletes: [Patient.gender]
            loss: {contains: [PID-5], lacks: [PID-8]}
        """
    )
    assert result.name == "case 1"
    assert not result.passed
    assert result.differences == [
        "Patient[0].birthDate: expected '1981', got '1980'",
        "Patient[0].gender: expected 'male', got nothing",
        "Patient[0].name: expected 2 items, got 1",
        "Patient[0].name[0].given: expected 2 items, got 1",
        "Coverage: expected 0 items, got 1",
        "warnings: weak-key is expected",
        "deletes: Patient.gender is expected",
        "loss: PID-5 is read",
        "loss: nothing reads PID-8",
    ]


def test_accepting_writes_the_file_that_is_then_compared_exactly(run, tmp_path):
    text = """
        tests: person
        cases:
          - {name: exactly, expect_exactly: {file: golden/person.json}, given: "GIVEN"}
        """.replace('"GIVEN"', json.dumps(dedent(GIVEN).strip()))
    [missing] = run(text)
    assert "run with --accept" in missing.differences[0]
    assert run(text, accept=True)[0].passed
    assert run(text)[0].passed
    file = tmp_path / "golden/person.json"
    assert "150.50" in file.read_text()
    file.write_text(file.read_text().replace("150.50", "150.5").replace("Doe", "Roe"))
    [changed] = run(text)
    assert changed.differences == [
        "entry[0].resource.name[0].family: expected 'Roe', got 'Doe'",
        "entry[1].resource.costToBeneficiary[0].valueMoney.value: expected '150.5', got '150.50'",
    ]


def test_segments_are_compared_line_by_line(catalogue, tmp_path):
    known = catalogue(
        """
        mapping: back
        from: fhir/r4
        to: hl7v2/ADT_A05
        segments:
          - PID: {PID-5: {1: =Patient.name.family}, PID-7: =Patient.birthDate | format hl7-date}
        """
    )
    path = tmp_path / "back.test.yaml"
    path.write_text(
        dedent(
            """
            tests: back
            cases:
              - name: right
                given: {resources: [{resourceType: Patient, birthDate: "1980-01-02", active: 'true', name: [{family: Doe}]}]}
                expect_exactly: PID|||||Doe||19800102
              - name: wrong
                given: {resources: [{resourceType: Patient, name: [{family: Roe}]}]}
                expect_exactly: |
                  PID|||||Doe
              - name: not a resource
                given: {resources: [{name: x}]}
                expect: {}
            """  # noqa: E501
        )
    )
    right, wrong, bad = golden.run(path, known)
    assert right.passed, right.differences
    assert wrong.differences == ["- PID|||||Doe", "+ PID|||||Roe"]
    assert not bad.passed


def test_errors_are_expected_by_their_code(run):
    text = """
        tests: person
        cases:
          - {name: raised, error: required-missing, given: "GIVEN"}
          - {name: not raised, error: required-missing, given: "OTHER"}
          - {name: nowhere, expct: {}, given: "GIVEN"}
        """
    given = dedent(GIVEN).strip()
    text = text.replace('"GIVEN"', json.dumps(given.replace("|ACME", "")))
    results = run(text.replace('"OTHER"', json.dumps(given)))
    assert [result.passed for result in results] == [True, False, False]
    assert "did you mean 'expect'" in results[2].differences[0]


def test_unknown_mappings_and_settings_fail_the_case(run):
    assert "did you mean 'person'" in run("tests: persn\ncases: [{given: x}]\n")[0].differences[0]
    assert not run("tests: person\nsettings: {when: x}\ncases: [{given: x}]\n")[0].passed
    assert not run("tests: person\ncases: []\n")[0].passed

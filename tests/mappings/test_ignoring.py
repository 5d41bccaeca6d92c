"""What a mapping leaves alone on purpose, and why: `ignore:` (§10)."""

from __future__ import annotations

from mappings.result import Left, Loss

PERSON = """\
mapping: person
from: hl7v2/ADT_A01
to: fhir/r4
ignore: {PID-27 PID-32: not about the person, NK1: nobody asks}
resources:
  patient: {$use: Person}
---
template: Person
ignore:
  PID-35 PID-36: an animal
  PID-30 when unread: a date says more
resourceType: Patient
deceasedDateTime: =PID-29 | datetime
birthDate: =PID-7 | date
"""
TEXT = """
    MSH|^~\\&|A|B|||202601||ADT^A01^ADT_A01|1|P|2.5
    PID|1||7||Doe||1980||||||||||||||||||||X|||||Y|||Z
    NK1|1|Kin
"""


def test_what_is_left_alone_is_told_with_its_reason(compiled, message, context):
    result = compiled(PERSON).apply(message(TEXT), context, loss=True)
    assert [item for item in result.left if item.segment != "MSH"] == [
        Left("PID", 1, 27, "not about the person"),
        Left("PID", 1, 32, "not about the person"),
        Left("PID", 1, 35, "an animal"),
        Left("NK1", 1, 2, "nobody asks"),
    ]
    assert Loss("PID", 1, [3, 5]) in result.loss
    assert not [item for item in result.loss if item.segment == "NK1"]


def test_a_field_is_left_alone_only_where_nothing_read_it(compiled, message, context):
    text = PERSON + "deceasedBoolean: =concat '' PID-29 PID-30 | in Y | then true\n"
    for level in ("field", "component"):
        result = compiled(text).apply(message(TEXT), context, loss=level)
        assert 30 not in [item.field for item in result.left]


def test_what_is_ignored_and_read_all_the_same_is_a_finding(lint):
    text = PERSON.replace("PID-35 PID-36", "PID-7 PID-36")
    assert lint(text) == [
        "10:3: error ignored-but-read: 'PID-7' is ignored and read all the same:"
        " take it off the list"
    ]


def test_a_reason_is_needed(lint):
    assert [item.partition(": ")[2] for item in lint(PERSON.replace(": an animal", ":"))] == [
        "error missing-reason: say why 'PID-35 PID-36' is left alone"
    ]
    [found] = lint(
        PERSON.replace("{PID-27 PID-32: not about the person, NK1: nobody asks}", "[PID-27]")
    )
    assert found.startswith("4:9: error missing-reason: 'ignore' is a map of paths to the reason")


def test_a_path_that_is_no_field_is_a_finding(lint):
    assert lint(PERSON.replace("PID-35", "PID-99")) == ["10:3: error bad-path: PID has no field 99"]
    assert lint(PERSON.replace("PID-35", "PID-5.1")) == [
        "10:3: error bad-path: 'PID-5.1' is neither a field nor a segment nor an element"
    ]


def test_an_overlay_may_read_what_its_base_ignores(catalogue, message, context):
    overlay = "{patient: {multipleBirthInteger: =PID-27 | number}}"
    text = f"{PERSON}---\nmapping: site\nextends: person\nresources: {overlay}\n"
    result = (
        catalogue(text)
        .mapping("site")
        .apply(message(TEXT.replace("|X|", "|2|")), context, loss=True)
    )
    assert result.bundle["entry"][0]["resource"]["multipleBirthInteger"] == 2
    assert [item.field for item in result.left if item.segment == "PID"] == [32, 35]


def test_elements_of_fhir_are_left_alone_too(compiled, context):
    mapping = compiled(
        """
        mapping: names
        from: fhir/r4
        to: fhir/r4
        ignore: {Patient.photo: pictures stay where they are}
        resources:
          patients: {$each: =Patient, resourceType: Patient, gender: =.gender}
        """
    )
    source = {"resourceType": "Patient", "id": "p", "photo": [{"title": "X"}], "active": True}
    result = mapping.apply(source, context, loss=True)
    assert result.left == [Left("Patient", 1, "photo.title", "pictures stay where they are")]
    assert result.loss == [Loss("Patient", 1, ["active"])]

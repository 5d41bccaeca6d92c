from __future__ import annotations

from typing import Any

import pytest

from vagus.canonical import invariants
from vagus.canonical.validation import Validator

PATIENT = {"reference": "Patient/1"}
STATUS = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
MISTAKEN = {"coding": [{"system": STATUS, "code": "entered-in-error"}]}
ACTIVE = {"coding": [{"code": "active"}]}
RESOLVED = {"coding": [{"code": "resolved"}]}
TIMES = {"start": "2026-03-04T09:00:00Z", "end": "2026-03-04T09:30:00Z"}
HEADER = {
    "resourceType": "MessageHeader",
    "eventUri": "urn:x:y",
    "source": {"endpoint": "urn:x:y"},
}


def appointment(**values: Any) -> dict[str, Any]:
    participant = [{"actor": PATIENT, "status": "accepted"}]
    return {"resourceType": "Appointment", "participant": participant, **values}


def condition(**values: Any) -> dict[str, Any]:
    return {"resourceType": "Condition", "subject": PATIENT, **values}


def allergy(**values: Any) -> dict[str, Any]:
    return {"resourceType": "AllergyIntolerance", "patient": PATIENT, **values}


def organization(**values: Any) -> dict[str, Any]:
    return {"resourceType": "Organization", **values}


def patient(**values: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", **values}


def observation(**values: Any) -> dict[str, Any]:
    return {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, **values}


def bundle(kind: str, *entries: dict[str, Any], **values: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries), **values}


def claim(**values: Any) -> dict[str, Any]:
    code = {"text": "x"}
    item = {"sequence": 1, "productOrService": code, "diagnosisSequence": [1]}
    return {
        "resourceType": "Claim",
        "status": "active",
        "type": code,
        "use": "claim",
        "patient": PATIENT,
        "created": "2026-03-04",
        "provider": {"reference": "Organization/1"},
        "priority": code,
        "insurance": [{"sequence": 1, "focal": True, "coverage": {"reference": "Coverage/1"}}],
        "item": [item],
        **values,
    }


DIAGNOSIS = [{"sequence": 1, "diagnosisCodeableConcept": {"text": "x"}}]
UNKNOWN = {
    "extension": [
        {
            "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
            "valueCode": "unknown",
        }
    ]
}
PUT = {"method": "PUT", "url": "Patient/1"}

# The rule, what breaks it, and the nearest thing that does not.
CASES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("app-1", appointment(status="proposed", participant=[{"status": "accepted"}]),
     appointment(status="proposed")),
    ("app-2", appointment(status="booked", start=TIMES["start"]),
     appointment(status="booked", **TIMES)),
    ("app-2", appointment(status="booked", _end=UNKNOWN),
     appointment(status="booked", start=TIMES["start"], _end=UNKNOWN)),
    ("app-3", appointment(status="booked"), appointment(status="waitlist")),
    ("app-4", appointment(status="booked", cancelationReason={"text": "x"}, **TIMES),
     appointment(status="cancelled", cancelationReason={"text": "x"})),
    ("bad-order", appointment(status="booked", start=TIMES["end"], end=TIMES["start"]),
     appointment(status="booked", **TIMES)),
    ("ait-1", allergy(), allergy(clinicalStatus=ACTIVE)),
    ("ait-2", allergy(clinicalStatus=ACTIVE, verificationStatus=MISTAKEN),
     allergy(verificationStatus=MISTAKEN)),
    ("con-4", condition(clinicalStatus=ACTIVE, abatementDateTime="2026"),
     condition(clinicalStatus=RESOLVED, abatementDateTime="2026")),
    ("con-5", condition(clinicalStatus=ACTIVE, verificationStatus=MISTAKEN),
     condition(verificationStatus=MISTAKEN)),
    ("org-1", organization(active=True), organization(identifier=[{"value": "1"}])),
    ("org-2", organization(name="x", address=[{"use": "home", "city": "x"}]),
     organization(name="x", address=[{"use": "work", "city": "x"}])),
    ("org-3", organization(name="x", telecom=[{"use": "home", "system": "fax"}]),
     organization(name="x", telecom=[{"use": "work", "system": "fax"}])),
    ("pat-1", patient(contact=[{"gender": "male"}]),
     patient(contact=[{"gender": "male", "name": {"text": "x"}}])),
    ("cpt-2", patient(telecom=[{"value": "1"}]), patient(telecom=[{"use": "home"}])),
    ("ext-1", patient(extension=[{"url": "urn:x:y"}]),
     patient(extension=[{"url": "urn:x:y", "valueCode": "a"}])),
    ("ext-1", patient(extension=[{"url": "urn:x:y", "valueCode": "a",
                                  "extension": [{"url": "urn:x:y", "valueCode": "a"}]}]),
     patient(extension=[{"url": "urn:x:y",
                         "extension": [{"url": "urn:x:y", "valueCode": "a"}]}])),
    ("att-1", patient(photo=[{"data": "QUJD"}]),
     patient(photo=[{"data": "QUJD", "contentType": "image/png"}])),
    ("qty-3", observation(valueQuantity={"value": 1, "code": "mg"}),
     observation(valueQuantity={"value": 1, "code": "mg", "system": "http://unitsofmeasure.org"})),
    ("obs-6", observation(valueString="x", dataAbsentReason={"text": "x"}),
     observation(dataAbsentReason={"text": "x"})),
    ("per-1", patient(name=[{"text": "x", "period": {"start": "2026-02", "end": "2026-01-31"}}]),
     patient(name=[{"text": "x", "period": {"start": "2026-01", "end": "2026-01-31"}}])),
    ("unknown-sequence", claim(), claim(diagnosis=DIAGNOSIS)),
    ("dom-2", patient(contained=[patient(id="a", contained=[organization(id="b", name="x")])]),
     patient(contained=[patient(id="a")])),
    ("dom-4", patient(contained=[patient(id="a", meta={"versionId": "1"})]),
     patient(contained=[patient(id="a", meta={"source": "urn:x:y"})])),
    ("bdl-1", bundle("collection", {"resource": patient()}, total=1),
     bundle("searchset", {"resource": patient()}, total=1)),
    ("bdl-2", bundle("collection", {"resource": patient(), "search": {"mode": "match"}}),
     bundle("searchset", {"resource": patient(), "search": {"mode": "match"}})),
    ("bdl-3", bundle("transaction", {"resource": patient()}),
     bundle("transaction", {"resource": patient(), "request": PUT})),
    ("bdl-3", bundle("collection", {"resource": patient(), "request": PUT}),
     bundle("collection", {"resource": patient()})),
    ("bdl-4", bundle("batch-response", {"resource": patient()}),
     bundle("batch-response", {"response": {"status": "200"}})),
    ("bdl-5", bundle("collection", {"fullUrl": "urn:x:y"}),
     bundle("collection", {"fullUrl": "urn:x:y", "resource": patient()})),
    ("bdl-7", bundle("collection", *[{"fullUrl": "urn:x:y", "resource": patient()}] * 2),
     bundle("collection", {"fullUrl": "urn:x:y", "resource": patient()},
            {"fullUrl": "urn:x:z", "resource": patient()})),
    ("bdl-8", bundle("collection", {"fullUrl": "http://x/Patient/1/_history/2",
                                    "resource": patient(id="1")}),
     bundle("collection", {"fullUrl": "http://x/Patient/1", "resource": patient(id="1")})),
    ("id-mismatch", bundle("collection", {"fullUrl": "http://x/Patient/1",
                                          "resource": patient(id="2")}),
     bundle("collection", {"fullUrl": "http://x/Patient/1", "resource": patient(id="1")})),
    ("bdl-12", bundle("message", {"resource": patient()}, {"resource": HEADER}),
     bundle("message", {"resource": HEADER}, {"fullUrl": "urn:x:y", "resource": patient()})),
]  # fmt: skip


@pytest.mark.parametrize(
    ("key", "broken", "sound"),
    CASES,
    ids=[f"{index}-{case[0]}" for index, case in enumerate(CASES)],
)
def test_each_rule_is_told_by_its_key_and_its_neighbour_is_let_through(
    validator: Validator, key: str, broken: dict[str, Any], sound: dict[str, Any]
) -> None:
    assert key in {issue.code for issue in validator.issues(broken)}
    assert key not in {issue.code for issue in validator.issues(sound)}
    assert validator.valid(sound), validator.issues(sound)


def test_a_document_needs_a_composition_an_identifier_and_a_timestamp(
    validator: Validator,
) -> None:
    codes = {issue.code for issue in validator.issues(bundle("document", {"resource": patient()}))}
    assert codes == {"bdl-9", "bdl-10", "bdl-11"}


def test_every_rule_has_a_case() -> None:
    tried = {case[0] for case in CASES} | {"bdl-9", "bdl-10", "bdl-11"}
    assert tried >= {rule.key for rules in invariants.BY_SHAPE.values() for rule in rules}


@pytest.mark.parametrize(
    ("start", "end", "good"),
    [
        ("2026-03-04T10:00:00+02:00", "2026-03-04T08:30:00Z", True),
        ("2026-03-04T10:00:00Z", "2026-03-04T10:30:00+02:00", False),
        ("2026-03-04T23:00:00-05:00", "2026-03-04", True),
        ("2026", "2025-12-31", False),
        ("2026-12-31", "2026", True),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59Z", True),
    ],
)
def test_periods_are_compared_as_far_as_they_are_told(
    validator: Validator, start: str, end: str, good: bool
) -> None:
    named = {"text": "x", "period": {"start": start, "end": end}}
    assert validator.valid({"resourceType": "Patient", "name": [named]}) is good

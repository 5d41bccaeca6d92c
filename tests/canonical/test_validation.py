from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from vagus.canonical import findings, invariants
from vagus.canonical.validation import Validator

Bundle = dict[str, Any]


def resource(bundle: Bundle, kind: str) -> dict[str, Any]:
    return next(
        entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == kind
    )


def _drop(kind: str, name: str) -> Callable[[Bundle], None]:
    return lambda bundle: resource(bundle, kind).pop(name)


def _put(kind: str, **values: Any) -> Callable[[Bundle], None]:
    return lambda bundle: resource(bundle, kind).update(values)


def _bundle_type(bundle: Bundle) -> None:
    bundle["type"] = "letter"


def _wrong_target(bundle: Bundle) -> None:
    encounter, payer = resource(bundle, "Encounter"), resource(bundle, "Organization")
    encounter["subject"] = {"reference": f"urn:uuid:{payer['id']}"}


def _lost_target(bundle: Bundle) -> None:
    lost = "urn:uuid:00000000-0000-4000-8000-000000000000"
    resource(bundle, "Encounter")["subject"] = {"reference": lost}


# Name of the fault, what makes it, the code and the place it must be found at.
MUTATIONS: list[tuple[str, Callable[[Bundle], Any], str, str]] = [
    ("required primitive", _drop("Encounter", "status"), "missing-element", "Encounter[3].status"),
    ("status code", _put("Encounter", status="busy"), "bad-code", "Encounter[3].status"),
    ("gender code", _put("Patient", gender="F"), "bad-code", "Patient[1].gender"),
    ("bundle type", _bundle_type, "bad-code", "Bundle.type"),
    ("no such month", _put("Patient", birthDate="2026-13-45"), "bad-date", "Patient[1].birthDate"),
    ("no such day", _put("Patient", birthDate="2026-02-30"), "bad-date", "Patient[1].birthDate"),
    ("unknown element", _put("Patient", brithDate="2026"), "unknown-element", "Patient[1]"),
    ("name an object", _put("Patient", name={"family": "D"}), "wrong-type", "Patient[1].name"),
    ("empty text", _put("Organization", name=""), "empty", "Organization[5].name"),
    (
        "no beneficiary",
        _drop("Coverage", "beneficiary"),
        "missing-element",
        "Coverage[4].beneficiary",
    ),
    ("no payor", _drop("Coverage", "payor"), "missing-element", "Coverage[4].payor"),
    (
        "unknown resource",
        _put("Location", resourceType="Place"),
        "unknown-resource",
        "Resource[7].resourceType",
    ),
    (
        "instant without offset",
        _put("Provenance", recorded="2026-03-04T05:06:07"),
        "bad-date",
        "Provenance[2].recorded",
    ),
    (
        "two types of a choice",
        _put("Patient", deceasedDateTime="2026-01-01"),
        "choice",
        "Patient[1].deceased[x]",
    ),
    ("empty list", _put("Patient", telecom=[]), "empty", "Patient[1].telecom"),
    ("bad id", _put("Practitioner", id="a b/c"), "bad-value", "Practitioner[6].id"),
    ("text for a boolean", _put("Patient", active="true"), "wrong-type", "Patient[1].active"),
    ("wrong target", _wrong_target, "reference-target", "Encounter[3].subject.reference"),
    (
        "period turned round",
        _put("Coverage", period={"start": "2026-05-01", "end": "2026-04-30"}),
        "per-1",
        "Coverage[4].period.end",
    ),
    (
        "telecom without system",
        _put("Patient", telecom=[{"value": "555-0100"}]),
        "cpt-2",
        "Patient[1].telecom[0].system",
    ),
    ("lost target", _lost_target, "reference-missing", "Encounter[3].subject.reference"),
    ("one for a list", _put("Coverage", payor={}), "wrong-type", "Coverage[4].payor"),
    ("list for one", _put("Patient", gender=["female"]), "wrong-type", "Patient[1].gender"),
    ("an empty object", _put("Patient", maritalStatus={}), "empty", "Patient[1].maritalStatus"),
    ("number for text", _put("Organization", name=7), "wrong-type", "Organization[5].name"),
    (
        "fraction for a rank",
        _put("Encounter", diagnosis=[{"condition": {"display": "x"}, "rank": Decimal("1.5")}]),
        "wrong-type",
        "Encounter[3].diagnosis[0].rank",
    ),
    (
        "zero for a positive rank",
        _put("Encounter", diagnosis=[{"condition": {"display": "x"}, "rank": 0}]),
        "bad-value",
        "Encounter[3].diagnosis[0].rank",
    ),
    (
        "null in a list",
        _put("Patient", name=[{"given": ["A", None]}]),
        "wrong-type",
        "Patient[1].name[0].given[1]",
    ),
    (
        "required choice",
        _drop("MessageHeader", "eventCoding"),
        "missing-element",
        "MessageHeader[0].event[x]",
    ),
    (
        "code outside a required CodeableConcept binding",
        _put("Condition", clinicalStatus={"coding": [{"code": "ongoing"}]}),
        "bad-code",
        "Condition[9].clinicalStatus",
    ),
]


@pytest.mark.parametrize(
    ("mutate", "code", "place"),
    [row[1:] for row in MUTATIONS],
    ids=[row[0] for row in MUTATIONS],
)
def test_each_fault_is_refused_and_named(
    validator: Validator,
    admission: Callable[[], Bundle],
    mutate: Callable[[Bundle], Any],
    code: str,
    place: str,
) -> None:
    bundle = admission()
    mutate(bundle)
    assert not validator.valid(bundle)
    issues = validator.issues(bundle)
    assert (code, place) in {(issue.code, issue.place) for issue in issues}, issues


def test_the_untouched_bundle_is_valid(
    validator: Validator, admission: Callable[[], Bundle]
) -> None:
    assert validator.valid(admission())
    assert validator.issues(admission()) == []
    assert validator.search(admission()) == []


def test_all_faults_are_told_at_once_with_both_places(
    validator: Validator, admission: Callable[[], Bundle]
) -> None:
    bundle = admission()
    resource(bundle, "Patient")["gender"] = "x"
    del resource(bundle, "Encounter")["status"]
    resource(bundle, "Coverage")["status"] = "x"
    places = [(issue.place, issue.where) for issue in validator.issues(bundle)]
    assert places == [
        ("Patient[1].gender", "Bundle.entry[1].resource.gender"),
        ("Encounter[3].status", "Bundle.entry[3].resource.status"),
        ("Coverage[4].status", "Bundle.entry[4].resource.status"),
    ]


def test_every_code_is_from_the_closed_list(
    validator: Validator, admission: Callable[[], Bundle]
) -> None:
    rules = [rule.key for rules in invariants.BY_SHAPE.values() for rule in rules]
    known = findings.CODES | set(rules) | {"bdl-7", "ref-1", "dom-2", "dom-4"}
    for _, mutate, _, _ in MUTATIONS:
        bundle = admission()
        mutate(bundle)
        assert {issue.code for issue in validator.issues(bundle)} <= known


@pytest.mark.parametrize(
    "value",
    [Decimal("1.10"), Decimal("123456789012345678901234567890.12"), 7, 1.5, Decimal("1E+2")],
)
def test_a_decimal_may_be_any_finite_number(validator: Validator, value: object) -> None:
    assert validator.valid(_money(value))


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity"), float("nan"), "1.10", True])
def test_a_decimal_is_a_finite_number(validator: Validator, value: object) -> None:
    assert [issue.place for issue in validator.issues(_money(value))] == ["Invoice.totalNet.value"]


def _money(value: object) -> dict[str, Any]:
    total = {"value": value, "currency": "USD"}
    return {"resourceType": "Invoice", "status": "draft", "totalNet": total}


def test_a_huge_exponent_costs_nothing(validator: Validator) -> None:
    slot = {"resourceType": "Appointment", "priority": Decimal("1E+999999999")}
    assert "Appointment.priority" in {issue.place for issue in validator.issues(slot)}


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("1980", True),
        ("1980-02", True),
        ("2000-02-29", True),
        ("1900-02-29", False),
        ("2023-02-29", False),
        ("2024-04-31", False),
        ("0000", False),
        ("1980-2-3", False),
        ("1980-01-01T00:00:00Z", False),
        ("1980-01-01\n", False),
        ("19800101", False),
    ],
)
def test_a_date_is_one_of_the_calendar(validator: Validator, text: str, good: bool) -> None:
    assert validator.valid({"resourceType": "Patient", "birthDate": text}) is good


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("2026-03-04T05:06:07Z", True),
        ("2026-03-04T05:06:07.123456789-05:00", True),
        ("2016-12-31T23:59:60Z", True),
        ("2026-03", True),
        ("2026-03-04T05:06:07", False),
        ("2026-03-04T05:06Z", False),
        ("2026-03-04T24:00:00Z", False),
        ("2026-03-04T05:06:07+15:00", False),
        ("2026-02-30T05:06:07Z", False),
        ("2026-03T05:06:07Z", False),
    ],
)
def test_a_datetime_has_seconds_and_an_offset(validator: Validator, text: str, good: bool) -> None:
    assert validator.valid({"resourceType": "Patient", "deceasedDateTime": text}) is good


def test_extensions_can_stand_for_a_required_primitive(validator: Validator) -> None:
    reason = {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason"}
    absent = {"extension": [{**reason, "valueCode": "unknown"}]}
    encounter = {"resourceType": "Encounter", "class": {"code": "IMP"}, "_status": absent}
    assert validator.valid(encounter)
    assert not validator.valid({**encounter, "_status": {"extension": []}})
    assert not validator.valid({**encounter, "_status": {"value": "planned"}})


def test_a_null_may_hold_the_place_of_an_extension(validator: Validator) -> None:
    extension = {"extension": [{"url": "urn:x:y", "valueCode": "a"}]}
    name = {"given": [None, "B"], "_given": [extension, None]}
    assert validator.valid({"resourceType": "Patient", "name": [name]})


def test_contained_resources_are_validated_and_referred_to(validator: Validator) -> None:
    claim = {
        "resourceType": "Patient",
        "contained": [{"resourceType": "Organization", "id": "o", "name": "O"}],
        "managingOrganization": {"reference": "#o"},
    }
    assert validator.valid(claim)
    claim["managingOrganization"] = {"reference": "#p"}
    assert [i.code for i in validator.issues(claim)] == ["ref-1"]
    claim["managingOrganization"] = {"reference": "#o"}
    claim["contained"] = [{"resourceType": "Practitioner", "id": "o", "gender": "x"}]
    found = {(issue.code, issue.place) for issue in validator.issues(claim)}
    assert found == {
        ("bad-code", "Patient.contained[0].gender"),
        ("reference-target", "Patient.managingOrganization.reference"),
    }


def test_each_resource_of_a_bundle_contains_for_itself(
    validator: Validator, admission: Callable[[], Bundle]
) -> None:
    bundle = admission()
    patient, coverage = resource(bundle, "Patient"), resource(bundle, "Coverage")
    patient["contained"] = [{"resourceType": "Organization", "id": "o", "name": "O"}]
    patient["managingOrganization"] = {"reference": "#o"}
    assert validator.valid(bundle)
    coverage["payor"] = [{"reference": "#o"}]
    places = [issue.place for issue in validator.issues(bundle)]
    assert places == ["Coverage[4].payor[0].reference"]
    parameter = {"name": "x", "resource": patient}
    assert validator.valid({"resourceType": "Parameters", "parameter": [parameter]})


def test_the_types_of_relative_and_absolute_references_are_checked(validator: Validator) -> None:
    def patient(reference: str) -> dict[str, Any]:
        return {"resourceType": "Patient", "managingOrganization": {"reference": reference}}

    assert validator.valid(patient("Organization/1"))
    assert validator.valid(patient("https://ehr.example.org/fhir/Organization/1/_history/2"))
    assert validator.valid(patient("https://ehr.example.org/things/1"))
    assert not validator.valid(patient("Patient/1"))
    assert not validator.valid(patient("https://ehr.example.org/fhir/Patient/1/_history/2"))


def test_references_are_followed_wherever_they_stand(
    validator: Validator, admission: Callable[[], Bundle]
) -> None:
    bundle = admission()
    lost = {"reference": "urn:uuid:00000000-0000-4000-8000-000000000000"}
    coding = resource(bundle, "Condition")["code"]["coding"][0]
    coding["extension"] = [{"url": "urn:x:y", "valueReference": lost}]
    place = "Condition[9].code.coding[0].extension[0].valueReference.reference"
    assert [issue.place for issue in validator.issues(bundle)] == [place]


def test_a_bundle_in_a_bundle_resolves_its_own_references(
    validator: Validator, admission: Callable[[], Bundle]
) -> None:
    outer = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": admission()}]}
    assert validator.valid(outer)
    _lost_target(outer["entry"][0]["resource"])  # type: ignore[index]
    assert [issue.code for issue in validator.issues(outer)] == ["reference-missing"]


def test_the_urls_of_a_bundle_in_a_bundle_are_looked_at(validator: Validator) -> None:
    patient = {"fullUrl": "urn:x:y", "resource": {"resourceType": "Patient"}}
    inner = {"resourceType": "Bundle", "type": "collection", "entry": [patient]}
    entry = {"fullUrl": "urn:x:z", "resource": inner}
    outer = {"resourceType": "Bundle", "type": "collection", "entry": [entry]}
    assert validator.valid(outer)
    inner["entry"] = [patient, patient]
    assert [issue.code for issue in validator.issues(outer)] == ["bdl-7"]
    parameters = {"resourceType": "Parameters", "parameter": [{"name": "x", "resource": inner}]}
    assert [issue.code for issue in validator.issues(parameters)] == ["bdl-7"]


@pytest.mark.parametrize("value", [None, [], "Patient", 7, {}, {"resourceType": 7}, {1: 2}])
def test_what_is_no_resource_is_refused_with_an_issue(validator: Validator, value: Any) -> None:
    assert not validator.valid(value)
    assert validator.issues(value)


def test_an_unheard_of_nesting_is_refused_without_a_crash(validator: Validator) -> None:
    extension: dict[str, Any] = {"url": "urn:x:y", "valueCode": "a"}
    for _ in range(60):
        extension = {"url": "urn:x:y", "extension": [extension]}
    assert validator.valid({"resourceType": "Patient", "extension": [extension]})
    extension["extension"][0]["valueCode"] = "b"
    assert not validator.valid({"resourceType": "Patient", "extension": [extension]})
    assert validator.issues({"resourceType": "Patient", "extension": [extension]})


def test_levels_without_end_are_an_issue_too(validator: Validator) -> None:
    extension: dict[str, Any] = {"url": "urn:x:y", "valueCode": ""}
    for _ in range(2000):
        extension = {"url": "urn:x:y", "extension": [extension]}
    assert validator.issues({"resourceType": "Patient", "extension": [extension]})

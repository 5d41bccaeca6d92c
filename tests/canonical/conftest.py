from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from vagus.canonical import bundle
from vagus.canonical.identity import Identity
from vagus.canonical.validation import Validator

IDENTITY = Identity(b"0123456789abcdef")


@pytest.fixture(scope="session")
def validator() -> Validator:
    return Validator()


@pytest.fixture
def admission() -> Callable[[], dict[str, Any]]:
    """Makes a fresh message Bundle of an admission, ten resources in the manner of ADT_A01."""
    return admission_bundle


def _id(name: str) -> str:
    return IDENTITY.resource_id("Test", [name])


def _to(name: str) -> dict[str, str]:
    return {"reference": f"urn:uuid:{_id(name)}"}


def _coded(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


HL7 = "http://terminology.hl7.org/CodeSystem/"


def admission_bundle() -> dict[str, Any]:
    return bundle.message_bundle(
        [_patient(), _header(), *_around()],
        id=_id("bundle"),
        timestamp="2026-03-04T05:06:07.123Z",
        identifier=("urn:x-vagus:mercy:ADT1", "MSG00001"),
    )


def _header() -> dict[str, Any]:
    return {
        "resourceType": "MessageHeader",
        "id": _id("header"),
        "eventCoding": {"system": HL7 + "v2-0003", "code": "A01"},
        "destination": [{"name": "VAGUS", "endpoint": "urn:x-vagus:mercy:VAGUS"}],
        "source": {"name": "EPIC", "endpoint": "urn:x-vagus:mercy:EPIC"},
        "focus": [_to("encounter"), _to("patient")],
    }


def _patient() -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "id": _id("patient"),
        "extension": [
            {
                "url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race",
                "extension": [
                    {"url": "ombCategory", "valueCoding": {"system": "urn:oid:1.2", "code": "1"}},
                    {"url": "text", "valueString": "White"},
                ],
            }
        ],
        "identifier": [
            {"type": _coded(HL7 + "v2-0203", "MR"), "system": "urn:oid:1.2.3", "value": "12345"},
            {"system": "http://hl7.org/fhir/sid/us-ssn", "value": "999999999"},
        ],
        "active": True,
        "name": [{"use": "official", "family": "Doe", "given": ["Jane", "Q"], "prefix": ["Ms"]}],
        "telecom": [
            {"system": "phone", "value": "555-0100", "use": "home"},
            {"system": "email", "value": "jane@example.org"},
        ],
        "gender": "female",
        "birthDate": "1980-02-29",
        "_birthDate": {
            "extension": [
                {
                    "url": "http://hl7.org/fhir/StructureDefinition/patient-birthTime",
                    "valueDateTime": "1980-02-29T03:04:00-05:00",
                }
            ]
        },
        "deceasedBoolean": False,
        "address": [{"use": "home", "line": ["1 Main St"], "city": "Ely", "postalCode": "89301"}],
        "contact": [
            {
                "relationship": [_coded(HL7 + "v2-0131", "N")],
                "name": {"family": "Doe", "given": ["John"]},
            }
        ],
    }


def _around() -> list[dict[str, Any]]:
    return [
        {
            "resourceType": "Provenance",
            "id": _id("provenance"),
            "target": [_to("patient"), _to("encounter")],
            "recorded": "2026-03-04T05:06:07.000Z",
            "agent": [{"who": _to("payer")}],
        },
        {
            "resourceType": "Encounter",
            "id": _id("encounter"),
            "status": "in-progress",
            "class": {"system": HL7 + "v3-ActCode", "code": "IMP"},
            "subject": _to("patient"),
            "participant": [{"individual": _to("doctor")}],
            "period": {"start": "2026-03-04T05:06:07+01:00"},
            "diagnosis": [{"condition": _to("condition"), "rank": 1}],
            "location": [{"location": _to("ward"), "status": "active"}],
        },
        {
            "resourceType": "Coverage",
            "id": _id("coverage"),
            "status": "active",
            "subscriberId": "M1",
            "beneficiary": _to("patient"),
            "payor": [_to("payer")],
            "period": {"start": "2026-01-01", "end": "2026-12-31"},
        },
        {"resourceType": "Organization", "id": _id("payer"), "name": "Payer"},
        {
            "resourceType": "Practitioner",
            "id": _id("doctor"),
            "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567893"}],
        },
        {"resourceType": "Location", "id": _id("ward"), "name": "W", "mode": "instance"},
        {
            "resourceType": "RelatedPerson",
            "id": _id("mother"),
            "patient": _to("patient"),
            "name": [{"family": "Doe"}],
        },
        {
            "resourceType": "Condition",
            "id": _id("condition"),
            "clinicalStatus": _coded(HL7 + "condition-clinical", "active"),
            "code": _coded("http://hl7.org/fhir/sid/icd-10-cm", "I10"),
            "subject": _to("patient"),
            "recordedDate": "2026-03-04",
        },
    ]

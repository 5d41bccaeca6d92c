from __future__ import annotations

import pytest

from vagus.formats.format import Terms
from vagus.formats.hl7v2 import HL7V2

PATIENT = "PID|1||{mrn}^^^LAKE&1.2.3&ISO^MR||Okafor^Ifeoma||19830417|F"
VISIT = "PV1|1|I|||||D1^Reyes^M||||||||||||V1^^^LAKE&1.2.3&ISO^VN"
PLAN = "IN1|1|GOLD|60054|Blue Harbor||||G1||||||||||||||||||||||||||||HB1"


@pytest.fixture(scope="module")
def ids(catalogue, delivery):
    """The ids that a message gives its resources, by type."""

    def read(event, *segments, context=None, control="1"):
        code, trigger = event.split("^")
        head = f"MSH|^~\\&|A|LAKE|B|C|20260302081500+0100||{event}|{control}|P|2.5.1"
        body = "\r".join((head, f"EVN|{trigger}|20260302081400", *segments)).encode()
        message = HL7V2().decode(body, Terms())
        mapping = catalogue.select("hl7v2", structure=message.structure, type=message.type)
        result = mapping.apply(message, context or delivery())
        found: dict[str, list[str]] = {}
        for entry in result.bundle["entry"]:
            resource = entry["resource"]
            found.setdefault(resource["resourceType"], []).append(resource["id"])
        assert code in ("ADT", "SIU")
        return found

    return read


def test_a_person_a_visit_and_a_plan_keep_their_ids_from_event_to_event(ids, delivery):
    pid = PATIENT.format(mrn="1")
    admitted = ids("ADT^A01", pid, VISIT, PLAN, control="1")
    left = ids("ADT^A03", pid, VISIT, PLAN, control="2")
    updated = ids("ADT^A31", pid, "PV1|1|N", PLAN, control="3")
    for kind in ("Patient", "Encounter", "Practitioner", "Coverage"):
        assert admitted[kind] == left[kind], kind
    assert updated["Patient"] == admitted["Patient"]
    assert updated["Coverage"] == admitted["Coverage"]
    assert admitted["MessageHeader"] != left["MessageHeader"]


def test_the_retired_patient_of_a_merge_is_the_one_it_was(ids, delivery):
    old = ids("ADT^A04", PATIENT.format(mrn="2"), VISIT)["Patient"]
    new = ids("ADT^A04", PATIENT.format(mrn="1"), VISIT)["Patient"]
    merged = ids("ADT^A40", PATIENT.format(mrn="1"), "MRG|2^^^LAKE&1.2.3&ISO^MR")
    assert merged["Patient"] == [*new, *old]


def test_the_medical_record_number_decides_whatever_stands_first(ids, delivery):
    plain = ids("ADT^A04", PATIENT.format(mrn="1"), VISIT)
    other = "PID|1||77^^^STATE^SS~1^^^LAKE&1.2.3&ISO^MR||Okafor^Ifeoma||19830417|F"
    assert ids("ADT^A04", other, VISIT)["Patient"] == plain["Patient"]


def test_the_same_number_of_another_authority_or_source_is_another_person(ids, delivery):
    ours = ids("ADT^A04", PATIENT.format(mrn="1"), VISIT)["Patient"]
    theirs = "PID|1||1^^^NORTH^MR||Okafor^Ifeoma"
    assert ids("ADT^A04", theirs, VISIT)["Patient"] != ours
    bare = "PID|1||1^^^^MR||Okafor^Ifeoma"
    east, west = (
        ids("ADT^A04", bare, VISIT, context=delivery(source=source))["Patient"]
        for source in ("east", "west")
    )
    assert east != west
    assert ids("ADT^A04", bare, VISIT, context=delivery(source="east"))["Patient"] == east


def test_another_deployment_has_other_ids(ids, delivery):
    ours = ids("ADT^A04", PATIENT.format(mrn="1"), VISIT)["Patient"]
    theirs = ids("ADT^A04", PATIENT.format(mrn="1"), VISIT, context=delivery(key=b"x" * 32))
    assert theirs["Patient"] != ours


def test_a_booking_keeps_its_id_until_it_is_cancelled(ids, delivery):
    schedule = "SCH|P1^S|F1^S|||||N||30|MIN|^^^202603101430|||||||||||||Booked"
    pid = PATIENT.format(mrn="1")
    booked = ids("SIU^S12", schedule, pid)
    cancelled = ids("SIU^S15", schedule, pid, control="9")
    assert booked["Appointment"] == cancelled["Appointment"]
    assert booked["Patient"] == ids("ADT^A04", pid, VISIT)["Patient"]


def test_one_doctor_in_three_roles_stands_once_in_the_bundle(ids, delivery):
    visit = "PV1|1|I|||||D1^Reyes^M|D1^Reyes^M|D1^Reyes^M||||||||D1^Reyes^M||V1"
    found = ids("ADT^A01", PATIENT.format(mrn="1"), visit)
    assert len(found["Practitioner"]) == 1

"""What holds for every message of the library: times, status, provenance, ids of a booking."""

from __future__ import annotations

import pytest

from vagus.formats.format import Terms
from vagus.formats.hl7v2 import HL7V2

PATIENT = "PID|1||700100^^^LAKESIDE&1.2.3.4&ISO^MR||Okafor^Ifeoma||19830417|F"
BOOKING = "SCH|{placer}^SCHED|F-9001^SCHED|||||FU|NORMAL|45|MIN|^^^20260310143000"


@pytest.fixture(scope="module")
def mapped(catalogue, delivery):
    """The mapping of a message, and the resources it becomes by type."""

    def read(event, *segments, sent="20260302081500+0100", zone="UTC"):
        head = f"MSH|^~\\&|A|LAKESIDE|B|C|{sent}||{event}|M-7|P|2.5.1"
        message = HL7V2().decode("\r".join((head, *segments)).encode(), Terms())
        mapping = catalogue.select("hl7v2", structure=message.structure, type=message.type)
        found: dict[str, list] = {}
        for entry in mapping.apply(message, delivery(zone=zone)).bundle["entry"]:
            found.setdefault(entry["resource"]["resourceType"], []).append(entry["resource"])
        return mapping, found

    return read


@pytest.mark.parametrize(
    ("sent", "zone", "start", "given"),
    [
        ("20260302081500-0500", "Europe/Paris", "20260301120000", "2026-03-01T12:00:00-05:00"),
        ("20260302081500", "Europe/Paris", "20260301120000", "2026-03-01T12:00:00+01:00"),
        ("20260302081500", "Europe/Paris", "20260701120000", "2026-07-01T12:00:00+02:00"),
        ("20260302081500-0500", "UTC", "20260301120000+0200", "2026-03-01T12:00:00+02:00"),
        ("20260302081500-0500", "UTC", "202603011200", "2026-03-01T12:00:00-05:00"),
        ("20260302081500-0500", "UTC", "20260301", "2026-03-01"),
        ("20260302081500-0500", "UTC", "202603", "2026-03"),
        ("20260302081500-0500", "UTC", "2026", "2026"),
    ],
)
def test_a_time_has_its_own_offset_else_the_senders_else_the_endpoints(
    mapped, sent, zone, start, given
):
    visit = "PV1|1|I" + "|" * 42 + start
    _, found = mapped("ADT^A01", PATIENT, visit, sent=sent, zone=zone)
    assert found["Encounter"][0]["period"] == {"start": given}


@pytest.mark.parametrize("event", ["ADT^A01", "ADT^A05", "ADT^A17", "ADT^A40", "SIU^S12"])
def test_provenance_names_the_message_the_mapping_and_its_version(mapped, event):
    mapping, found = mapped(event, PATIENT, BOOKING.format(placer="P1"))
    source, made = (
        next(
            item
            for item in found["Provenance"]
            if item["agent"][0].get("type", {}).get("coding", [{}])[0].get("code") == role
            and "entity" in item
        )
        for role in ("author", "assembler")
    )
    assert made["agent"][0]["who"]["display"] == mapping.name
    assert made["agent"][0]["who"]["identifier"]["value"] == mapping.version
    for item in (source, made):
        assert item["entity"][0]["what"] == {
            "reference": "urn:x-vagus:raw:7",
            "identifier": {"value": "M-7"},
        }


@pytest.mark.parametrize("visit", ["PV1|1|I", "PV1|1|P", "PV1|1|I" + "|" * 43 + "20260301"])
def test_an_update_says_of_the_visit_what_pv1_says(mapped, visit):
    _, admitted = mapped("ADT^A01", PATIENT, visit)
    _, updated = mapped("ADT^A08", PATIENT, visit)
    assert admitted["Encounter"][0]["status"] == updated["Encounter"][0]["status"]


def test_a_booking_has_one_id_by_its_filler_number_whatever_happens_to_it(mapped):
    ids = set()
    for number, trigger in enumerate("S12 S13 S14 S15 S18 S20 S26".split()):
        booking = BOOKING.format(placer=f"P{number}")
        _, found = mapped(f"SIU^{trigger}", booking, PATIENT)
        ids.add(found["Appointment"][0]["id"])
    assert len(ids) == 1

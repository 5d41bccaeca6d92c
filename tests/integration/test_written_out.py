"""Destinations that want HL7 v2 in one line: `mapping: fhir_to_hl7v2`, over MLLP and in files."""

from __future__ import annotations

from pathlib import Path

from integration.site import Sender, Site, settled
from peers import Acceptor, until
from vagus.formats.format import Terms
from vagus.formats.hl7v2 import HL7V2
from vagus.kernel import ids

CHANNEL = """
source:
  mllp: {port: PORT}
  systems: river
steps:
  - transform: hl7v2_to_fhir
  - validate: fhir/r4
destinations:
  - name: partner
    mapping: fhir_to_hl7v2
    address: {sender: VAGUS, receiver: DIARY, receiver_facility: HILL, release: 2.3.1}
    mllp: {host: 127.0.0.1, port: %d}
  - name: drop
    mapping: fhir_to_hl7v2
    file: {folder: out, suffix: .hl7, create: true}
"""
SYSTEMS = 'systems: river\nentries: [{namespace: RIVER, oid: 2.999.1, system: "urn:oid:2.999.1"}]\n'
HEAD = r"MSH|^~\&|EHR|RIVER|VAGUS|HUB|20261122101500-0600||%s|%s|P|2.5.1"
PATIENT = r"PID|1||P1^^^RIVER^MR||O\T\NE^JANE^^JR||19800101|F|||5 MAIN ST^^FERN^IL^60999"


def admission(control: str) -> bytes:
    lines = (HEAD % ("ADT^A01^ADT_A01", control), "EVN|A01|20261122101500", PATIENT)
    return "\r".join((*lines, "PV1|1|I|2N^201^B" + "|" * 16 + "V1^^^RIVER^VN", "")).encode()


def booking(control: str) -> bytes:
    lines = (
        HEAD % ("SIU^S15^SIU_S12", control),
        r"SCH||F1^RIVER|||||FU^Follow \F\ up|||30|MIN|^^^20261201090000^20261201093000",
        PATIENT,
        "RGS|1",
        "AIP|1||77^LEE^ANN^^^^^^RIVER",
        "",
    )
    return "\r".join(lines).encode()


async def test_the_canonical_result_leaves_as_the_message_of_its_event(tmp_path: Path) -> None:
    async with Acceptor() as peer:
        site = Site(tmp_path, adt=CHANNEL % peer.port)
        site.write("systems/river.yaml", SYSTEMS)
        async with site.running() as live:
            sender = await Sender.to(site.ports["adt"])
            assert await sender.asks(admission("C1"), booking("C2")) == ["AA", "AA"]
            counts = await settled(live)
            await until(lambda: len(peer.bodies) == 2)
            await sender.end()
        assert (counts["delivered"], counts["dead"]) == (2, 0)
    by_type = {HL7V2().decode(body, Terms()).type: body for body in peer.bodies}
    admitted = by_type["ADT^A01"].decode().split("\r")
    assert admitted[0].split("|")[2:6] == ["VAGUS", "RIVER", "DIARY", "HILL"]
    assert admitted[0].split("|")[8:12:3] == ["ADT^A01^ADT_A01", "2.3.1"]
    assert admitted[2] == (
        r"PID|1||P1^^^RIVER&2.999.1&ISO^MR||O\T\NE^JANE^^JR||19800101|F|||5 MAIN ST^^FERN^IL^60999"
    )
    assert admitted[3] == "PV1|1|I|2N^201^B" + "|" * 16 + "V1^^^RIVER&2.999.1&ISO^VN"
    cancelled = by_type["SIU^S15"].decode()
    assert "\rSCH||F1^RIVER^2.999.1^ISO|" in cancelled
    assert r"FU^Follow \F\ up" in cancelled
    assert "|Cancelled" in cancelled
    assert "\rAIP|1||77^LEE^ANN" in cancelled
    files = [path.read_bytes() for path in sorted((tmp_path / "out").glob("*.hl7"))]
    assert len(files) == 2
    controls = {body.split(b"|")[9] for body in (*peer.bodies, *files)}
    assert controls == {ids.to_text(item.id).encode() for item in site.messages()}, (
        "stable: the journal's ids"
    )


async def test_a_bundle_that_names_no_trigger_is_written_by_its_event(tmp_path: Path) -> None:
    async with Acceptor() as peer:
        site = Site(tmp_path, adt=CHANNEL % peer.port)
        site.write("systems/river.yaml", SYSTEMS)
        site.write("mappings/bare.yaml", BARE)
        async with site.running() as live:
            sender = await Sender.to(site.ports["adt"])
            assert await sender.asks(admission("C1")) == ["AA"]
            await until(lambda: len(peer.bodies) == 1)
            await settled(live)
            await sender.end()
    assert HL7V2().decode(peer.bodies[0], Terms()).type == "ADT^A01"


BARE = """
mapping: bare
for: ADT^A01
from: hl7v2/ADT_A01
to: fhir/r4
resources:
  header:
    resourceType: MessageHeader
    eventUri: https://clinic.example/events/admitted
    source: {endpoint: =context endpoint}
  patient: {resourceType: Patient, identifier: {value: =PID-3.1}}
"""

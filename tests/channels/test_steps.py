"""What the steps of a channel do with a message, over real sockets, files and a real journal."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from pathlib import Path

import pytest

from acceptance.engine import free_port
from integration.site import Sender, Site, hl7, settled
from peers import Acceptor
from vagus.formats.hl7v2 import reader as hl7_reader
from vagus.kernel import ids

FILES = """
source:
  mllp: {port: PORT}
%s
destinations:
  - name: out
    file: {folder: out, create: true, name: "{id}", suffix: .txt}
    %s
"""


async def run(site: Site, *bodies: bytes) -> dict[str, int]:
    """Send them to channel adt and wait until all is done."""
    async with site.running() as live:
        sender = await Sender.to(site.ports["adt"])
        assert set(await sender.asks(*bodies)) <= {"AA"}
        await sender.end()
        return await settled(live)


def out(site: Site) -> dict[str, bytes]:
    return {path.stem: path.read_bytes() for path in sorted((site.folder / "out").glob("*.txt"))}


async def test_a_filter_records_its_reason(tmp_path: Path) -> None:
    steps = "steps:\n  - filter: =MSH-9.2 | in A08\n    reason: not-an-update"
    site = Site(tmp_path, adt=FILES % (steps, "send: received"))
    counts = await run(site, hl7("C1"), hl7("C2", kind="ADT^A04^ADT_A01"))
    assert (counts["delivered"], counts["filtered"]) == (1, 1)
    (message,) = site.messages(state="filtered")
    assert (message.type, message.reason) == ("ADT^A04", "not-an-update")
    assert list(out(site).values()) == [hl7("C1")]
    assert site.ledger().clean


async def test_the_mapping_is_found_by_type_and_none_is_a_dead_letter(tmp_path: Path) -> None:
    site = Site(tmp_path, adt=FILES % ("steps:\n  - transform: hl7v2_to_fhir", ""))
    site.write(
        "mappings/own.yaml",
        "mapping: own\nfrom: hl7v2/ADT_A01\nto: fhir/r4\nresources:\n"
        "  patient:\n    resourceType: Patient\n    $key: [=PID-3.1]\n    gender: =PID-8.1\n",
    )
    counts = await run(site, hl7("C1", kind="ADT^A08^ADT_A01"), hl7("C2", kind="ORU^R01^ORU_R01"))
    assert (counts["delivered"], counts["dead"]) == (1, 1)
    (bundle,) = map(json.loads, out(site).values())
    assert bundle["resourceType"] == "Bundle"
    (letter,) = site.dead()
    assert (letter.stage, letter.reason) == ("map", "no-mapping")
    assert site.ledger().clean


@pytest.mark.parametrize("fate", ["dead", "warn"])
async def test_what_breaks_the_model_is_dead_or_counted(tmp_path: Path, fate: str) -> None:
    steps = f"steps:\n  - transform: own\n  - validate: fhir/r4\n    on_issue: {fate}"
    site = Site(tmp_path, adt=FILES % (steps, ""))
    site.write(
        "mappings/own.yaml",
        "mapping: own\nfrom: hl7v2/ADT_A01\nto: fhir/r4\nresources:\n"
        "  patient:\n    resourceType: Patient\n    $key: [=PID-3.1]\n    gender: =PID-8.1\n",
    )
    async with site.running() as live:
        sender = await Sender.to(site.ports["adt"])
        await sender.asks(hl7("C1", kind="ADT^A08^ADT_A01"))
        await sender.end()
        counts = await settled(live)
        (channel,) = live.engine.channels.values()
        if fate == "warn":
            assert counts["delivered"] == 1
            assert channel.measures.warnings >= 1
        else:
            assert counts["dead"] == 1
    if fate == "dead":
        (letter,) = site.dead()
        assert letter.stage == "validate"
        assert letter.where


async def test_parts_are_delivered_each_on_their_own(tmp_path: Path) -> None:
    obx = "".join(f"OBX|{n}|ST|T^T||V{n}\r" for n in (1, 2, 3))
    steps = "steps:\n  - split: OBX\n  - filter: =OBX-1 | in 1 3\n    reason: even"
    site = Site(tmp_path, adt=FILES % (steps, "send: received"))
    counts = await run(site, hl7("C1", kind="ORU^R01^ORU_R01", more=obx), hl7("C2", more="OBX|1\r"))
    assert counts["delivered"] == 2
    first, second = site.messages()
    assert [(item.part, item.state.name) for item in site.deliveries(first.id)] == [
        (0, "DELIVERED"),
        (2, "DELIVERED"),
    ]
    files = out(site)
    assert set(files) == {first.text_id, f"{first.text_id}.2", second.text_id}
    assert b"OBX|3" in files[f"{first.text_id}.2"]
    assert b"OBX|1" not in files[f"{first.text_id}.2"]
    notes = [item for item in site.history(first.id) if item.kind == "part-filtered"]
    assert [item.detail for item in notes] == ["1 even"]
    assert site.ledger().clean


@pytest.mark.parametrize("unrouted", ["dead", "filter"])
async def test_what_nobody_wants(tmp_path: Path, unrouted: str) -> None:
    text = FILES % ("", "send: received\n    on: patient.*") + f"unrouted: {unrouted}\n"
    site = Site(tmp_path, adt=text)
    counts = await run(site, hl7("C1"), hl7("C2", kind="ADT^A01^ADT_A01"))
    assert counts["delivered"] == 1
    if unrouted == "dead":
        assert [(item.stage, item.reason) for item in site.dead()] == [("route", "no-destination")]
    else:
        assert [item.reason for item in site.messages(state="filtered")] == ["unrouted"]
    assert site.ledger().clean


async def test_a_part_that_nobody_wants_is_not_dropped_silently(tmp_path: Path) -> None:
    obx = "".join(f"OBX|{n}|ST|T^T||V{n}\r" for n in (1, 2))
    text = FILES % ("steps:\n  - split: OBX", "send: received\n    when: =OBX-1 | in 2")
    site = Site(tmp_path, adt=text)
    counts = await run(site, hl7("C1", kind="ORU^R01^ORU_R01", more=obx))
    assert (counts["delivered"], counts["dead"]) == (0, 1)
    assert out(site) == {}


async def test_conditions_and_patterns_choose_destinations(tmp_path: Path) -> None:
    more = """
  - name: women
    file: {folder: women, create: true, name: "{id}", suffix: .txt}
    send: received
    on: patient.updated encounter.*
    when: =PID-8 | in F
"""
    site = Site(tmp_path, adt=FILES % ("", "send: received\n    on: [patient.*]") + more)
    man = hl7("C2").replace(b"|F\r", b"|M\r")
    await run(site, hl7("C1"), man, hl7("C3", kind="ADT^A01^ADT_A01"))
    women = [path.read_bytes() for path in (site.folder / "women").glob("*.txt")]
    assert sorted(out(site).values()) == sorted([hl7("C1"), man])
    assert sorted(women) == sorted([hl7("C1"), hl7("C3", kind="ADT^A01^ADT_A01")])


async def test_the_poison_of_two_starts_is_a_dead_letter_at_the_third(tmp_path: Path) -> None:
    site = Site(tmp_path, adt=FILES % ("", "send: received"))
    async with site.running() as live:
        live.engine._stopped = True  # stored, and no step taken: as a process that dies leaves it
        sender = await Sender.to(site.ports["adt"])
        assert await sender.asks(hl7("C1"), hl7("C2")) == ["AA", "AA"]
        await sender.end()
        (poison, _) = live.journal.stored()
        for _ in range(2):
            mark = type(live.engine._mark)(live.journal.folder / "started")
            assert mark.start(poison.id)
            mark.close()
        live.engine._mark = type(live.engine._mark)(live.journal.folder / "spare")
        live.engine.drain = _at_once  # type: ignore[method-assign]
    async with site.running() as live:
        counts = await settled(live)
    assert (counts["delivered"], counts["dead"]) == (1, 1)
    (letter,) = site.dead()
    assert (letter.id, letter.stage, letter.reason) == (poison.id, "poison", "killed-the-process")
    assert site.ledger().clean


async def _at_once(patience: float) -> bool:
    return True


async def test_a_defect_of_ours_is_one_dead_letter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    site = Site(tmp_path, adt=FILES % ("steps:\n  - split: OBX", "send: received"))
    whole = hl7_reader.read

    def broken(text: str, charset: str):  # type: ignore[no-untyped-def]
        if "CANARY" in text and "OBX|2" in text and "OBX|1" not in text:
            raise RuntimeError(text)
        return whole(text, charset)

    monkeypatch.setattr(hl7_reader, "read", broken)
    obx = "OBX|1|ST|T||CANARY\rOBX|2|ST|T||CANARY\r"
    counts = await run(site, hl7("C1", kind="ORU^R01^ORU_R01", more=obx), hl7("C2"))
    assert (counts["delivered"], counts["dead"]) == (1, 1)
    assert [(item.stage, item.reason) for item in site.dead()] == [("engine", "engine-defect")]
    assert "CANARY" not in "".join(capfd.readouterr())


async def test_a_corrupt_row_is_a_dead_letter_and_the_others_go_on(tmp_path: Path) -> None:
    site = Site(tmp_path, adt=FILES % ("", "send: received"))
    async with site.running() as live:
        live.engine._stopped = True
        live.engine.drain = _at_once  # type: ignore[method-assign]
        sender = await Sender.to(site.ports["adt"])
        assert await sender.asks(hl7("C1"), hl7("C2"), hl7("C3")) == ["AA"] * 3
        await sender.end()
        bad = live.journal.stored()[1].id
    (day,) = (tmp_path / "data").glob("20*.db")
    con = sqlite3.connect(day)
    con.execute("UPDATE body SET sealed = zeroblob(length(sealed)) WHERE id = ?", (bad,))
    con.commit()
    con.close()
    async with site.running() as live:
        counts = await settled(live)
    assert (counts["delivered"], counts["dead"]) == (2, 1)
    assert [(item.id, item.reason) for item in site.dead()] == [(bad, "corrupt")]
    assert list(out(site).values()) == [hl7("C1"), hl7("C3")]


async def test_a_delivery_that_left_memory_is_made_again_the_same(tmp_path: Path) -> None:
    port = free_port()
    text = """
source:
  mllp: {port: PORT}
steps:
  - transform: hl7v2_to_fhir
destinations:
  - name: out
    mllp: {port: %d, host: 127.0.0.1}
    mapping: outward
  - name: copy
    file: {folder: out, create: true, name: "{id}", suffix: .txt}
"""
    site = Site(tmp_path, adt=text % port)
    site.write(
        "mappings/outward.yaml",
        "mapping: outward\nfrom: fhir\nto: hl7v2\nsegments:\n  - MSH:\n"
        "      MSH-3: VAGUS\n      MSH-7: =now | format hl7-datetime\n"
        "      MSH-9: {1: ADT, 2: A31}\n      MSH-10: =context message_id\n"
        "      MSH-11: P\n      MSH-12: '2.5'\n"
        "  - PID: {PID-3: {1: =Patient.identifier.value}}\n",
    )
    async with site.running() as live:
        sender = await Sender.to(site.ports["adt"])
        await sender.asks(hl7("C1", kind="ADT^A08^ADT_A01"))
        await sender.end()
        await asyncio.sleep(0.3)
        (channel,) = live.engine.channels.values()
        number = min(channel.couriers)
        (row,) = live.journal.waiting(number)
        cold = live.engine.broker.waiting(number, (0, -1), 10)[0]
        assert cold.content is None
        once, again = channel.make(cold), channel.make(cold)
        assert once == again
        assert once.key == ids.to_text(row.message)
    peer = Acceptor()
    await peer.start(port)
    async with site.running() as live:
        await settled(live)
    await peer.stop()
    assert peer.bodies == [once.body]

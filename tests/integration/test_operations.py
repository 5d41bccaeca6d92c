"""What operators ask of a running engine: replay, redrive, discard, pause, resume, drain."""

from __future__ import annotations

import json
from pathlib import Path

from integration.site import Sender, Site, ask, conserved, hl7, settled
from peers import Acceptor, until

CHANNEL = """
source:
  mllp: {port: PORT}
steps:
  - transform: first
destinations:
  - name: out
    file: {folder: out, create: true, name: "{id}", suffix: .json}
"""
MAPPING = (
    "mapping: %s\nfrom: hl7v2/ADT_A01\nto: fhir/r4\nresources:\n"
    "  patient:\n    resourceType: Patient\n    $key: [=PID-3.1]\n    active: %s\n"
)
PEER = """
source:
  mllp: {port: PORT}
destinations:
  - name: peer
    mllp: {host: 127.0.0.1, port: %d}
    send: received
    on_dead: %s
"""
A08 = "ADT^A08^ADT_A01"


def mapped(folder: Path) -> dict[str, bool]:
    """By message id, which mapping it went through."""
    return {
        path.stem: json.loads(path.read_bytes())["entry"][-1]["resource"]["active"]
        for path in (folder / "out").glob("*.json")
    }


async def test_a_replay_is_a_new_message_with_the_mapping_asked_for(tmp_path: Path) -> None:
    site = Site(tmp_path, adt=CHANNEL)
    site.write("mappings/first.yaml", MAPPING % ("first", "true"))
    site.write("mappings/second.yaml", MAPPING % ("second", "false"))
    async with site.running() as live:
        sender = await Sender.to(site.ports["adt"])
        await sender.asks(hl7("C1", kind=A08))
        await settled(live)
        (message,) = site.messages()
        first = message.text_id
        same = await ask(live, "replay", ids=[first])
        other = await ask(live, "replay", ids=[first], mapping="second")
        wrong = await ask(live, "replay", ids=[first, "nonsense", "0000000000001"], mapping="third")
        await settled(live)
        again, anew = same["replayed"][first], other["replayed"][first]
        assert mapped(tmp_path) == {first: True, again: True, anew: False}
        assert wrong == {
            "replayed": {},
            "failed": {
                first: "unknown-mapping",
                "nonsense": "not-an-id",
                "0000000000001": "unknown-message",
            },
        }
        await sender.end()
    assert [item.cause for item in site.messages()] == [None, message.id, message.id]
    assert site.ledger().clean


async def test_a_replay_with_another_mapping_keeps_it_over_a_restart(tmp_path: Path) -> None:
    site = Site(tmp_path, adt=CHANNEL)
    site.write("mappings/first.yaml", MAPPING % ("first", "true"))
    site.write("mappings/second.yaml", MAPPING % ("second", "false"))
    async with site.running() as live:
        sender = await Sender.to(site.ports["adt"])
        await sender.asks(hl7("C1", kind=A08))
        await settled(live)
        (courier,) = live.engine.couriers
        courier.dispatch.paused = True
        (message,) = site.messages()
        result = await ask(live, "replay", ids=[message.text_id], mapping="second")
        await until(lambda: bool(live.journal.waiting(courier.dispatch.destination)))
        await sender.end()
    async with site.running() as live:
        await settled(live)
    assert mapped(tmp_path) == {message.text_id: True, result["replayed"][message.text_id]: False}


async def test_a_dead_delivery_is_redriven_once_and_another_discarded(tmp_path: Path) -> None:
    async with Acceptor(reject=1.0) as peer:
        site = Site(tmp_path, adt=PEER % (peer.port, "continue"))
        async with site.running() as live:
            sender = await Sender.to(site.ports["adt"])
            await sender.asks(hl7("C1"), hl7("C2", patient="P2"))
            await settled(live)
            one, two = site.dead()
            peer._reject = 0.0
            result = await ask(live, "replay", ids=[one.text_id])
            assert result == {"replayed": {one.text_id: one.text_id}, "failed": {}}
            result = await ask(live, "discard", ids=[two.text_id, one.text_id])
            assert result["discarded"] == [two.text_id]
            assert result["failed"] == {one.text_id: "not-dead"}
            await until(lambda: peer.codes["AA"] == 1)
            counts = await settled(live)
            assert conserved(counts)
            assert (counts["delivered"], counts["filtered"], counts["dead"]) == (1, 1, 0)
            await sender.end()
    assert site.dead() == []
    assert site.ledger().clean


async def test_a_held_lane_goes_on_when_its_dead_letter_is_dealt_with(tmp_path: Path) -> None:
    async with Acceptor(reject=1.0) as peer:
        site = Site(tmp_path, adt=PEER % (peer.port, "hold"))
        async with site.running() as live:
            sender = await Sender.to(site.ports["adt"])
            await sender.asks(
                hl7("C1"), hl7("C2"), hl7("D1", patient="P2"), hl7("D2", patient="P2")
            )
            await until(lambda: len(site.dead()) == 2)
            await sender.end()
        async with site.running() as live:  # held over a restart too
            assert live.counts()["pending"] == 2
            peer._reject = 0.0
            one, two = site.dead()
            await ask(live, "replay", ids=[one.text_id])
            await ask(live, "discard", ids=[two.text_id])
            counts = await settled(live)
            assert (counts["delivered"], counts["filtered"]) == (3, 1)
    controls = [body.split(b"|")[9] for body in peer.bodies]
    assert controls[:2] in ([b"C1", b"D1"], [b"D1", b"C1"])
    assert sorted(controls[2:]) == [b"C1", b"C2", b"D2"]
    assert controls.index(b"C2") > 2 or controls[2] == b"C1"
    assert site.ledger().clean


async def test_a_paused_channel_reads_nothing_until_it_is_resumed(tmp_path: Path) -> None:
    async with Acceptor() as peer:
        site = Site(tmp_path, adt=PEER % (peer.port, "continue"))
        async with site.running() as live:
            sender = await Sender.to(site.ports["adt"])
            assert await sender.asks(hl7("C1")) == ["AA"]
            result = await ask(live, "channel", name="adt", action="drain")
            assert result == {"name": "adt", "action": "drain", "drained": True}
            sender.put(hl7("C2"))
            assert await sender.silence(0.3)
            live.engine.pressure._set(paused=True)
            live.engine.pressure.min_free = 1 << 62
            live.engine.pressure._look_at_disk()
            await ask(live, "channel", name="adt", action="resume")
            assert await sender.silence(0.3), "the disk is still full"
            live.engine.pressure.min_free = 0
            live.engine.pressure._look_at_disk()
            assert b"MSA|AA|C2" in await sender.hears()
            assert await ask(live, "channel", name="nope", action="pause") == {
                "error": "unknown-channel"
            }
            await sender.end()
    assert site.ledger().clean


async def test_requests_that_make_no_sense_are_answered(tmp_path: Path) -> None:
    async with Acceptor() as peer:
        site = Site(tmp_path, adt=PEER % (peer.port, "continue"))
        async with site.running() as live:
            assert await ask(live, "replay") == {"error": "bad-request"}
            assert await ask(live, "dance", ids=[]) == {"error": "unknown-request"}
            live.journal.requests.add("replay", "no json", "op")
            assert await ask(live, "discard", ids=["x"]) == {
                "discarded": [],
                "failed": {"x": "not-an-id"},
            }


async def test_what_was_asked_while_it_was_down_is_done_at_the_next_start(tmp_path: Path) -> None:
    async with Acceptor(reject=1.0) as peer:
        site = Site(tmp_path, adt=PEER % (peer.port, "continue"))
        async with site.running() as live:
            sender = await Sender.to(site.ports["adt"])
            await sender.asks(hl7("C1"))
            await settled(live)
            await sender.end()
            await live.operations.stop()
            (letter,) = site.dead()
            live.journal.requests.add("replay", json.dumps({"ids": [letter.text_id]}), "op")
        peer._reject = 0.0
        async with site.running() as live:
            await until(lambda: live.counts()["delivered"] == 1)
    assert site.ledger().clean


async def test_many_requests_at_once_are_all_done(tmp_path: Path) -> None:
    async with Acceptor() as peer:
        site = Site(tmp_path, adt=PEER % (peer.port, "continue"))
        async with site.running() as live:
            numbers = [
                live.journal.requests.add("discard", '{"ids": []}', "op") for _ in range(130)
            ]
            await until(lambda: live.journal.requests.result(numbers[-1]) is not None)
            assert live.journal.requests.pending() == []

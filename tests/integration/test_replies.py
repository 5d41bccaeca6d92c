"""When a sender hears what: received, stored, delivered, enhanced, batches, duplicates."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from acceptance.engine import code_of, free_port
from integration.site import Sender, Site, ask, hl7, settled
from peers import Acceptor, Proxy, ack, until
from vagus.formats.hl7v2 import objections

CHANNEL = """
source:
  mllp: {port: PORT}
  ack: %s
  processing: P
destinations:
  - name: peer
    mllp: {host: 127.0.0.1, port: %d, ack_timeout: 2s}
    send: received
    retry: {attempts: 2, first: 20ms, longest: 50ms}
"""


def msa(reply: bytes) -> tuple[str, str]:
    line = next(line for line in reply.split(b"\r") if line.startswith(b"MSA|")).split(b"|")
    return line[1].decode(), line[2].decode()


async def test_stored_answers_at_once_and_refuses_what_it_may_not_take(tmp_path: Path) -> None:
    site = Site(tmp_path, adt=CHANNEL % ("stored", free_port()))
    async with site.running() as live:
        sender = await Sender.to(site.ports["adt"])
        wrong = hl7("C2").replace(b"|P|2.5.1", b"|T|2.5.1")
        assert await sender.asks(hl7("C1"), wrong, b"no message", hl7("C1")) == [
            "AA",
            "AR",
            "AR",
            "AA",
        ]
        counts = live.counts()
        assert (counts["pending"], counts["dead"], counts["duplicates"]) == (1, 2, 1)
        await sender.end()
    assert [(item.stage, item.reason) for item in site.dead()] == [
        ("accept", "202"),
        ("decode", "no-msh"),
    ]
    assert site.ledger().clean


async def test_received_answers_yes_whatever_it_is(tmp_path: Path) -> None:
    site = Site(tmp_path, adt=CHANNEL % ("received", free_port()))
    async with site.running() as live:
        sender = await Sender.to(site.ports["adt"])
        assert await sender.asks(hl7("C1"), b"MSH|^~\\&|not much") == ["AA", "AA"]
        assert live.counts()["dead"] == 1
        await sender.end()


async def test_delivered_waits_and_says_what_became_of_it(tmp_path: Path) -> None:
    async with Acceptor() as peer, Proxy(peer.port) as proxy:
        proxy.blackhole = True
        site = Site(tmp_path, adt=CHANNEL % ("delivered", proxy.port))
        async with site.running() as live:
            first, second = [await Sender.to(site.ports["adt"]) for _ in range(2)]
            first.put(hl7("C1"))
            await until(lambda: live.counts()["accepted"] == 1)
            second.put(hl7("C1"))
            assert await second.silence(0.3), "the duplicate waits too"
            proxy.blackhole = False
            proxy.cut()
            assert msa(await first.hears()) == msa(await second.hears()) == ("AA", "C1")
            assert await second.asks(hl7("C1")) == ["AA"], "and hears the same when it is done"
            peer.answer = lambda body: ack(body, "AR")  # type: ignore[method-assign]
            assert await first.asks(hl7("C2")) == ["AE"]
            assert await second.asks(hl7("C2")) == ["AE"], "a duplicate of a dead one hears so"
            counts = live.counts()
            assert (counts["accepted"], counts["delivered"], counts["dead"]) == (2, 1, 1)
            assert counts["duplicates"] == 3
            for sender in (first, second):
                await sender.end()
    assert site.ledger().clean


async def test_delivered_is_not_said_of_what_a_restart_left_undelivered(tmp_path: Path) -> None:
    async with Acceptor() as peer, Proxy(peer.port) as proxy:
        proxy.blackhole = True
        site = Site(tmp_path, adt=CHANNEL % ("delivered", proxy.port))
        async with site.running() as live:
            sender = await Sender.to(site.ports["adt"])
            sender.put(hl7("C1"))
            await until(lambda: live.counts()["accepted"] == 1)
            sender.reset()
        async with site.running() as live:
            sender = await Sender.to(site.ports["adt"])
            sender.put(hl7("C1"))
            assert await sender.silence(0.3)
            proxy.blackhole = False
            proxy.cut()
            assert msa(await sender.hears()) == ("AA", "C1")
            assert live.counts()["delivered"] == 1
            await sender.end()
    assert site.ledger().clean


@pytest.mark.parametrize("ack", ["received", "stored", "delivered"])
async def test_enhanced_mode_hears_twice_on_one_connection(tmp_path: Path, ack: str) -> None:
    async with Acceptor() as peer, Proxy(peer.port) as proxy:
        proxy.blackhole = True
        site = Site(tmp_path, adt=CHANNEL % (ack, proxy.port))
        async with site.running() as live:
            sender = await Sender.to(site.ports["adt"])
            sender.put(hl7("C1", accept="AL", application="AL"))
            assert msa(await sender.hears()) == ("CA", "C1")
            assert live.counts()["accepted"] == 1
            sender.put(hl7("C2", patient="P2", accept="AL", application="NE"))
            assert msa(await sender.hears()) == ("CA", "C2")
            proxy.blackhole = False
            proxy.cut()
            reply = await sender.hears()
            assert msa(reply) == ("AA", "C1")
            assert reply.split(b"\r")[0].split(b"|")[14:16] == [b"NE", b"NE"]
            await settled(live)
            assert await sender.silence()
            sender.put(hl7("C1", accept="AL", application="AL"))
            assert [msa(await sender.hears())[0] for _ in range(2)] == ["CA", "AA"]
            await sender.end()
    assert site.ledger().clean


async def test_enhanced_mode_tells_of_failures_and_of_nothing_else(tmp_path: Path) -> None:
    async with Acceptor(reject=1.0) as peer:
        site = Site(tmp_path, adt=CHANNEL % ("stored", peer.port))
        async with site.running() as live:
            sender = await Sender.to(site.ports["adt"])
            sender.put(hl7("C1", accept="ER", application="ER"))
            assert msa(await sender.hears()) == ("AE", "C1"), "no CA: it was no error to accept"
            sender.put(hl7("C2", accept="ER", application="SU"))
            await until(lambda: live.counts()["dead"] == 2)
            assert await sender.silence()
            bad = hl7("C3", accept="NE", application="AL").replace(b"|P|2.5.1", b"|T|2.5.1")
            sender.put(bad)
            assert msa(await sender.hears()) == ("AR", "C3")
            await sender.end()
    assert site.ledger().clean


async def test_the_application_reply_is_owed_at_the_stop_too(tmp_path: Path) -> None:
    async with Acceptor() as peer, Proxy(peer.port) as proxy:
        proxy.blackhole = True
        site = Site(tmp_path, adt=CHANNEL % ("stored", proxy.port))
        async with site.running():
            sender = await Sender.to(site.ports["adt"])
            sender.put(hl7("C1", accept="AL", application="AL"))
            assert msa(await sender.hears()) == ("CA", "C1")

            async def back() -> None:
                await asyncio.sleep(0.2)
                proxy.blackhole = False
                proxy.cut()

            mending = asyncio.create_task(back())
        await mending
        assert msa(await sender.hears()) == ("AA", "C1")
        await sender.end()


async def test_each_message_of_a_batch_is_answered_in_its_order(tmp_path: Path) -> None:
    site = Site(tmp_path, adt=CHANNEL % ("stored", free_port()))
    async with site.running() as live:
        sender = await Sender.to(site.ports["adt"])
        wrong = hl7("B2").replace(b"|P|2.5.1", b"|T|2.5.1")
        sender.put(hl7("B1") + wrong + hl7("B3", accept="AL", application="NE"), hl7("C1"))
        assert [msa(await sender.hears()) for _ in range(4)] == [
            ("AA", "B1"),
            ("AR", "B2"),
            ("CA", "B3"),
            ("AA", "C1"),
        ]
        sender.put(b"BHS|^~\\&|EHR|RIVER\rBTS|0\r", hl7("C2"))
        assert msa(await sender.hears()) == ("AA", "C2"), "a batch of nothing is no trouble"
        sender.put(b"BHS|^~\\&|EHR|RIVER\r" + hl7("B4") + b"BTS|2\r")
        assert code_of(await sender.hears()) in ("AE", "AR")
        counts = live.counts()
        assert (counts["accepted"], counts["dead"]) == (6, 2)
        await sender.end()
    assert [(item.stage, item.reason) for item in site.dead()][1] == ("decode", "batch-count")


async def test_a_control_id_used_again_is_a_new_message(tmp_path: Path) -> None:
    site = Site(tmp_path, adt=CHANNEL % ("stored", free_port()))
    async with site.running() as live:
        sender = await Sender.to(site.ports["adt"])
        assert await sender.asks(hl7("C1"), hl7("C1", patient="P2"), hl7("C1")) == ["AA"] * 3
        assert (live.counts()["accepted"], live.counts()["duplicates"]) == (2, 1)
        (channel,) = live.engine.channels.values()
        assert channel.measures.reused_controls == 1
        await sender.end()


@pytest.mark.parametrize(
    ("sent", "word"),
    [(b"\x0bMSH|^~\\&|half a mess", "incomplete"), (b"chatter\x0b", "junk")],
)
async def test_what_is_no_frame_is_kept(tmp_path: Path, sent: bytes, word: str) -> None:
    site = Site(tmp_path, adt=CHANNEL % ("stored", free_port()))
    async with site.running() as live:
        sender = await Sender.to(site.ports["adt"])
        sender._writer.write(sent)
        await sender.end()
        await until(lambda: live.counts()["dead"] == 1)
    (letter,) = site.dead()
    assert (letter.stage, letter.reason) == ("frame", word)
    with site.reader() as reader:
        assert reader.body(letter.id) == sent.strip(b"\x0b")


async def test_a_defect_in_decoding_keeps_the_message_and_the_sender_going(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site(tmp_path, adt=CHANNEL % ("stored", free_port()))
    whole = objections.objection

    def broken(message, terms):  # type: ignore[no-untyped-def]
        if message.control == "C1":
            raise RuntimeError(message.header[7])
        return whole(message, terms)

    monkeypatch.setattr(objections, "objection", broken)
    async with site.running() as live:
        sender = await Sender.to(site.ports["adt"])
        assert await sender.asks(hl7("C1"), hl7("C2")) == ["AR", "AA"]
        await sender.end()
        assert live.counts()["dead"] == 1
    assert site.dead()[0].reason == "engine-defect"


async def test_a_redelivered_dead_letter_is_no_second_answer(tmp_path: Path) -> None:
    async with Acceptor(reject=1.0) as peer:
        site = Site(tmp_path, adt=CHANNEL % ("delivered", peer.port))
        async with site.running() as live:
            sender = await Sender.to(site.ports["adt"])
            assert await sender.asks(hl7("C1")) == ["AE"]
            peer._reject = 0.0
            (letter,) = site.dead()
            result = await ask(live, "replay", ids=[letter.text_id])
            assert result["failed"] == {}
            assert (await settled(live))["delivered"] == 1
            assert await sender.silence()
            await sender.end()
    assert site.ledger().clean


async def test_delivered_is_answered_for_what_is_delivered_nowhere(tmp_path: Path) -> None:
    async with Acceptor() as peer:
        steps = "steps:\n  - filter: =MSH-9.2 | in A08\n  - split: OBX\ndestinations:"
        text = (CHANNEL % ("delivered", peer.port)).replace("destinations:", steps)
        text += "    on: [patient.*]\n"
        site = Site(tmp_path, adt=text)
        obx = "OBX|1|ST|T||A\rOBX|2|ST|T||B\r"
        async with site.running() as live:
            sender = await Sender.to(site.ports["adt"])
            codes = await sender.asks(
                hl7("F1", kind="ADT^A04^ADT_A01"), hl7("S1", more=obx), hl7("S2")
            )
            assert codes == ["AA", "AA", "AA"]
            assert len(peer.bodies) == 3
            counts = live.counts()
            assert (counts["filtered"], counts["delivered"], counts["pending"]) == (1, 2, 0)
            await sender.end()
        site.channel("adt", text.replace("    on: [patient.*]", "    on: [encounter.*]"))
        async with site.running():
            sender = await Sender.to(site.ports["adt"])
            assert await sender.asks(hl7("N1")) == ["AE"], "nobody wants it"
            await sender.end()
    assert site.ledger().clean


async def test_a_file_is_put_away_when_its_messages_are_delivered(tmp_path: Path) -> None:
    async with Acceptor() as peer, Proxy(peer.port) as proxy:
        proxy.blackhole = True
        text = (CHANNEL % ("delivered", proxy.port)).replace(
            "mllp: {port: PORT}", "file: {folder: in, create: true, every: 50ms, stable: 0s}"
        )
        site = Site(tmp_path, nightly=text)
        async with site.running() as live:
            (tmp_path / "in/one.hl7").write_bytes(hl7("F1") + hl7("F2", "P2"))
            await until(lambda: live.counts()["accepted"] == 2)
            await asyncio.sleep(0.2)
            assert not (tmp_path / "in/.done/one.hl7").exists()
            proxy.blackhole = False
            proxy.cut()
            await until(lambda: any((tmp_path / "in/.done").glob("*one.hl7*")), 10)
            peer.answer = lambda body: ack(body, "AR")  # type: ignore[method-assign]
            (tmp_path / "in/two.hl7").write_bytes(hl7("F3"))
            await until(lambda: any((tmp_path / "in/.failed").glob("*two.hl7*")), 10)
            assert (live.counts()["delivered"], live.counts()["dead"]) == (2, 1)
    assert site.ledger().clean

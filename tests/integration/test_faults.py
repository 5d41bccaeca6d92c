"""What peers, disks and clocks do to a running engine: nothing lost, no lane out of order."""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path

import pytest

from acceptance.engine import control_of, free_port
from channels import pressure
from integration.site import Sender, Site, ask, by_patient, conserved, hl7, settled
from peers import Acceptor, Proxy, ack, until
from vagus.assembly import running
from vagus.kernel.clock import SystemClock
from vagus.kernel.errors import ConfigError
from vagus.project import open_project

PEER = """
  - name: %s
    mllp: {host: 127.0.0.1, port: %d, connections: %d, ack_timeout: 1s}
    send: received
    retry: {attempts: 30, first: 20ms, longest: 60ms}
"""
SOURCE = "\nsource:\n  mllp: {port: PORT}\ndestinations:\n"
FILE = """
  - name: files
    file: {folder: out, create: true, name: "{id}", suffix: .hl7}
    send: received
"""


async def feed(port: int, name: str, count: int, patients: int) -> dict[bytes, list[str]]:
    """One sender with patients of its own; what it sent to whom, in order."""
    sender = await Sender.to(port)
    sent: dict[bytes, list[str]] = {}
    for number in range(count):
        patient = f"{name}{number % patients}"
        control = f"{name}-{number:04d}"
        assert await sender.asks(hl7(control, patient)) == ["AA"]
        sent.setdefault(f"{patient}^^^RIVER^MR".encode(), []).append(control)
    await sender.end()
    return sent


async def test_order_through_errors_and_breaks_of_three_destinations(tmp_path: Path) -> None:
    chance = random.Random(7)
    async with (
        Acceptor(error=0.15, seed=1) as one,
        Acceptor() as two,
        Proxy(two.port) as proxy,
    ):
        text = SOURCE + PEER % ("one", one.port, 4) + PEER % ("two", proxy.port, 4) + FILE
        site = Site(tmp_path, adt=text, siu=text.replace("folder: out", "folder: out2"))
        taken: list[bytes] = []
        whole = one.answer
        one.answer = lambda body: _noting(whole(body), body, taken)  # type: ignore[method-assign]
        async with site.running() as live:

            async def breaks() -> None:
                while True:
                    await asyncio.sleep(chance.uniform(0.05, 0.2))
                    proxy.cut()

            breaking = asyncio.create_task(breaks())
            sent = await asyncio.gather(
                *(
                    feed(site.ports[channel], f"{channel}{number}", 40, 3)
                    for channel in ("adt", "siu")
                    for number in range(2)
                )
            )
            breaking.cancel()
            counts = await settled(live, 30.0)
            assert (counts["accepted"], counts["delivered"], counts["dead"]) == (160, 160, 0)
        wanted = {patient: controls for each in sent for patient, controls in each.items()}
        assert by_patient(taken) == wanted
        assert by_patient(two.bodies) == wanted
        for folder, channel in (("out", "adt"), ("out2", "siu")):
            files = sorted((tmp_path / folder).glob("*.hl7"))
            assert len(files) == 80
            assert all(control_of(path.read_bytes()).startswith(channel) for path in files)
    assert site.ledger().clean


def _noting(reply: bytes, body: bytes, taken: list[bytes]) -> bytes:
    if b"MSA|AA" in reply:
        taken.append(body)
    return reply


async def test_one_failing_patient_blocks_nobody(tmp_path: Path) -> None:
    async with Acceptor() as peer:
        peer.answer = lambda body: ack(body, "AE" if b"||BAD^" in body else "AA")  # type: ignore[method-assign]
        text = SOURCE + (PEER % ("one", peer.port, 2)).replace("60ms", "20s").replace("20ms", "20s")
        site = Site(tmp_path, adt=text)
        async with site.running() as live:
            sender = await Sender.to(site.ports["adt"])
            for number in range(60):
                await sender.asks(hl7(f"B{number}", "BAD"), hl7(f"G{number}", f"P{number % 5}"))
            await until(lambda: live.counts()["delivered"] == 60)
            (courier,) = live.engine.couriers
            assert (courier.dispatch.parked, courier.dispatch.health.down) == (1, False)
            assert live.counts()["pending"] == 60
            await sender.end()
    assert site.ledger().clean


async def test_a_destination_that_is_away_for_a_while(tmp_path: Path) -> None:
    async with Acceptor() as peer, Proxy(peer.port) as proxy:
        text = SOURCE + (PEER % ("one", proxy.port, 2)).replace("attempts: 30", "attempts: 1")
        site = Site(tmp_path, adt=text)
        async with site.running() as live:
            await feed(site.ports["adt"], "A", 10, 3)
            proxy.blackhole = True
            proxy.cut()
            sent = await feed(site.ports["adt"], "B", 60, 3)
            (courier,) = live.engine.couriers
            await until(lambda: courier.dispatch.health.down)
            await asyncio.sleep(0.5)
            proxy.blackhole = False
            proxy.cut()
            counts = await settled(live, 20.0)
            assert (counts["delivered"], counts["dead"]) == (70, 0)
        found = by_patient([body for body in peer.bodies if control_of(body).startswith("B")])
        assert found == sent
        for message in site.messages():
            assert [item.attempts for item in site.deliveries(message.id)] == [1]
    assert site.ledger().clean


async def test_a_stop_in_the_middle_and_a_start(tmp_path: Path) -> None:
    async with Acceptor(error=0.1, seed=3) as peer:
        site = Site(tmp_path, adt=SOURCE + PEER % ("one", peer.port, 2) + FILE)
        acked: list[str] = []

        async def send_on() -> None:
            number = 0
            while number < 150:
                sender = None
                try:
                    sender = await Sender.to(site.ports["adt"])
                    while number < 150:
                        assert await sender.asks(hl7(f"C{number:04d}", f"P{number % 4}")) == ["AA"]
                        acked.append(f"C{number:04d}")
                        number += 1
                except (OSError, asyncio.IncompleteReadError, TimeoutError):
                    await asyncio.sleep(0.02)
                finally:
                    if sender is not None:
                        await sender.end()

        sending = asyncio.create_task(send_on())
        for _ in range(3):
            async with site.running():
                await asyncio.sleep(0.15)
        async with site.running() as live:
            await sending
            counts = await settled(live, 20.0)
        assert len(acked) == counts["accepted"] == counts["delivered"] == 150
    found = {control for each in by_patient(peer.bodies).values() for control in each}
    assert found == set(acked)
    assert len(list((tmp_path / "out").glob("*.hl7"))) == 150
    assert site.ledger().clean


async def test_a_stop_delivers_the_replies_that_are_owed(tmp_path: Path) -> None:
    site = Site(tmp_path, adt=SOURCE + FILE)
    async with site.running() as live:
        sender = await Sender.to(site.ports["adt"])
        sender.put(*(hl7(f"C{number}") for number in range(40)))
        await until(lambda: live.counts()["accepted"] >= 1)
    accepted = (await asyncio.to_thread(site.ledger)).counts["total"]["messages"]["accepted"]
    replies = [await sender.hears() for _ in range(accepted)]
    with pytest.raises(asyncio.IncompleteReadError):
        await sender.hears()
    await sender.end()
    assert len(replies) == accepted >= 1
    assert site.ledger().clean


# Clocks.


class Jumping(SystemClock):
    """The machine's clock, moved by as much as a test says; monotonic time is not."""

    def __init__(self, start: float) -> None:
        self.offset = start - time.time()

    def now(self) -> float:  # type: ignore[override]
        return time.time() + self.offset


async def test_midnight_passes_while_running(tmp_path: Path) -> None:
    clock = Jumping(1_795_391_998.0)  # 2026-11-22 23:59:58 UTC
    async with Acceptor() as peer:
        bodies: list[bytes] = []
        peer.answer = lambda body: _kept(body, bodies)  # type: ignore[method-assign]
        site = Site(tmp_path, adt=SOURCE + PEER % ("one", peer.port, 2) + FILE)
        async with site.running(clock) as live:
            before = await feed(site.ports["adt"], "A", 12, 3)
            clock.offset += 4
            after = await feed(site.ports["adt"], "B", 12, 3)
            sender = await Sender.to(site.ports["adt"])
            assert await sender.asks(hl7("A-0000", "A0")) == ["AA"]
            await sender.end()
            counts = await settled(live)
            assert (counts["accepted"], counts["delivered"], counts["duplicates"]) == (24, 24, 1)
            await live.journal.tend()
        assert by_patient(bodies) == before | after
        days = sorted(path.stem for path in (tmp_path / "data").glob("20*.db"))
        assert days == ["2026-11-22", "2026-11-23"]
        async with site.running(clock) as live:
            sender = await Sender.to(site.ports["adt"])
            assert await sender.asks(hl7("A-0001", "A1"), hl7("B-0001", "B1")) == ["AA", "AA"]
            assert live.counts()["duplicates"] == 3
            await sender.end()
    assert site.ledger().clean


def _kept(body: bytes, bodies: list[bytes]) -> bytes:
    bodies.append(body)
    return ack(body)


async def test_a_clock_that_steps_back_delays_nothing(tmp_path: Path) -> None:
    clock = Jumping(time.time())
    refused = free_port()
    site = Site(tmp_path, adt=SOURCE + PEER % ("one", refused, 2))
    async with site.running(clock) as live:
        first = await feed(site.ports["adt"], "A", 4, 2)
        (courier,) = live.engine.couriers
        await until(lambda: courier.dispatch.health.down)
        clock.offset -= 3600
        second = await feed(site.ports["adt"], "B", 4, 2)
        peer = Acceptor()
        await peer.start(refused)
        counts = await settled(live, 10.0)
        assert counts["delivered"] == 8
        await peer.stop()
    assert by_patient(peer.bodies) == first | second
    assert site.ledger().clean


# Back-pressure.


async def test_a_slow_destination_slows_its_senders_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pressure, "SOFT_LAG", 100)
    async with Acceptor() as peer, Proxy(peer.port) as proxy:
        site = Site(tmp_path, adt=SOURCE + PEER % ("one", proxy.port, 1))
        async with site.running() as live:
            lag = 0

            async def watch() -> None:
                nonlocal lag
                while True:
                    lag = max(lag, live.counts()["pending"])
                    await asyncio.sleep(0.005)

            watching = asyncio.create_task(watch())
            senders = [await Sender.to(site.ports["adt"]) for _ in range(4)]
            for number, sender in enumerate(senders):
                sender.put(*(hl7(f"S{number}-{at:04d}", f"P{at % 9}") for at in range(400)))
            await until(lambda: live.counts()["accepted"] == 1600, 30.0)
            await settled(live, 30.0)
            watching.cancel()
            assert 100 <= lag < 100 + 4 * 64 + 100, lag
            for sender in senders:
                await sender.end()
    assert site.ledger().clean


async def test_an_outage_does_not_count_as_lag(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pressure, "SOFT_LAG", 20)
    site = Site(tmp_path, adt=SOURCE + PEER % ("one", free_port(), 1) + FILE)
    async with site.running() as live:
        await feed(site.ports["adt"], "A", 200, 5)
        assert live.counts()["pending"] == 200
    assert site.ledger().clean


async def test_no_room_on_disk_pauses_and_resumes(tmp_path: Path) -> None:
    site = Site(tmp_path, adt=SOURCE + FILE)
    async with site.running() as live:
        sender = await Sender.to(site.ports["adt"])
        assert await sender.asks(hl7("C1")) == ["AA"]
        live.engine.pressure.min_free = 1 << 62
        live.engine.pressure._look_at_disk()
        live.engine.pressure.check()
        assert live.engine.pressure.reason == "disk-low"
        sender.put(hl7("C2"))
        assert await sender.silence(0.3)
        live.engine.pressure.min_free = 0
        live.engine.pressure._look_at_disk()
        assert b"MSA|AA|C2" in await sender.hears()
        assert live.engine.pressure.reason == ""
        await sender.end()


async def test_a_journal_that_cannot_write_pauses_and_resumes(tmp_path: Path) -> None:
    site = Site(tmp_path, adt=SOURCE + FILE)
    async with site.running() as live:
        sender = await Sender.to(site.ports["adt"])
        assert await sender.asks(hl7("C1")) == ["AA"]
        await settled(live)
        day = live.journal.calendar.days[live.journal.calendar.newest]
        (pages,) = day.writer.execute("PRAGMA page_count").fetchone()
        day.writer.execute(f"PRAGMA max_page_count = {pages}")
        for number in range(60):
            sender.put(hl7(f"D{number:03d}", more="NTE|1||" + "x" * 4000 + "\r"))
        await until(lambda: live.journal.stalled)
        await until(lambda: live.engine.pressure.reason == "journal-stalled")
        await until(lambda: live.engine.pressure.paused)
        day.writer.execute("PRAGMA max_page_count = 1000000")
        for _ in range(60):
            assert b"MSA|AA" in await sender.hears()
        counts = await settled(live)
        assert (counts["accepted"], counts["delivered"]) == (61, 61)
        await until(lambda: not live.engine.pressure.paused)
        await sender.end()
    assert site.ledger().clean


# Channels that feed channels.

LINKED = """
source:
  channel:
  format: hl7v2
destinations:
  - name: files
    file: {folder: linked, create: true, name: "{id}", suffix: .hl7}
    send: received
"""
LINK = "\n  - name: onward\n    channel: second\n    send: received\n"


async def test_a_channel_hands_on_to_another(tmp_path: Path) -> None:
    site = Site(tmp_path, adt=SOURCE + FILE + LINK, second=LINKED)
    async with site.running() as live:
        sent = await feed(site.ports["adt"], "A", 20, 3)
        counts = await settled(live)
        assert (counts["accepted"], counts["delivered"]) == (40, 40)
        await ask(live, "channel", name="second", action="pause")
        await feed(site.ports["adt"], "B", 3, 1)
        await asyncio.sleep(0.3)
        assert live.counts()["accepted"] == 43
        assert live.counts()["pending"] == 3
        await ask(live, "channel", name="second", action="resume")
        assert (await settled(live))["delivered"] == 46
    files = [path.read_bytes() for path in sorted((tmp_path / "linked").glob("*.hl7"))]
    assert {key: value for key, value in by_patient(files).items() if b"A" in key[:1]} == sent
    assert len(files) == 23
    assert site.ledger().clean


async def test_back_pressure_does_not_hold_up_what_is_inside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pressure, "SOFT_LAG", 10)
    site = Site(tmp_path, adt=SOURCE + LINK, second=LINKED)
    async with site.running() as live:
        sender = await Sender.to(site.ports["adt"])
        sender.put(*(hl7(f"C{number:03d}", f"P{number % 3}") for number in range(200)))
        await until(lambda: live.counts()["delivered"] == 400, 20.0)
        await sender.end()
    assert site.ledger().clean


# Starting.


async def test_a_port_that_is_taken_is_said_at_once(tmp_path: Path) -> None:
    async with Acceptor() as other:
        site = Site(tmp_path, adt=SOURCE + PEER % ("one", other.port, 1))
        async with site.running():
            sender = await Sender.to(site.ports["adt"])
            await sender.asks(hl7("C1"))
            await sender.end()
        site.write(
            "channels/adt.yaml",
            f"channel: adt\n{SOURCE}{FILE}".replace("PORT", str(other.port)),
        )
        begun = time.monotonic()
        with pytest.raises(ConfigError, match="in use"):
            async with running(open_project(tmp_path)):
                pass
        assert time.monotonic() - begun < 3
        async with Acceptor():
            site.write("channels/adt.yaml", f"channel: adt\n{SOURCE}{FILE}".replace("PORT", "0"))
            async with site.running() as live:
                assert conserved(live.counts())
    assert site.ledger().clean


async def test_a_channel_that_is_switched_off_keeps_what_it_has(tmp_path: Path) -> None:
    text = SOURCE + PEER % ("one", free_port(), 1)
    site = Site(tmp_path, adt=text)
    async with site.running() as live:
        await feed(site.ports["adt"], "A", 3, 1)
    site.channel("adt", "enabled: false" + text)
    async with site.running() as live:
        assert live.counts()["pending"] == 3
    async with Acceptor() as peer:
        site.channel("adt", SOURCE + PEER % ("one", peer.port, 1))
        async with site.running() as live:
            assert (await settled(live))["delivered"] == 3
    assert site.ledger().clean

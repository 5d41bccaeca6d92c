"""The whole engine with a real RabbitMQ that fails under load.

Over every fault: acknowledged = delivered + dead + pending, nothing is lost, nothing is repeated
beyond what was in flight, no patient's events go back, and the ledger is clean.
VAGUS_SOAK=1 makes everything longer (make soak).
"""

from __future__ import annotations

import asyncio
import os
import random
import resource
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from acceptance.engine import PROJECT, Engine, admission, code_of, holds
from integration.site import Sender, conserved, hl7, settled
from integration.subscribing import BROKER, SUBSCRIBER, Got, opened, site, taken
from peers import Proxy, until
from peers.rabbitmq import Server
from vagus.kernel import ids
from vagus.kernel.jwe import generate

SOAK = os.environ.get("VAGUS_SOAK") == "1"
QUEUE = "vagus.trial.to.desk.0"
SENDERS, PATIENTS = 6, 3
WINDOW = 64
QUICK = f"window: {WINDOW}, confirm_timeout: 1s, heartbeat: 2s"
Fault = Callable[[Server, Proxy], Awaitable[None]]


async def killed(server: Server, proxy: Proxy) -> None:
    await asyncio.to_thread(server.kill)
    await asyncio.sleep(1.0)
    await asyncio.to_thread(server.start)


async def restarted(server: Server, proxy: Proxy) -> None:
    await asyncio.to_thread(server.stop)
    await asyncio.to_thread(server.start)


async def application_stopped(server: Server, proxy: Proxy) -> None:
    await asyncio.to_thread(server.ctl, "stop_app")
    await asyncio.sleep(1.0)
    await asyncio.to_thread(server.ctl, "start_app")


async def memory_alarm(server: Server, proxy: Proxy) -> None:
    await asyncio.to_thread(server.block)
    await asyncio.sleep(2.5)  # more than two confirm time-outs, which must not count
    await asyncio.to_thread(server.unblock)


async def confirms_swallowed(server: Server, proxy: Proxy) -> None:
    proxy.eat_down = 1 << 40
    await asyncio.sleep(1.6)
    proxy.eat_down = 0


async def cut_while_publishing(server: Server, proxy: Proxy) -> None:
    for _ in range(4):
        proxy.cut()
        await asyncio.sleep(0.4)


async def network_vanished(server: Server, proxy: Proxy) -> None:
    proxy.blackhole = True
    await asyncio.sleep(2.0)
    proxy.blackhole = False
    proxy.cut()


async def connections_closed(server: Server, proxy: Proxy) -> None:
    for _ in range(3):
        await asyncio.to_thread(server.ctl, "close_all_connections", "maintenance")
        await asyncio.sleep(0.4)


FAULTS = [
    killed, restarted, application_stopped, memory_alarm, confirms_swallowed,
    cut_while_publishing, network_vanished, connections_closed,
]  # fmt: skip


class Load:
    """Senders with one message in flight each, until told to stop."""

    def __init__(self, port: int, pause: float = 0.0) -> None:
        self._port = port
        self._pause = pause
        self._stop = False
        self.acknowledged = 0

    async def __aenter__(self) -> Load:
        self._tasks = [asyncio.create_task(self._send(number)) for number in range(SENDERS)]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop = True
        await asyncio.gather(*self._tasks)

    async def _send(self, number: int) -> None:
        sender = await Sender.to(self._port)
        count = 0
        while not self._stop:
            body = hl7(f"{number}-{count}", f"P{number}-{count % PATIENTS}")
            assert await sender.asks(body) == ["AA"]
            count += 1
            self.acknowledged += 1
            await asyncio.sleep(self._pause)
        await sender.end()


def judge(found: list[Got], accepted: int, folder: Path, in_flight: int) -> None:
    """Nothing lost, few repeated, no lane back."""
    seen = [got.id for got in found]
    assert len(set(seen)) == accepted
    assert len(seen) - accepted <= in_flight
    lanes: dict[str, list[str]] = defaultdict(list)
    for got in found:
        lanes[got.headers["cloudEvents:partitionkey"]].append(got.id)
    assert all(mine == sorted(mine) for mine in lanes.values())
    assert opened(found[-1], folder, "desk")["resourceType"] == "Bundle"


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
async def test_under_load(tmp_path: Path, rabbitmq: Server, fault: Fault) -> None:
    async with Proxy(rabbitmq.port) as proxy:
        url = rabbitmq.url.replace(str(rabbitmq.port), str(proxy.port))
        it = site(tmp_path, url, {"desk": "*"}, more=QUICK)
        async with it.running() as live:
            async with Load(it.ports["adt"], 0.01) as load:
                for _ in range(10 if SOAK else 1):
                    before = load.acknowledged
                    await until(lambda before=before: load.acknowledged >= before + 60)  # type: ignore[misc]
                    before = load.acknowledged
                    await fault(rabbitmq, proxy)
                    assert load.acknowledged > before, "intake goes on whatever the broker does"
                    assert conserved(live.counts())
            counts = await settled(live, 60.0)
            assert counts["delivered"] == counts["accepted"] == load.acknowledged
            carrier = live.engine.carrier
            assert carrier is not None
            resent = carrier.measures.resent
        found = await asyncio.to_thread(taken, rabbitmq, QUEUE)
        judge(found, counts["accepted"], it.folder, resent)
        lost_lines = carrier.measures.connects - 1
        assert resent <= min(WINDOW, SENDERS * PATIENTS) * max(1, lost_lines)
        if fault is memory_alarm:
            assert resent == 0
    assert it.ledger().clean


async def test_a_queue_that_is_deleted_holds_up_only_its_subscriber(
    tmp_path: Path, rabbitmq: Server
) -> None:
    it = site(tmp_path, rabbitmq.url, {"desk": "*", "beds": "*"}, more=QUICK)
    async with it.running() as live:
        async with Load(it.ports["adt"], 0.01) as load:
            await until(lambda: load.acknowledged >= 50)
            await asyncio.to_thread(rabbitmq.ctl, "delete_queue", "-p", rabbitmq.vhost, QUEUE)
            deleted = ids.to_text(ids.first_of(int(time.time() * 1000)))
            before = load.acknowledged
            await until(lambda: load.acknowledged >= before + 50)
        counts = await settled(live, 30.0)
    late = {got.id for got in await asyncio.to_thread(taken, rabbitmq, QUEUE)}
    others = await asyncio.to_thread(taken, rabbitmq, "vagus.trial.to.beds.0")
    assert len({got.id for got in others}) == counts["accepted"]
    # What an operator deletes with a queue is gone; what is accepted from then on is not.
    after = {got.id for got in others if got.id > deleted}
    assert len(after) >= 50 and after <= late
    assert it.ledger().clean


async def test_an_outage_is_survived_in_bounded_memory(tmp_path: Path, rabbitmq: Server) -> None:
    """Ten minutes at 200 messages a second in the soak, some seconds here."""
    seconds, rate = (600.0, 200.0) if SOAK else (8.0, 100.0)
    it = site(tmp_path, rabbitmq.url, {"desk": "*"}, more=QUICK)
    async with it.running() as live:
        await live.prepare()
        async with Load(it.ports["adt"], SENDERS / rate) as load:
            await until(lambda: load.acknowledged >= 50)
            await asyncio.to_thread(rabbitmq.kill)
            before, memory = load.acknowledged, peak_memory()
            await asyncio.sleep(seconds)
            taken_meanwhile = load.acknowledged - before
            assert taken_meanwhile > rate * seconds / 4, "intake is not held up"
            assert live.counts()["pending"] >= taken_meanwhile - WINDOW
            await asyncio.to_thread(rabbitmq.start)
        counts = await settled(live, 60.0 + seconds)
        assert counts["delivered"] == load.acknowledged
        assert peak_memory() - memory < 150 << 20
    judge(await asyncio.to_thread(taken, rabbitmq, QUEUE), counts["accepted"], it.folder, WINDOW)
    assert it.ledger().clean


def peak_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


CHANNEL = """\
channel: adt
source:
  mllp: {port: %(port)d}
steps:
  - transform: hl7v2_to_fhir
publish: canonical
"""


@pytest.mark.timeout(900)
async def test_the_engine_is_killed_again_and_again(tmp_path: Path, rabbitmq: Server) -> None:
    engine = Engine(tmp_path / "p", channel=CHANNEL)
    text = PROJECT % engine.http + BROKER % (rabbitmq.url, QUICK)
    (engine.folder / "vagus.yaml").write_text(text + SUBSCRIBER % ("desk", "*", "desk", 1))
    key = engine.folder / "desk.jwk"
    key.write_text(generate("desk-1"))
    key.chmod(0o600)
    chance = random.Random(20261125)
    kills = 40 if SOAK else 6
    senders = [Insistent(number, engine) for number in range(4)]
    await asyncio.to_thread(engine.start)
    tasks = [asyncio.create_task(sender.run()) for sender in senders]
    for _ in range(kills):
        await asyncio.sleep(chance.uniform(0.2, 0.9))
        engine.kill()
        await asyncio.to_thread(engine.start)
    await asyncio.sleep(0.5)
    for sender in senders:
        sender.stopping = True
    await asyncio.gather(*tasks)
    await asyncio.sleep(2.0)
    counts = await asyncio.to_thread(engine.stop)
    assert holds(counts) and counts["pending"] == counts["dead"] == 0
    assert counts["accepted"] >= sum(sender.acknowledged for sender in senders) > 50
    found = await asyncio.to_thread(taken, rabbitmq, QUEUE)
    judge(found, counts["accepted"], engine.folder, kills * WINDOW)
    ledger = engine.verb("ledger")
    assert ledger.returncode == 0, ledger.stdout + ledger.stderr


class Insistent:
    """An EHR with one message in flight, which it sends again after every break."""

    def __init__(self, number: int, engine: Engine) -> None:
        self._number = number
        self._engine = engine
        self.acknowledged = 0
        self.stopping = False

    async def run(self) -> None:
        while not self.stopping:
            try:
                sender = await Sender.to(self._engine.port)
                try:
                    await self._talk(sender)
                finally:
                    await sender.end()
            except (OSError, asyncio.IncompleteReadError, TimeoutError):
                await asyncio.sleep(0.05)

    async def _talk(self, sender: Sender) -> None:
        while not self.stopping:
            count = self.acknowledged
            control = f"{self._number}{count:06d}"
            sender.put(admission(control, f"P{self._number}-{count % PATIENTS}"))
            assert code_of(await sender.hears()) == "AA"
            self.acknowledged += 1

"""kill -9 under load: nothing acknowledged is lost, no lane goes back, the ledger closes."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from pathlib import Path

import pytest

from acceptance.engine import END, START, Engine, admission, code_of, control_of
from peers import Acceptor
from peers.acceptor import ack

KILLS = 30
SENDERS = 8
PATIENTS = 3  # of each sender, so that a lane has one sender and an order to keep


class Sender:
    """One connection of an EHR: one message in flight, resent after every break."""

    def __init__(self, number: int, engine: Engine) -> None:
        self._number = number
        self._engine = engine
        self.acked: list[str] = []
        self.sent = 0
        self.stopping = False

    async def run(self) -> None:
        while not self.stopping:
            try:
                await self._connection()
            except (OSError, asyncio.IncompleteReadError, TimeoutError):
                await asyncio.sleep(0.02)

    async def _connection(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._engine.port)
        try:
            while not self.stopping:
                patient = f"P{self._number}-{self.sent % PATIENTS}"
                control = f"{self._number:02d}{self.sent:06d}"
                writer.write(START + admission(control, patient) + END)
                reply = await asyncio.wait_for(reader.readuntil(END), 10)
                assert code_of(reply) == "AA"
                self.acked.append(control)
                self.sent += 1
        finally:
            writer.close()


@pytest.mark.timeout(600)
async def test_nothing_is_lost_and_no_lane_goes_back_over_thirty_kills(tmp_path: Path) -> None:
    seen: dict[str, list[str]] = defaultdict(list)

    class Peer(Acceptor):
        def answer(self, body: bytes) -> bytes:
            control = control_of(body)
            seen[control[:2] + str(int(control[2:]) % PATIENTS)].append(control)
            return ack(body)

    chance = random.Random(20261122)
    async with Peer() as peer:
        engine = Engine(tmp_path / "p", sink=peer.port)
        await asyncio.to_thread(engine.start)
        senders = [Sender(number, engine) for number in range(SENDERS)]
        tasks = [asyncio.create_task(sender.run()) for sender in senders]
        for _ in range(KILLS):
            await asyncio.sleep(chance.uniform(0.05, 0.5))
            engine.kill()
            await asyncio.to_thread(engine.start)
        await asyncio.sleep(0.5)
        for sender in senders:
            sender.stopping = True
        await asyncio.gather(*tasks)
        acked = {control for sender in senders for control in sender.acked}
        await _until(lambda: acked <= {item for each in seen.values() for item in each})
        counts = await asyncio.to_thread(engine.stop)
    for lane, controls in seen.items():
        assert controls == sorted(controls), f"lane {lane} went back"
    assert len(acked) > KILLS * 10
    assert counts["accepted"] == counts["delivered"] >= len(acked)
    assert counts["pending"] == counts["dead"] == 0
    ledger = engine.verb("ledger")
    assert ledger.returncode == 0, ledger.stdout + ledger.stderr


async def _until(condition, seconds: float = 30.0) -> None:
    for _ in range(int(seconds / 0.05)):
        if condition():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("acknowledged messages were not delivered")

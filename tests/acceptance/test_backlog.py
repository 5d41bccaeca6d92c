"""A hundred thousand messages are pending: the engine is ready at once, and works them off."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from pathlib import Path

import pytest

from acceptance.engine import Engine, admission, code_of
from peers import Acceptor
from vagus.journal.entries import Accept, Routed, Target
from vagus.journal.journal import Journal
from vagus.kernel import keys
from vagus.kernel.clock import SystemClock

PENDING = 100_000


async def _fill(folder: Path) -> None:
    keyset = keys.create(folder / "data" / "vagus.key")
    journal = await Journal.open(folder / "data", keyset, SystemClock())
    endpoint = journal.endpoint("adt")
    destination = journal.destination("adt.peer")
    for number in range(PENDING):
        control, patient = f"F{number:07d}", f"P{number % 5000}"
        body = admission(control, patient)
        lane = sha256(patient.encode()).digest()[:12]
        message = journal.ids.next()
        digest = sha256(body).digest()
        journal.put(Accept(message, endpoint, "ADT^A01", control, 1, lane, digest, body))
        if number % 2:
            journal.put(Routed(message, endpoint, b"", [Target(destination, 0, lane)]))
        if number % 1000 == 0:
            await journal.flush()
    await journal.close()


@pytest.mark.timeout(300)
async def test_it_listens_and_delivers_at_once(tmp_path: Path) -> None:
    async with Acceptor() as peer:
        engine = Engine(tmp_path / "p", sink=peer.port)
        await _fill(engine.folder)
        await asyncio.to_thread(engine.start)
        (reply,) = await engine.send(admission("NEW", "P1"))
        assert code_of(reply) == "AA"
        await asyncio.sleep(3.0)
        assert len(peer.bodies) > 100
        engine.kill()
    ledger = engine.verb("ledger")
    assert ledger.returncode == 0, ledger.stdout + ledger.stderr

"""The sample automations, run as their README says: Python asks, Node.js hears."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from pathlib import Path

from integration.automations_at_work import publish
from integration.subscribing import site
from peers.node import node
from peers.rabbitmq import Server

SAMPLES = Path(__file__).parents[2] / "samples"
BOOKING = next((SAMPLES / "riverside_clinic/messages").glob("021-*")).read_bytes()


async def test_python_asks_and_node_hears(tmp_path: Path, rabbitmq: Server) -> None:
    wanted = {"eligibility": "appointment.booked", "front_desk": "work.*"}
    it = site(tmp_path / "project", rabbitmq.url, wanted)
    folder = tmp_path / "automations"
    shutil.copytree(SAMPLES / "automations", folder)
    (folder / "keys").mkdir()
    for name in wanted:
        shutil.copy2(it.folder / f"{name}.jwk", folder / "keys")
    command = await asyncio.to_thread(node, folder)
    environment = {**os.environ, "RABBITMQ_URL": rabbitmq.url, "VAGUS_PROJECT": "trial"}
    await publish(it, BOOKING)
    pipe = asyncio.subprocess.PIPE
    hears = await asyncio.create_subprocess_exec(
        command, "front_desk.mjs", cwd=folder, env=environment, stdout=pipe
    )
    asks = await asyncio.create_subprocess_exec(
        sys.executable, "eligibility.py", cwd=folder, env=environment, stderr=pipe
    )
    try:
        assert hears.stdout is not None
        async with asyncio.timeout(30):
            assert await hears.stdout.readline() == b"listening\n"
            line = (await hears.stdout.readline()).decode()
    finally:
        hears.kill()
        asks.terminate()
        log = (await asyncio.gather(hears.wait(), asks.communicate()))[1][1]
    assert line.startswith("org.vagus.work.requested.v1 after 0")
    assert line.endswith(": No cover on file: call before the visit\n")
    assert asks.returncode == 0, "SIGTERM ends an automation in good order"
    assert b"FERN" not in log and b"RV100101" not in log

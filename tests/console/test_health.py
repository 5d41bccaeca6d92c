from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from broker.embedded import EmbeddedBroker
from channels.engine import Engine
from channels.poison import StartedMark
from vagus.console.health import Health
from vagus.journal.entries import Accept, Delivered, Died, Filtered, Routed, Target
from vagus.journal.journal import Journal
from vagus.kernel.clock import SystemClock
from vagus.kernel.errors import ConfigError
from vagus.kernel.keys import Keyset


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    clock = SystemClock()
    journal = await Journal.open(tmp_path / "data", Keyset.generate(), clock)
    soon = asyncio.get_running_loop().call_soon
    mark = StartedMark(tmp_path / "started")
    engine = Engine(journal, EmbeddedBroker(journal), clock, mark, soon)
    await engine.start()
    yield engine
    await engine.stop()
    await journal.close()


@pytest.fixture
async def health() -> AsyncIterator[Health]:
    health = Health("127.0.0.1", 0)
    await health.start()
    yield health
    await health.stop()


async def get(health: Health, path: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(health.url + path) as response:
        return response.status, (await response.text()).strip()


def samples(text: str) -> dict[tuple[str, tuple[str, ...]], float]:
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_readiness_follows_the_engine(engine, health):
    assert await get(health, "/health/ready") == (503, "starting")
    health.running(engine)
    assert await get(health, "/health/ready") == (200, "ok")
    health.draining()
    assert await get(health, "/health/ready") == (503, "draining")
    assert await get(health, "/health/live") == (200, "ok")


async def test_a_low_disk_and_a_stalled_journal_have_their_word(engine, health):
    health.running(engine)
    engine.pressure.min_free = 1 << 60
    engine.pressure._look_at_disk()
    assert await get(health, "/health/ready") == (503, "disk-low")
    engine.pressure.min_free = 0
    engine.pressure._look_at_disk()
    assert await get(health, "/health/ready") == (200, "ok")
    engine.journal._pump.stalled = True
    assert await get(health, "/health/ready") == (503, "journal-stalled")
    engine.journal._pump.stalled = False


async def test_unknown_paths_and_other_methods_get_nothing(health):
    assert (await get(health, "/"))[0] == 404
    async with (
        aiohttp.ClientSession() as session,
        session.post(health.url + "/metrics", data=b"x") as response,
    ):
        assert response.status == 405


async def test_messages_are_counted_by_outcome(engine, health):
    journal = engine.journal
    endpoint, destination = journal.endpoint("adt_in"), journal.destination("adt_in.archive")

    def accept() -> int:
        number = journal.ids.next()
        digest = number.to_bytes(32, "big")
        journal.put(Accept(number, endpoint, "ADT^A01", str(number), 1, None, digest, b"body"))
        return number

    first, second, third, _ = (accept() for _ in range(4))
    journal.put(Routed(first, endpoint, b"", [Target(destination, 0, b"lane")]))
    journal.put(Delivered(first, 0, destination, 1, b"digest"))
    journal.put(Filtered(second, endpoint, "reason"))
    journal.put(Died(third, endpoint, "map", "code"))
    await journal.flush()
    health.running(engine)
    found = samples((await get(health, "/metrics"))[1])
    outcomes = {
        labels[1]: value
        for (name, labels), value in found.items()
        if name == "vagus_messages_total" and labels[0] == "adt_in"
    }
    assert outcomes == {
        "accepted": 4, "delivered": 1, "filtered": 1, "dead": 1, "duplicate": 0,
    }  # fmt: skip
    assert found["vagus_messages_pending", ("adt_in",)] == 1
    assert found["vagus_deliveries", ("adt_in.archive", "delivered")] == 1
    assert found["vagus_broker_info", ("embedded",)] == 1
    assert found["vagus_journal_entries_total", ()] == 8
    assert 1 <= found["vagus_journal_commits_total", ()] <= 8
    assert found["vagus_journal_commit_seconds_total", ()] > 0
    assert found["process_resident_memory_bytes", ()] > 1 << 20


@pytest.mark.parametrize("host", ["0.0.0.0", "", "::", "192.0.2.1", "example.org"])
async def test_other_machines_are_kept_out_unless_said(host):
    with pytest.raises(ConfigError, match="expose: true"):
        Health(host, 0)
    Health(host, 0, expose=True)


async def test_a_taken_port_is_a_configuration_error(health):
    with pytest.raises(ConfigError, match=str(health.port)):
        await Health("127.0.0.1", health.port).start()

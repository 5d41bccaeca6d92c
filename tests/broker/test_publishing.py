"""Canonical events from a channel, over a real RabbitMQ, to whoever subscribes."""

from __future__ import annotations

from pathlib import Path

import pytest
from joserfc.errors import JoseError

from integration.site import Sender, hl7, settled
from integration.subscribing import opened, site, taken
from peers.rabbitmq import Server
from vagus.bench.measure import Shape, measure_publishing
from vagus.console.metrics import EngineCollector


async def test_a_subscriber_gets_its_events_and_opens_them(
    tmp_path: Path, rabbitmq: Server
) -> None:
    it = site(tmp_path, rabbitmq.url, {"desk": "patient.*", "beds": "encounter.*"})
    async with it.running() as live:
        sender = await Sender.to(it.ports["adt"])
        assert await sender.asks(hl7("C1"), hl7("C2", "P2", "ADT^A01")) == ["AA", "AA"]
        await sender.end()
        counts = await settled(live)
        assert (counts["accepted"], counts["delivered"]) == (2, 2)
        assert live.journal.counts()["destinations"]["adt.to.desk"]["delivered"] == 1
        shown = {
            (sample.name, *sample.labels.values()): sample.value
            for family in EngineCollector(live.engine).collect()
            for sample in family.samples
            if sample.name.startswith("vagus_broker")
        }
        assert shown["vagus_broker_info", "rabbitmq"] == 1
        assert shown["vagus_broker_state", "up"] == 1 and shown["vagus_broker_state", "down"] == 0
        assert shown["vagus_broker_events_total", "confirmed"] == 2
        assert shown[("vagus_broker_connects_total",)] == 1
    (update,) = taken(rabbitmq, "vagus.trial.to.desk.0")
    (admission,) = taken(rabbitmq, "vagus.trial.to.beds.0")
    assert update.type == "org.vagus.patient.updated.v1"
    assert admission.type == "org.vagus.encounter.admitted.v1"
    bundle = opened(update, tmp_path, "desk")
    assert bundle["entry"][0]["resource"]["resourceType"] == "MessageHeader"
    with pytest.raises(JoseError):
        opened(update, tmp_path, "beds")
    assert it.ledger().clean


def test_the_benchmark_measures_what_was_confirmed_beside_a_bare_loop(rabbitmq: Server) -> None:
    report = measure_publishing(Shape(4, 1.5, 2.0), rabbitmq.url)
    counts = report["counts"]
    assert counts["accepted"] == counts["delivered"] > 0
    assert report["accepted_per_s"] > 0 and report["delivered_per_s"] > 0
    assert report["roofline_per_s"] > report["delivered_per_s"]
    assert report["event_bytes"] > 5000 and report["settings"]["window"] == 256

"""Canonical events from a channel, over a real RabbitMQ, to whoever subscribes."""

from __future__ import annotations

from pathlib import Path

import pytest
from joserfc.errors import JoseError

from integration.site import Sender, hl7, settled
from integration.subscribing import opened, site, taken
from peers.rabbitmq import Server


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
    (update,) = taken(rabbitmq, "vagus.trial.to.desk.0")
    (admission,) = taken(rabbitmq, "vagus.trial.to.beds.0")
    assert update.type == "org.vagus.patient.updated.v1"
    assert admission.type == "org.vagus.encounter.admitted.v1"
    bundle = opened(update, tmp_path, "desk")
    assert bundle["entry"][0]["resource"]["resourceType"] == "MessageHeader"
    with pytest.raises(JoseError):
        opened(update, tmp_path, "beds")
    assert it.ledger().clean

"""Nothing that anybody can read at the broker without a subscriber's key is about a patient."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import pika

from integration.automations_at_work import automation, publish
from integration.subscribing import opened, site, taken
from peers import until
from peers.rabbitmq import Server
from vagus.automations import Event, Reject

CANARIES = ("CANARYMRN77", "CANARYFAMILY", "CANARYGIVEN", "19870605", "1987-06-05", "CANARYSTREET",
            "CANARYCTRL", "CANARYVISIT", "CANARYNOTE", "CANARYMERGED")  # fmt: skip
BODIES = [
    (
        f"MSH|^~\\&|EHR|RIVER|VAGUS|HUB|20261122101500||{kind}|CANARYCTRL{number}|P|2.5.1\r"
        "EVN||20261122101500\r"
        "PID|1||CANARYMRN77^^^RIVER^MR||CANARYFAMILY^CANARYGIVEN||19870605|F|||1 CANARYSTREET\r"
        f"{more}PV1|1|I|W^1^1||||||||||||||||CANARYVISIT\rNTE|1||CANARYNOTE\r"
    ).encode()
    for number, (kind, more) in enumerate(
        [
            ("ADT^A08^ADT_A01", ""),
            ("ADT^A01^ADT_A01", ""),
            ("ADT^A40^ADT_A39", "MRG|CANARYMERGED^^^RIVER^MR\r"),
        ]
    )
]
LISTS = {
    "list_queues": ("name", "arguments", "policy", "messages", "type"),
    "list_exchanges": ("name", "arguments", "policy"),
    "list_bindings": ("source_name", "destination_name", "routing_key", "arguments"),
    "list_consumers": (),
}


def shown(server: Server) -> str:
    """Everything that the broker tells about itself."""
    rows: dict[str, Any] = {what: server.listed(what, *columns) for what, columns in LISTS.items()}
    connections = server.ctl("list_connections", "name", "user", "client_properties")
    logs = [path.read_text(errors="replace") for path in (server.folder / "log").glob("*.log")]
    return json.dumps(rows) + connections + "".join(logs)


def messages(server: Server, queue: str) -> list[tuple[str, bytes]]:
    """The envelope of each message in a queue as text, and its body."""
    connection = pika.BlockingConnection(pika.URLParameters(server.url))
    channel = connection.channel()
    found = []
    for method, properties, body in channel.consume(queue, inactivity_timeout=0.3):
        if method is None:
            break
        channel.basic_ack(method.delivery_tag)
        found.append((f"{method} {properties} {properties.headers}", body))
    connection.close()
    return found


def assert_clean(text: str, what: str) -> None:
    low = text.lower()
    assert text, what
    for canary in CANARIES:
        forms = (canary, base64.b64encode(canary.encode()).decode().rstrip("="))
        assert not any(form.lower() in low for form in forms), f"{what} tells of a patient"


async def test_names_keys_headers_and_deaths_tell_nothing(tmp_path: Path, rabbitmq: Server) -> None:
    it = site(tmp_path, rabbitmq.url, {"desk": "*", "beds": "*"})
    await publish(it, *BODIES)
    await asyncio.to_thread(_reject_all, rabbitmq, "vagus.trial.to.beds.0")
    beds = automation(rabbitmq, tmp_path, "desk", attempts=2)

    @beds.on("patient.updated")
    def given_up(event: Event) -> None:
        raise Reject("not-wanted")

    @beds.on("patient.merged")
    def broken(event: Event) -> None:
        raise ValueError(event.content)

    await beds.start()
    await until(lambda: beds.measures.count("dead") == 2, 10)
    assert_clean(await asyncio.to_thread(shown, rabbitmq), "what the broker lists")
    state = b"".join(path.read_bytes() for path in (tmp_path / "state-desk").iterdir())
    assert_clean(state.decode("latin-1"), "the state of an automation")
    await beds.stop()
    dead = await asyncio.to_thread(messages, rabbitmq, "vagus.trial.dead.beds")
    assert len(dead) == len(BODIES) and all("x-death" in envelope for envelope, _ in dead)
    for envelope, body in dead:
        assert_clean(envelope, "an envelope")
        assert_clean(body.decode(), "a sealed body")


async def test_the_canaries_are_in_what_a_subscriber_opens(
    tmp_path: Path, rabbitmq: Server
) -> None:
    """Or else the test above would prove nothing."""
    it = site(tmp_path, rabbitmq.url, {"desk": "*"})
    await publish(it, *BODIES)
    found = await asyncio.to_thread(taken, rabbitmq, "vagus.trial.to.desk.0")
    text = "".join(json.dumps(opened(got, tmp_path, "desk")) for got in found)
    for canary in ("CANARYMRN77", "CANARYFAMILY", "1987-06-05", "CANARYSTREET", "CANARYMERGED"):
        assert canary in text
    merge = found[-1].headers
    assert len(merge["vagus-lanes"].split()) == 2


def _reject_all(server: Server, queue: str) -> None:
    connection = pika.BlockingConnection(pika.URLParameters(server.url))
    channel = connection.channel()
    for method, _, _ in channel.consume(queue, inactivity_timeout=0.3):
        if method is None:
            break
        channel.basic_reject(method.delivery_tag, requeue=False)
    connection.close()

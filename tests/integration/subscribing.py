"""A project with subscribers, and a plain reader of their queues that knows nothing of Vagus."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pika
from joserfc import jwe
from joserfc.jwk import OctKey

from integration.site import PROJECT, Site
from peers.rabbitmq import Server
from vagus.kernel.jwe import generate

CHANNEL = """\
source: {mllp: {port: PORT}}
steps:
  - transform: hl7v2_to_fhir
publish: canonical
unrouted: filter
"""
BROKER = """\
broker: {rabbitmq: {url: "%s", %s}}
subscribers:
"""
SUBSCRIBER = "  - {name: %s, on: '%s', key: %s.jwk, queues: %d}\n"


QUIET = 0.3  # seconds without an event: there are no more


@dataclass
class Got:
    """One event as any client sees it."""

    id: str
    type: str
    headers: dict[str, Any]
    key: str
    sealed: bytes
    redelivered: bool


def site(
    folder: Path, url: str, subscribers: dict[str, str], *, queues: int = 1, more: str = ""
) -> Site:
    """A project whose channel `adt` publishes to subscribers by their patterns."""
    made = Site(folder, adt=CHANNEL)
    text = PROJECT + BROKER % (url, more)
    for name, pattern in subscribers.items():
        text += SUBSCRIBER % (name, pattern, name, queues)
        path = made.write(f"{name}.jwk", generate(f"{name}-1"))
        path.chmod(0o600)
    made.write("vagus.yaml", text)
    return made


def taken(server: Server, queue: str) -> list[Got]:
    """Everything in a queue, taken out of it."""
    connection = pika.BlockingConnection(pika.URLParameters(server.url))
    channel = connection.channel()
    found = []
    for method, properties, body in channel.consume(queue, inactivity_timeout=QUIET):
        if method is None:
            break
        channel.basic_ack(method.delivery_tag)
        headers = dict(properties.headers)
        found.append(
            Got(
                properties.message_id,
                headers["cloudEvents:type"],
                headers,
                method.routing_key,
                body,
                method.redelivered,
            )
        )
    connection.close()
    return found


def opened(got: Got, folder: Path, name: str) -> dict[str, Any]:
    """The Bundle of an event, opened with a stock JOSE library."""
    key = OctKey.import_key(json.loads((folder / f"{name}.jwk").read_text()))
    plain = jwe.decrypt_compact(got.sealed, key).plaintext
    assert plain is not None
    bundle: dict[str, Any] = json.loads(plain)
    return bundle

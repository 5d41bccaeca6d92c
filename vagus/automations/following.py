"""Follow-up events: what an automation found out, published to other subscribers.

Each names the event it follows as its cause, is in the same lanes, and has an id that is derived
from the cause, so that a handler that runs again publishes the very same events again.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any
from uuid import UUID

from broker.rabbitmq.publisher import Publisher
from broker.seam import Event as Outgoing
from broker.seam import Refused
from vagus.automations.event import Event
from vagus.automations.settings import Settings
from vagus.canonical import bundle, cloudevents
from vagus.canonical.events import EVENTS, matches
from vagus.kernel import jwe
from vagus.kernel.clock import Clock
from vagus.kernel.errors import ConfigError, DeliveryDelayed

_DIGEST = 16  # hexadecimal characters
_EVENTS = "urn:vagus:event"


class Following:
    """Publishes what follows from events."""

    def __init__(self, settings: Settings, publisher: Publisher, clock: Clock) -> None:
        """Raises ConfigError for a key that cannot be used."""
        self._source = f"/{settings.project}/automations/{settings.name}"
        self._publisher = publisher
        self._clock = clock
        self._recipients = [
            (item.name, item.on, jwe.load(item.key)[0]) for item in settings.recipients
        ]

    async def publish(
        self, cause: Event, type: str, resources: Sequence[dict[str, Any]]
    ) -> list[str]:
        """Return the recipients once the broker has confirmed the event for each of them.

        The resources become a message Bundle; one without an id gets one. Raises ConfigError for a
        type that is no event, DeliveryDelayed when the broker refuses.
        """
        if type not in EVENTS:
            raise ConfigError(f"'{type}' is not an event of the catalogue")
        digest = _digest(cause.id, type, *map(bundle.dumps, resources))
        id = f"{cause.id.partition('-')[0]}-{digest.hex()[:_DIGEST]}"
        now = int(self._clock.now() * 1000)
        headers = cloudevents.headers(
            id=id, source=self._source, event=type, unix_ms=now, lanes=cause.lanes, cause=cause.id
        )
        content = bundle.dumps(self._bundle(type, resources, digest, cloudevents.instant(now)))
        content_type = cloudevents.content_type(id, type)
        lane = cause.lanes[0] if cause.lanes else digest
        reached = []
        for name, patterns, key in self._recipients:
            if any(matches(pattern, type) for pattern in patterns):
                sealed = key.seal(content, content_type)
                await self._confirmed(Outgoing(id, name, type, lane, headers, sealed))
                reached.append(name)
        return reached

    def _bundle(
        self, type: str, resources: Sequence[dict[str, Any]], digest: bytes, now: str
    ) -> dict[str, Any]:
        header = {
            "resourceType": "MessageHeader",
            "eventCoding": {"system": _EVENTS, "code": type},
            "source": {"endpoint": self._source},
        }
        identified = [
            {"id": str(UUID(bytes=_digest(digest.hex(), str(number))[:16])), **resource}
            for number, resource in enumerate([header, *resources])
        ]
        return bundle.message_bundle(identified, timestamp=now)

    async def _confirmed(self, event: Outgoing) -> None:
        try:
            await self._publisher.publish(event)
        except Refused as refusal:
            raise DeliveryDelayed(refusal.code) from None


def _digest(*parts: str | bytes) -> bytes:
    whole = sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        whole.update(len(data).to_bytes(8, "big") + data)
    return whole.digest()

"""Follow-up events: what an automation found out, published to other subscribers.

Each names the event it follows as its cause, is in the same lanes, and has an id that is derived
from the cause, so that a handler that runs again publishes the very same events again.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

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

    async def publish(self, cause: Event, type: str, resource: dict[str, Any]) -> list[str]:
        """Return the recipients once the broker has confirmed the event for each of them.

        Raises ConfigError for a type that is no event, DeliveryDelayed when the broker refuses.
        """
        if type not in EVENTS:
            raise ConfigError(f"'{type}' is not an event of the catalogue")
        content = bundle.dumps(resource)
        digest = sha256(b"\0".join((cause.id.encode(), type.encode(), content))).hexdigest()
        id = f"{cause.id}-{digest[:_DIGEST]}"
        headers = cloudevents.headers(
            id=id,
            source=self._source,
            event=type,
            unix_ms=int(self._clock.now() * 1000),
            lanes=cause.lanes,
            cause=cause.id,
        )
        lane = cause.lanes[0] if cause.lanes else sha256(id.encode()).digest()
        content_type = cloudevents.content_type(id, type)
        reached = []
        for name, patterns, key in self._recipients:
            if any(matches(pattern, type) for pattern in patterns):
                sealed = key.seal(content, content_type)
                try:
                    await self._publisher.publish(Outgoing(id, name, type, lane, headers, sealed))
                except Refused as refusal:
                    raise DeliveryDelayed(refusal.code) from None
                reached.append(name)
        return reached

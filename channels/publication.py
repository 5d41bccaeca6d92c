"""A destination that is a subscriber of canonical events: the broker carries them there.

The journal is the outbox. A delivery to a subscriber is a row like any other; it counts as
delivered once the broker has confirmed it, and a lane has at most one event unconfirmed.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

from broker.seam import Carrier, Event, Refused
from connectors.seam import Outbound, Receipt
from vagus.canonical import cloudevents
from vagus.kernel import ids
from vagus.kernel.errors import DeliveryDelayed

CONFIRMED = "confirmed"
_ID = 13  # characters of a message id; what follows is the part
Seal = Callable[[bytes, str], bytes]


class Publication:
    """Seals what a channel makes for one subscriber, and has it carried there."""

    def __init__(self, carrier: Carrier, subscriber: str, source: str, seal: Seal) -> None:
        self.concurrency = carrier.window
        self._carrier = carrier
        self._subscriber = subscriber
        self._source = source
        self._seal = seal

    async def open(self) -> None:
        """Nothing to prepare: the broker's connection is not ours."""

    async def send(self, message: Outbound) -> Receipt:
        """Return once the event is durable at the broker; raises DeliveryDelayed."""
        try:
            await self._carrier.publish(self._event(message))
        except Refused as refusal:
            raise DeliveryDelayed(refusal.code) from None
        return Receipt(CONFIRMED)

    def _event(self, message: Outbound) -> Event:
        key, lanes = message.key, message.lanes
        headers = cloudevents.headers(
            id=key,
            source=self._source,
            event=message.type,
            unix_ms=ids.millis(ids.from_text(key[:_ID])),
            lanes=lanes,
        )
        return Event(
            id=key,
            subscriber=self._subscriber,
            type=message.type,
            lane=lanes[0] if lanes else sha256(key.encode()).digest(),
            headers=headers,
            sealed=self._seal(message.body, cloudevents.content_type(key, message.type)),
        )

    async def close(self) -> None:
        """Nothing to let go of."""

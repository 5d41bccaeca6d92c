"""One channel at run time: its intake, its steps, its destinations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from channels.config import ChannelConfig
from channels.courier import Courier
from channels.intake import Intake
from channels.measure import ChannelMeasures
from channels.pipeline import Outcome, Pipeline
from channels.work import Work
from connectors.seam import Outbound, Source
from vagus.journal.connect import JournalAway
from vagus.kernel import ids
from vagus.kernel.envelope import Delivery, Envelope
from vagus.kernel.errors import EngineFault, MessageError

Render = Callable[[Work], bytes]


@dataclass(slots=True)
class Channel:
    """The moving parts of one channel, put together by the assembly."""

    config: ChannelConfig
    endpoint: int
    intake: Intake
    pipeline: Pipeline
    lanes: Callable[[Any], tuple[bytes, ...]]  # of a decoded message
    measures: ChannelMeasures
    couriers: Mapping[int, Courier]
    renders: Mapping[int, Render]
    stored: Callable[[int], tuple[bytes, str | None]]  # a body and its override, by message id
    unordered: frozenset[int] = frozenset()  # destinations without order
    canonical: frozenset[int] = frozenset()  # destinations that are given the canonical result
    sources: Sequence[Source] = field(default_factory=list)
    paused: bool = False

    @property
    def name(self) -> str:
        """Its name in the project."""
        return self.config.channel

    def deliveries(self, envelope: Envelope, outcome: Outcome) -> list[Delivery]:
        """One delivery for each part and destination that wants it."""
        owed: list[Delivery] = []
        for work, targets in outcome.routed:
            lanes = self._lanes(work)
            if not self.canonical.intersection(targets):
                work.bundle = None  # large, and nobody will look at it again
            owed += [
                Delivery(
                    message=envelope.id,
                    part=work.part,
                    destination=destination,
                    lanes=() if destination in self.unordered else lanes,
                    type=work.event,
                    content=work,
                    arrived=envelope.arrived,
                )
                for destination in targets
            ]
        return owed

    def make(self, delivery: Delivery) -> Outbound:
        """What is sent for a delivery; made again from the journal when it left memory."""
        work: Work = delivery.content or self._remade(delivery)
        key = ids.to_text(delivery.message)
        return Outbound(
            key=f"{key}.{delivery.part}" if delivery.part else key,
            body=self.renders[delivery.destination](work),
            type=work.event,
            lanes=delivery.lanes,
        )

    def revived(self, message: int, part: int, destination: int) -> Delivery:
        """A delivery made anew from the journal; raises MessageError when it cannot be."""
        delivery = Delivery(message=message, part=part, destination=destination, lanes=())
        work = self._remade(delivery)
        delivery.type, delivery.content, delivery.redriven = work.event, work, True
        if destination not in self.unordered:
            delivery.lanes = self._lanes(work)
        return delivery

    def _lanes(self, work: Work) -> tuple[bytes, ...]:
        if work.envelope.lanes and not work.divided:
            return work.envelope.lanes
        return self.lanes(work.message)

    def _remade(self, delivery: Delivery) -> Work:
        number = delivery.message
        try:
            body, override = self.stored(number)
        except JournalAway:
            raise
        except (EngineFault, KeyError):
            raise MessageError("corrupt") from None
        outcome = self.pipeline.run(Envelope(number, self.endpoint, body, override=override))
        if outcome.error is not None:
            raise outcome.error
        for work, _ in outcome.routed:
            if work.part == delivery.part:
                return work
        raise MessageError("no-longer-routed")

    def hold_back(self, *, paused: bool) -> None:
        """Have its sources read nothing new, or read again; what is accepted goes on."""
        for source in self.sources:
            if paused:
                source.pause()
            else:
                source.resume()

"""What Prometheus scrapes: the engine's plain counters, read when they are asked for.

Labels come from closed sets only: names of the configuration, states, outcomes and the words of
journal and broker. No value of a message can become one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import accumulate

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from broker.seam import Carrier, CarrierState
from channels.channel import Channel
from channels.courier import Courier
from channels.engine import Engine
from channels.measure import BOUNDS, Times
from vagus.journal.tally import DELIVERY_WORDS, MESSAGE_WORDS

_OUTCOMES = {word: word for word in MESSAGE_WORDS if word != "pending"} | {
    "duplicates": "duplicate"
}
_LABELS = (*(str(bound) for bound in BOUNDS), "+Inf")


class EngineCollector(Collector):
    """Reads one engine; its samples are as old as the scrape."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def describe(self) -> Iterable[Metric]:
        """Nothing ahead of time: what exists depends on the project."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Every family, once."""
        channels = list(self._engine.channels.values())
        couriers = self._engine.couriers
        yield from _ledger(self._engine)
        yield from _channels(channels, self._engine.clock.now())
        yield from _listeners(channels)
        yield from _destinations(couriers)
        yield from _engine(self._engine)


def _ledger(engine: Engine) -> Iterator[Metric]:
    counts = engine.journal.counts()
    messages = CounterMetricFamily(
        "vagus_messages", "Messages by what became of them.", labels=("channel", "outcome")
    )
    pending = GaugeMetricFamily(
        "vagus_messages_pending", "Messages not yet done with.", labels=("channel",)
    )
    for name, row in counts["endpoints"].items():
        for word, outcome in _OUTCOMES.items():
            messages.add_metric((name, outcome), row[word])
        pending.add_metric((name,), row["pending"])
    deliveries = GaugeMetricFamily(
        "vagus_deliveries", "Deliveries by state.", labels=("destination", "state")
    )
    for name, row in counts["destinations"].items():
        for word in DELIVERY_WORDS:
            deliveries.add_metric((name, word), row[word])
    yield from (messages, pending, deliveries)


def _channels(channels: Iterable[Channel], now: float) -> Iterator[Metric]:
    age = GaugeMetricFamily(
        "vagus_last_message_age_seconds", "Since a message last arrived.", labels=("channel",)
    )
    paused = GaugeMetricFamily(
        "vagus_channel_paused", "Whether an operator paused it.", labels=("channel",)
    )
    noticed = CounterMetricFamily(
        "vagus_notices", "What should be looked at.", labels=("channel", "code")
    )
    ack = _histogram("vagus_ack_seconds", "From arrival to the reply.", "channel")
    mapping = _histogram("vagus_mapping_seconds", "Mapping one message.", "channel")
    validation = _histogram("vagus_validation_seconds", "Validating one result.", "channel")
    for channel in channels:
        seen = channel.measures
        if seen.last_message:
            age.add_metric((channel.name,), max(0.0, now - seen.last_message))
        paused.add_metric((channel.name,), float(channel.paused))
        noticed.add_metric((channel.name, "refused"), seen.refused)
        noticed.add_metric((channel.name, "mapping-warning"), seen.warnings)
        noticed.add_metric((channel.name, "check-finding"), seen.findings)
        noticed.add_metric((channel.name, "control-id-reused"), seen.reused_controls)
        _observed(ack, channel.name, seen.ack)
        _observed(mapping, channel.name, seen.mapping)
        _observed(validation, channel.name, seen.validation)
    yield from (age, paused, noticed, ack, mapping, validation)


def _listeners(channels: Iterable[Channel]) -> Iterator[Metric]:
    open_now = GaugeMetricFamily(
        "vagus_listener_connections", "Connections open now.", labels=("channel",)
    )
    for channel in channels:
        counts = [getattr(source, "connections", None) for source in channel.sources]
        known = [count for count in counts if isinstance(count, int)]
        if known:
            open_now.add_metric((channel.name,), sum(known))
    yield open_now


def _destinations(couriers: Iterable[Courier]) -> Iterator[Metric]:
    label = ("destination",)
    queue = GaugeMetricFamily("vagus_queue_depth", "Deliveries held in memory.", labels=label)
    parked = GaugeMetricFamily("vagus_lanes_parked", "Lanes waiting for a retry.", labels=label)
    flying = GaugeMetricFamily("vagus_deliveries_in_flight", "Sends under way.", labels=label)
    down = GaugeMetricFamily("vagus_destination_down", "Whether it does not answer.", labels=label)
    tries = CounterMetricFamily("vagus_retries", "Deliveries tried again.", labels=label)
    sends = CounterMetricFamily(
        "vagus_sends", "Attempts by outcome since the start.", labels=("destination", "outcome")
    )
    whole = _histogram("vagus_end_to_end_seconds", "From arrival to the receipt.", "destination")
    send = _histogram("vagus_send_seconds", "One attempt, to the receipt.", "destination")
    for courier in couriers:
        dispatch, seen, name = courier.dispatch, courier.measures, courier.name
        queue.add_metric((name,), dispatch.waiting)
        parked.add_metric((name,), dispatch.parked)
        flying.add_metric((name,), dispatch.in_flight)
        down.add_metric((name,), float(dispatch.health.down))
        tries.add_metric((name,), dispatch.retries)
        for outcome in ("delivered", "delayed", "rejected"):
            sends.add_metric((name, outcome), getattr(seen, outcome))
        _observed(whole, name, seen.end_to_end)
        _observed(send, name, seen.send)
    yield from (queue, parked, flying, down, tries, sends, whole, send)


def _engine(engine: Engine) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "vagus_backlog", "Accepted messages that no step has seen yet.", value=engine.backlog
    )
    yield GaugeMetricFamily(
        "vagus_journal_backlog",
        "Entries not yet begun to be written.",
        value=engine.journal.backlog,
    )
    commits, entries, seconds = engine.journal.commits
    yield CounterMetricFamily("vagus_journal_commits", "Commits since the start.", value=commits)
    yield CounterMetricFamily("vagus_journal_entries", "Entries in them.", value=entries)
    yield CounterMetricFamily(
        "vagus_journal_commit_seconds", "Seconds they took in all.", value=seconds
    )
    yield GaugeMetricFamily(
        "vagus_sources_paused", "Whether back-pressure holds.", value=float(engine.pressure.paused)
    )
    broker = GaugeMetricFamily("vagus_broker_info", "The broker in use.", labels=("kind",))
    broker.add_metric(((engine.carrier or engine.broker).kind,), 1.0)
    yield broker
    if engine.carrier is not None:
        yield from _carrier(engine.carrier)


def _carrier(carrier: Carrier) -> Iterator[Metric]:
    state = GaugeMetricFamily(
        "vagus_broker_state", "1 for how it is: up, blocked or down.", labels=("state",)
    )
    for each in CarrierState:
        state.add_metric((each,), float(carrier.state is each))
    events = CounterMetricFamily(
        "vagus_broker_events", "Events by what the broker did with them.", labels=("outcome",)
    )
    for outcome in ("confirmed", "resent", "returned", "refused"):
        events.add_metric((outcome,), getattr(carrier.measures, outcome))
    yield from (state, events)
    yield GaugeMetricFamily(
        "vagus_broker_unconfirmed", "Events sent and not confirmed.", value=carrier.unconfirmed
    )
    yield CounterMetricFamily(
        "vagus_broker_connects", "Connections made.", value=carrier.measures.connects
    )


def _histogram(name: str, text: str, label: str) -> HistogramMetricFamily:
    return HistogramMetricFamily(name, text, labels=(label,))


def _observed(family: HistogramMetricFamily, name: str, times: Times) -> None:
    counts = accumulate(times.buckets)
    buckets = [(bound, float(count)) for bound, count in zip(_LABELS, counts, strict=True)]
    family.add_metric((name,), buckets, times.total)

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from channels.measure import BOUNDS, Times
from vagus.console.metrics import _histogram, _observed


class One(Collector):
    def __init__(self, family: Metric) -> None:
        self._family = family

    def collect(self) -> Iterable[Metric]:
        return [self._family]


def test_a_histogram_is_cumulative_and_keeps_its_sum():
    times = Times()
    for seconds in (0.0005, 0.003, 0.003, 0.2, 1000.0):
        times.add(seconds)
    family = _histogram("vagus_ack_seconds", "text", "channel")
    _observed(family, "adt_in", times)
    registry = CollectorRegistry()
    registry.register(One(family))
    text = generate_latest(registry).decode()
    (read,) = text_string_to_metric_families(text)
    buckets = {item.labels["le"]: item.value for item in read.samples if "le" in item.labels}
    assert len(buckets) == len(BOUNDS) + 1
    assert (buckets["0.001"], buckets["0.005"], buckets["0.25"]) == (1, 3, 4)
    assert (buckets["600.0"], buckets["+Inf"]) == (4, 5)
    values = {item.name: item.value for item in read.samples if "le" not in item.labels}
    assert values["vagus_ack_seconds_count"] == 5
    assert abs(values["vagus_ack_seconds_sum"] - 1000.2065) < 1e-6

"""Prometheus metrics of an automation; labels are event types and closed words."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class AutomationMeasures:
    """What one automation has done since its start."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._ended = Counter(
            "vagus_automation_events",
            "Events by outcome: done, duplicate, dead, ignored.",
            ("event_type", "outcome"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "vagus_automation_handler_seconds", "One run of a handler.", registry=self.registry
        )
        self.connected = Gauge(
            "vagus_automation_connected", "Whether events can come.", registry=self.registry
        )
        self.parked = Gauge(
            "vagus_automation_lanes_parked", "Lanes waiting for a retry.", registry=self.registry
        )
        self.retries = Gauge(
            "vagus_automation_retries", "Tries after the first.", registry=self.registry
        )

    def ended(self, type: str, outcome: str) -> None:
        """Count an event."""
        self._ended.labels(type, outcome).inc()

    def count(self, outcome: str) -> int:
        """How many events had that outcome."""
        samples = (item for metric in self._ended.collect() for item in metric.samples)
        return int(
            sum(
                item.value
                for item in samples
                if item.name.endswith("_total") and item.labels["outcome"] == outcome
            )
        )

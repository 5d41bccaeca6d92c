"""The page of events is what the tables say, and its schema is that of real headers."""

from __future__ import annotations

from pathlib import Path

import jsonschema_rs

from vagus.canonical import cloudevents
from vagus.canonical.events import EVENTS
from vagus.canonical.reference import envelope_schema, page

PAGE = Path(__file__).parents[2] / "docs/events.md"


def test_the_page_is_generated() -> None:
    again = "run: python -m vagus.canonical.reference > docs/events.md"
    assert PAGE.read_text("utf-8") == page(), again
    assert all(f"`{event}`" in page() for event in EVENTS)


def test_the_headers_of_an_event_fit_the_schema() -> None:
    valid = jsonschema_rs.validator_for(envelope_schema(), validate_formats=True)
    lanes = [bytes(range(12)), bytes(12)]
    for number, cause in ((0, ""), (1, ""), (2, "06QK3X5ZB8G00.1")):
        headers = cloudevents.headers(
            id="06QK3X5ZB8G00", source="/clinic/adt_in", event="patient.merged",
            unix_ms=1_795_000_000_123, lanes=lanes[:number], cause=cause,
        )  # fmt: skip
        assert list(valid.iter_errors(headers)) == []
        assert headers["cloudEvents:time"] == "2026-11-18T11:06:40.123Z"
    assert not valid.is_valid({**headers, "cloudEvents:subject": "somebody"})
    assert not valid.is_valid({**headers, "cloudEvents:type": "org.vagus.patient.eaten.v1"})

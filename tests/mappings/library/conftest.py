from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mappings.catalogue import Catalogue, load
from mappings.context import Context
from vagus.canonical.identity import Identity
from vagus.canonical.systems import Systems
from vagus.kernel.diagnostics import Diagnostics


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    """The library."""
    diagnostics = Diagnostics()
    found = load([], diagnostics)
    diagnostics.raise_errors()
    return found


@pytest.fixture(scope="session")
def delivery() -> Callable[..., Context]:
    """A delivery that is the same every time, but for what a test changes."""

    def build(key: bytes = b"k" * 32, source: str = "lake", **changes: Any) -> Context:
        facts: dict[str, Any] = {
            "message_id": "m",
            "endpoint": "adt",
            "facility": "",
            "received_at": "2026-03-02T09:00:00Z",
            "raw_url": "urn:x-vagus:raw:7",
            "now": "2026-03-02T09:00:00Z",
            "zone": "UTC",
            **changes,
        }
        return Context(source=source, identity=Identity(key), systems=Systems(source), **facts)

    return build

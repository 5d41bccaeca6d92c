"""Microbenchmarks of vagus.canonical: `python tests/benchmarks/bench_canonical.py`.

Prints one JSON line a measure: microseconds a call, best of nine rounds.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson

from vagus.canonical import bundle, events, schema, shapes
from vagus.canonical.identity import Identity
from vagus.canonical.systems import Systems
from vagus.canonical.validation import Validator

ROUNDS = 9


def best(call: Callable[[], object], number: int) -> float:
    """Microseconds of one call in the best round."""
    fastest = float("inf")
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for _ in range(number):
            call()
        fastest = min(fastest, time.perf_counter() - start)
    return fastest / number * 1e6


def once(call: Callable[[], object]) -> tuple[Any, float]:
    """What a call gives, and its milliseconds."""
    start = time.perf_counter()
    result = call()
    return result, (time.perf_counter() - start) * 1e3


def say(measure: str, value: float, unit: str = "us") -> None:
    sys.stdout.write(json.dumps({"measure": measure, unit: round(value, 2)}) + "\n")


def admission() -> dict[str, Any]:
    """The ten-resource admission of the tests."""
    path = Path(__file__).parents[1] / "canonical/conftest.py"
    spec = importlib.util.spec_from_file_location("canonical_conftest", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made: dict[str, Any] = module.admission_bundle()
    return made


def main() -> None:
    """Run everything."""
    _, took = once(lambda: shapes.type("Patient"))
    say("shapes: first type", took, "ms")
    _, took = once(schema.build)
    say("schema: build", took, "ms")
    validator, took = once(Validator)
    say("validator: build and compile", took, "ms")
    message = admission()
    say("valid: 10 resources", best(lambda: validator.valid(message), 300))
    claim = _with_decimals(message)
    say("valid: 10 resources, Decimals", best(lambda: validator.valid(claim), 300))
    broken = admission()
    del broken["entry"][3]["resource"]["status"]
    validator.issues(broken)
    say("issues: one fault in 10 resources", best(lambda: validator.issues(broken), 30))
    data = bundle.dumps(claim)
    say("bundle: bytes", len(data), "bytes")
    say("dumps, Decimals", best(lambda: bundle.dumps(claim), 300))
    say("loads, strict and exact", best(lambda: bundle.loads(data), 100))
    say("orjson.loads, for comparison", best(lambda: orjson.loads(data), 300))
    parts = [entry["resource"] for entry in message["entry"]]
    stamp = "2026-03-04T05:06:07Z"
    say("message_bundle", best(lambda: bundle.message_bundle(parts, timestamp=stamp), 300))
    identity = Identity(bytes(32))
    say("resource_id", best(lambda: identity.resource_id("Patient", ["urn:oid:1", "123"]), 3000))
    say("token", best(lambda: identity.token("lane", "urn:oid:1|123"), 3000))
    systems = Systems("mercy")
    say("systems.uri, unknown", best(lambda: systems.uri("WARD 7", "", ""), 3000))
    say("event_of", best(lambda: events.event_of("hl7v2", "ADT^A01"), 3000))


def _with_decimals(message: dict[str, Any]) -> dict[str, Any]:
    copied = bundle.loads(bundle.dumps(message))
    copay = {"type": {"text": "copay"}, "valueMoney": {"value": Decimal("20.00")}}
    copied["entry"][4]["resource"]["costToBeneficiary"] = [copay] * 4
    return copied


if __name__ == "__main__":
    main()

"""What writing one canonical Bundle as HL7 v2 costs, for every event of the ADT and SIU families.

`python tests/benchmarks/bench_encode.py [EVENT…]` prints microseconds of processor time for one
message: applying the mapping, and with escaping and joining. The machine's own speed stands beside
it, because other work on the same cores moves every figure.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from bench_mapping import context, per_call
from feed import Feed, events

from mappings.catalogue import load
from mappings.mapping import Mapping
from vagus.formats.format import Terms
from vagus.formats.hl7v2 import HL7V2
from vagus.kernel.diagnostics import Diagnostics

WARM, ROUNDS, BATCH = 60, 9, 40


@dataclass
class Event:
    """One message type, the mappings there and back, and what was measured of the way back."""

    kind: str
    inward: Mapping
    outward: Mapping
    applied: list[float] = field(default_factory=list)
    written: list[float] = field(default_factory=list)


def bundles(feed: Feed, event: Event, size: int) -> list[dict[str, Any]]:
    """Canonical Bundles that have not been there before."""
    code, _, trigger = event.kind.partition("^")
    bodies = (feed.message(code, trigger) for _ in range(size))
    given = context()
    return [event.inward.apply(HL7V2().decode(body, Terms()), given).bundle for body in bodies]


def measure(feed: Feed, event: Event) -> None:
    """One round."""
    given = replace(context(), type=event.kind)
    apply = partial(event.outward.apply, context=given)
    event.applied.append(per_call(apply, bundles(feed, event, BATCH)))
    compose = HL7V2().compose
    event.written.append(
        per_call(lambda item: compose(apply(item).segments), bundles(feed, event, BATCH))
    )


def main(wanted: Sequence[str]) -> None:
    """Measure the events wanted, or all of them, round by round in turn."""
    catalogue, feed, chosen = load([], Diagnostics()), Feed(), []
    for code, trigger in events():
        kind = f"{code}^{trigger}"
        structure = HL7V2().decode(feed.message(code, trigger), Terms()).structure
        inward = catalogue.select("hl7v2", structure=structure, type=kind)
        outward = catalogue.select("fhir", type=kind, to="hl7v2")
        if inward is not None and outward is not None and (not wanted or trigger in wanted):
            chosen.append(Event(kind, inward, outward))
    for event in chosen:
        given = replace(context(), type=event.kind)
        for item in bundles(feed, event, WARM):
            event.outward.apply(item, given)
    speeds = []
    for _ in range(ROUNDS):
        speeds.append(per_call(lambda text: [text.split("^") for _ in range(100)], ["a^b^c"] * 100))
        for event in chosen:
            measure(feed, event)
    write = sys.stdout.write
    write("event    mapping     apply µs  with bytes µs  (median of rounds)\n")
    for event in chosen:
        applied, written = map(statistics.median, (event.applied, event.written))
        write(f"{event.kind}  {event.outward.name:12} {applied:7.1f}  {written:13.1f}\n")
    medians = [statistics.median(event.written) for event in chosen]
    write(
        f"median over events {statistics.median(medians):.1f} µs, worst {max(medians):.1f} µs;"
        f" 100 splits {min(speeds):.1f} to {max(speeds):.1f} µs\n"
    )


if __name__ == "__main__":
    main(sys.argv[1:])

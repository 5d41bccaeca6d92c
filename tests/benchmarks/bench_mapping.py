"""What mapping one message costs, for every event of the ADT and SIU families.

`python tests/benchmarks/bench_mapping.py [EVENT…]` prints processor microseconds of one
`Mapping.apply`: decoding, validation and writing JSON are left out. Every message is another
patient's and none comes twice (feed.py). The machine's own speed stands beside it (100 splits of
a short text, in the same rounds), because other work on the same cores moves every figure; lines
of generated code executed do not move.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import FrameType
from typing import Any

from feed import Feed, events

from mappings.catalogue import load
from mappings.context import Context
from mappings.mapping import Mapping
from vagus.canonical.identity import Identity
from vagus.canonical.systems import Systems
from vagus.formats.format import Terms
from vagus.formats.hl7v2.reader import decode
from vagus.kernel.diagnostics import Diagnostics

WARM, ROUNDS, BATCH = 150, 9, 40


@dataclass
class Event:
    """One message type with its mapping, and what was measured of it."""

    code: str
    trigger: str
    mapping: Mapping
    times: list[float] = field(default_factory=list)
    first: float = 0.0
    resources: float = 0.0
    lines: int = 0


def context() -> Context:
    """A delivery context with registries of no entries."""
    now = "2026-01-02T03:04:05Z"
    identity, systems = Identity(b"k" * 32), Systems("bench")
    return Context("1", "bench", "bench", "", now, "urn:x", now, "UTC", identity, systems)


def per_call(work: Callable[[Any], object], batch: Sequence[Any]) -> float:
    """The processor time of one call, in microseconds of this process."""
    begun = time.process_time_ns()
    for item in batch:
        work(item)
    return (time.process_time_ns() - begun) / len(batch) / 1e3


def executed(work: Callable[[], object]) -> int:
    """How many lines of generated code a call executes."""
    count = 0

    def line(_frame: FrameType, event: str, _arg: object) -> Any:
        nonlocal count
        count += event == "line"
        return line

    def call(frame: FrameType, _event: str, _arg: object) -> Any:
        return line if frame.f_code.co_filename.startswith("<mapping") else None

    sys.settrace(call)
    work()
    sys.settrace(None)
    return count


def batch(feed: Feed, event: Event, size: int) -> list[Any]:
    """Messages that have not been there before."""
    return [decode(feed.message(event.code, event.trigger), Terms()) for _ in range(size)]


def measured(feed: Feed, chosen: Sequence[Event], given: Context) -> list[float]:
    """Measure all events in turn, round by round; gives the times of the machine's own speed."""
    for event in chosen:
        messages = batch(feed, event, WARM)
        begun = time.process_time()
        event.mapping.apply(messages[0], given)
        event.first = time.process_time() - begun
        for message in messages:
            event.mapping.apply(message, given)
    speeds = []
    for _ in range(ROUNDS):
        speeds.append(per_call(lambda text: [text.split("^") for _ in range(100)], ["a^b^c"] * 100))
        for event in chosen:
            apply = partial(event.mapping.apply, context=given)
            event.times.append(per_call(apply, batch(feed, event, BATCH)))
    for event in chosen:
        apply = partial(event.mapping.apply, context=given)
        messages = batch(feed, event, 10)
        event.resources = statistics.mean(len(apply(item).bundle["entry"]) for item in messages)
        event.lines = executed(partial(list, map(apply, messages))) // len(messages)
    return speeds


def main(wanted: Sequence[str]) -> None:
    """Measure the events wanted, or all of them."""
    write = sys.stdout.write
    begun = time.process_time()
    catalogue = load([], Diagnostics())
    write(f"load the library {(time.process_time() - begun) * 1e3:.0f} ms\n")
    chosen = []
    for code, trigger in events():
        mapping = catalogue.select(
            "hl7v2",
            structure=decode(Feed().message(code, trigger), Terms()).structure,
            type=f"{code}^{trigger}",
        )
        if mapping is not None and (not wanted or trigger in wanted):
            chosen.append(Event(code, trigger, mapping))
    speeds = measured(Feed(), chosen, context())
    write("event    mapping  resources  lines  first ms  best µs  median µs\n")
    for event in chosen:
        write(
            f"{event.code} {event.trigger}  {event.mapping.name}  {event.resources:9.1f}"
            f"  {event.lines:5}  {event.first * 1e3:8.0f}  {min(event.times):7.1f}"
            f"  {statistics.median(event.times):9.1f}\n"
        )
    medians = [statistics.median(event.times) for event in chosen]
    write(
        f"median over events {statistics.median(medians):.1f} µs, worst {max(medians):.1f} µs;"
        f" 100 splits {min(speeds):.1f} to {max(speeds):.1f} µs\n"
    )


if __name__ == "__main__":
    main(sys.argv[1:])

"""How long the library takes per message and structure, in microseconds of processor time.

The messages are those of the golden tests. `python tests/benchmarks/bench_library.py [ROUNDS]`
prints the best and the median of the rounds for `Mapping.apply` alone: decoding, validation and
writing JSON are left out.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

from mappings.catalogue import load
from mappings.context import Context
from vagus.canonical.identity import Identity
from vagus.canonical.systems import Systems
from vagus.formats.format import Terms
from vagus.formats.hl7v2 import HL7V2
from vagus.kernel import strictyaml
from vagus.kernel.diagnostics import Diagnostics

GOLDEN = Path(__file__).parents[1] / "mappings/library"
LOOPS = 50


def texts(file: str) -> list[tuple[str, bytes]]:
    """The name and the message of every case of a golden test file."""
    document = strictyaml.plain(strictyaml.load_file(GOLDEN / file, Diagnostics())[0])
    assert isinstance(document, dict)
    cases = document["cases"]
    assert isinstance(cases, list)
    found = []
    for case in cases:
        assert isinstance(case, dict)
        body = str(case["given"]).replace("\n", "\r").encode()
        found.append((str(case["name"]), body))
    return found


def main(rounds: int) -> None:
    """Print one line per structure: its richest message, and all its messages together."""
    diagnostics = Diagnostics()
    catalogue = load([], diagnostics)
    diagnostics.raise_errors()
    facts = Context(
        message_id="m", endpoint="bench", source="bench", facility="", zone="UTC", raw_url="",
        received_at="2026-03-02T09:00:00Z", now="2026-03-02T09:00:00Z",
        identity=Identity(b"k" * 32), systems=Systems("bench"),
    )  # fmt: skip
    formats = HL7V2()
    write = sys.stdout.write
    write("structure   bytes  segments  resources   best µs   median µs\n")
    for path in sorted(GOLDEN.glob("[AS]*.test.yaml")):
        mapping = catalogue.mapping(path.name.split(".")[0])
        body = max((text for _, text in texts(path.name)), key=len)
        message = formats.decode(body, Terms())
        mapping.apply(message, facts)
        times = []
        for _ in range(rounds):
            start = time.process_time_ns()
            for _ in range(LOOPS):
                mapping.apply(message, facts)
            times.append((time.process_time_ns() - start) / LOOPS / 1000)
        made = len(mapping.apply(message, facts).bundle["entry"])
        write(
            f"{mapping.name:10} {len(body):6} {len(message.segments):9} {made:10}"
            f" {min(times):9.1f} {statistics.median(times):11.1f}\n"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 21)

"""What mapping one message costs: run as a script; prints microseconds and executed lines.

The machine's own speed stands beside it (100 splits of a short text), because other work on the
same cores moves every figure; lines executed do not move.
"""

from __future__ import annotations

import sys
import time
import timeit
from collections.abc import Callable
from types import FrameType
from typing import Any

from mappings.catalogue import load
from mappings.context import Context
from mappings.mapping import Mapping
from mappings.runtime import State
from mappings.session import Flags
from vagus.canonical.identity import Identity
from vagus.canonical.systems import Systems
from vagus.formats.format import Terms
from vagus.formats.hl7v2.reader import decode
from vagus.kernel.diagnostics import Diagnostics

ADMISSION = (
    "MSH|^~\\&|EHR|RIVERSIDE|VAGUS|BENCH|20260102030405-0600||ADT^A01^ADT_A01|B1|P|2.5.1",
    "EVN|A01|20260102030405-0600",
    "PID|1||0000017^^^RIVERSIDE^MR||SAMPLE^PAT^Q||19570210|M||2106-3^White^HL70005"
    "|17 MAIN ST^^SPRINGFIELD^IL^62701^USA^H||(555)555-0100|||S",
    "NK1|1|SAMPLE^KIN^X|SPO^Spouse^HL70063|1 MAIN ST^^SPRINGFIELD^IL^62701|(555)555-0101",
    "PV1|1|I|W^101^1^RIVERSIDE||||1234567893^DOC^ANNA^^^DR^MD^^NPI|||MED||||1|||"
    "1234567893^DOC^ANNA|IN|V17||||||||||||||||||||||||20260102030000-0600",
    "AL1|1|DA|PCN^PENICILLIN^L|SV|HIVES",
    "DG1|1||I10^Essential hypertension^I10C||20260102030405-0600|A",
    "IN1|1|PLAN1^Sample Plan|PAYER1|SAMPLE PAYER|PO BOX 1^^SPRINGFIELD^IL^62701||||GRP001|||||||"
    "SAMPLE^PAT|SEL|19700101|||||||||||||||||M17",
)
BOOKING = (
    "MSH|^~\\&|EHR|RIVERSIDE|VAGUS|BENCH|20260102030405-0600||SIU^S12^SIU_S12|B2|P|2.5.1",
    "SCH|P1|F1|||CHECK^Check-up|ROUTINE|FOLLOWUP|30|MIN^minutes|^^30^20260310143000-0600"
    "^20260310150000-0600|||||^DOE^JOHN||||^DOE^JANE|||||Booked",
    "NTE|1||Bring the papers",
    "PID|1||0000017^^^RIVERSIDE^MR||SAMPLE^PAT^Q||19570210|M",
    "PV1|1|O|W^101^1^RIVERSIDE||||1234567893^DOC^ANNA^^^DR^MD^^NPI",
    "RGS|1|A",
    "AIS|1|A|CHECK^Check-up^L|20260310143000-0600|||30|MIN|BOOKED",
    "AIG|1|A|R1^Room|2^Device",
    "AIL|1|A|W^101^1^RIVERSIDE",
    "AIP|1|A|1234567893^DOC^ANNA|PRI^Primary|||20260310143000-0600|||30|MIN|Booked",
)


def context() -> Context:
    """A delivery context with registries of no entries."""
    now = "2026-01-02T03:04:05Z"
    identity, systems = Identity(b"k" * 32), Systems("bench")
    return Context("1", "bench", "bench", "", now, "urn:x", now, "UTC", identity, systems)


def fastest(work: Callable[[], object], times: int = 200, rounds: int = 25) -> float:
    """The best time of one call, in microseconds of this process."""
    best = min(timeit.repeat(work, number=times, repeat=rounds, timer=time.process_time))
    return best / times * 1e6


def executed(mapping: Mapping, message: Any, given: Context) -> int:
    """How many lines of generated code one run executes."""
    variant = mapping._variant(Flags())
    count = 0

    def line(_frame: FrameType, event: str, _arg: object) -> Any:
        nonlocal count
        count += event == "line"
        return line

    def call(frame: FrameType, _event: str, _arg: object) -> Any:
        return line if frame.f_code is variant.run.__code__ else None

    state = State(message, given, mapping.name, mapping.version)
    state.sites = variant.sites
    sys.settrace(call)
    variant.run(state)
    sys.settrace(None)
    return count


def main() -> None:
    """Measure the library's ADT_A01 and SIU_S12."""
    begun = time.perf_counter()
    catalogue = load([], Diagnostics())
    out = sys.stdout.write
    out(f"load the library                {(time.perf_counter() - begun) * 1e3:8.0f} ms\n")
    given = context()
    for name, lines in (("ADT_A01", ADMISSION), ("SIU_S12", BOOKING)):
        message = decode("\r".join(lines).encode(), Terms())
        mapping = catalogue.mapping(name)
        begun = time.perf_counter()
        entries = len(mapping.apply(message, given).bundle["entry"])
        first = time.perf_counter() - begun
        speed = fastest(lambda: [text.split("^") for text in ["a^b^c"] * 100])
        plain = fastest(lambda: mapping.apply(message, given))  # noqa: B023
        loss = fastest(lambda: mapping.apply(message, given, loss=True))  # noqa: B023
        trace = fastest(lambda: mapping.apply(message, given, trace=True))  # noqa: B023
        out(f"{name}: {entries} resources, first use {first * 1e3:.0f} ms\n")
        out(f"  plain {plain:.0f} µs, + loss x{loss / plain:.2f}, + trace x{trace / plain:.2f}\n")
        out(f"  {executed(mapping, message, given)} lines; 100 splits {speed:.1f} µs\n")


if __name__ == "__main__":
    main()

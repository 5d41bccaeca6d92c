"""What reading X12 costs, step by step, beside pyx12 on the same files in the same run.

    python tests/benchmarks/bench_x12.py [ROUNDS] [--long]
    python tests/benchmarks/bench_x12.py --huge

Every step runs in a process of its own, in turns; seconds are CPU time of the process, the best of
the rounds. pyx12 reads the small files only unless --long is given: the large ones take it minutes.
--huge reads one 837P of a gigabyte that is made as it is read, and says how much memory it took.
"""

from __future__ import annotations

import io
import json
import logging
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import pyx12.params
import pyx12.x12n_document
from benchmarks.x12_files import claims, remittances

from vagus.formats.x12.reader import read
from vagus.formats.x12.tokenizer import chunks
from vagus.formats.x12.units import Unit, each

SOURCES: dict[str, Callable[[int], Iterable[bytes]]] = {"837P": claims, "835": remittances}
COUNTS = (1_000, 20_000)
_BLOCK = 1 << 18


def consume(items: Iterable[object]) -> None:
    """Take everything and keep nothing."""
    for _ in items:
        pass


def oracle(pieces: list[bytes]) -> None:
    """Validate with pyx12 and write its 999, as its own command does."""
    logging.disable(logging.CRITICAL)
    source = io.StringIO(b"".join(pieces).decode("ascii"))
    pyx12.x12n_document.x12n_document(pyx12.params.ParamsBase(), source, io.StringIO(), None)


STEPS: dict[str, Callable[[list[bytes]], None]] = {
    "tokenise": lambda pieces: consume(chunks(pieces)),
    "+ guide (SNIP 1-2)": lambda pieces: consume(read(pieces, level=2)),
    "+ balance (SNIP 1-3)": lambda pieces: consume(read(pieces, level=3)),
    "+ shapes (SNIP 1-5)": lambda pieces: consume(read(pieces)),
    "+ units": lambda pieces: consume(each(pieces, lambda unit: None)),
    "pyx12 with 999": oracle,
}


def measure(step: str, kind: str, count: int) -> dict[str, float]:
    """One step over one file, here; megabytes and seconds, and by how much the memory grew."""
    data = b"".join(SOURCES[kind](count))
    pieces = [data[at : at + _BLOCK] for at in range(0, len(data), _BLOCK)]
    size = len(data)
    STEPS[step]([b"".join(SOURCES[kind](3))])  # guides loaded, patterns compiled
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    STEPS[step](pieces)
    seconds = time.process_time() - start
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {"mb": size / 1e6, "s": seconds, "grown_mib": grown / 1024}


def main(rounds: int, is_long: bool) -> None:
    """Measure every step in turns and print a table."""
    best: dict[tuple[str, str, int], dict[str, float]] = {}
    for _ in range(rounds):
        for kind in SOURCES:
            for count in COUNTS:
                for step in STEPS:
                    if step.startswith("pyx12") and count > COUNTS[0] and not is_long:
                        continue
                    found = _apart(step, kind, count)
                    key = (kind, step, count)
                    if key not in best or found["s"] < best[key]["s"]:
                        best[key] = found
    out = sys.stdout.write
    out(f"{'file':6}{'step':24}{'claims':>8}{'MB':>7}{'MB/s':>9}{'claims/s':>11}{'RSS +MiB':>10}\n")
    for (kind, step, count), found in best.items():
        speed, rate = found["mb"] / found["s"], count / found["s"]
        out(
            f"{kind:6}{step:24}{count:8}{found['mb']:7.1f}{speed:9.2f}{rate:11,.0f}"
            f"{found['grown_mib']:10.1f}\n"
        )


def huge() -> None:
    """Read a gigabyte of claims, units and all, and print what it took."""
    size = units = 0

    def blocks() -> Iterator[bytes]:
        nonlocal size
        for batch in batched(claims(1_950_000), 500):
            block = b"".join(batch)
            size += len(block)
            yield block

    def count(unit: Unit) -> None:
        nonlocal units
        units += unit.number > 0

    consume(each(blocks(), count))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(f"{size / 1e6:,.0f} MB, {units:,} claims, {memory:.0f} MiB\n")


def batched(items: Iterable[bytes], count: int) -> Iterator[list[bytes]]:
    """Lists of so many items."""
    rest = iter(items)
    while batch := list(islice(rest, count)):
        yield batch


def _apart(step: str, kind: str, count: int) -> dict[str, float]:
    command = [sys.executable, __file__, "--step", step, kind, str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    if sys.argv[1:2] == ["--step"]:
        sys.stdout.write(json.dumps(measure(sys.argv[2], sys.argv[3], int(sys.argv[4]))))
    elif sys.argv[1:2] == ["--huge"]:
        huge()
    else:
        words = [word for word in sys.argv[1:] if word != "--long"]
        main(int(words[0]) if words else 3, "--long" in sys.argv)

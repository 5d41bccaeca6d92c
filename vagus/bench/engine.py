"""The engine process of a benchmark: a project run until SIGTERM, then one JSON line about it."""

from __future__ import annotations

import asyncio
import resource
import signal
import sys
import time
from pathlib import Path

from vagus.assembly import running
from vagus.bench.load import print_line
from vagus.kernel.process import loop_factory, settle_memory
from vagus.live import Running
from vagus.project import open_project

SAMPLE_SECONDS = 0.05


async def serve(folder: Path) -> None:
    """Run the project; print what it cost."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with running(open_project(folder)) as project:
        await project.prepare()
        settle_memory()
        before = resource.getrusage(resource.RUSAGE_SELF)
        print_line({"ready": True})
        samples = await _sampled(project, stop)
    print_line({**_report(project, before), "samples": samples})


async def _sampled(project: Running, stop: asyncio.Event) -> list[tuple[float, int]]:
    """How much was delivered by when, until told to stop."""
    (courier,) = project.engine.couriers
    samples = []
    while not stop.is_set():
        samples.append((time.perf_counter(), courier.measures.delivered))
        try:
            async with asyncio.timeout(SAMPLE_SECONDS):
                await stop.wait()
        except TimeoutError:
            pass
    return samples


def _report(project: Running, before: resource.struct_rusage) -> dict[str, object]:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    spent = usage.ru_utime + usage.ru_stime - before.ru_utime - before.ru_stime
    (channel,) = project.engine.channels.values()
    (courier,) = channel.couriers.values()
    carrier = project.engine.carrier
    counts = project.counts()
    messages = max(1, counts["accepted"])

    def each(total: float) -> float:
        return round(total * 1e6 / messages, 1)

    return {
        "counts": counts,
        "cpu_us_per_message": each(spent),
        "stages_us": {
            "mapping": each(channel.measures.mapping.total),
            "validation": each(channel.measures.validation.total),
        },
        "send_ms_p50": courier.measures.send.quantile(0.5) * 1000,
        "end_to_end_ms_p50": courier.measures.end_to_end.quantile(0.5) * 1000,
        "end_to_end_ms_p99": courier.measures.end_to_end.quantile(0.99) * 1000,
        "event_bytes": carrier.measures.sealed_bytes // messages if carrier else 0,
        "memory_mib": usage.ru_maxrss >> 10,
    }


if __name__ == "__main__":
    factory = loop_factory() if sys.argv[2] == "fast" else None
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(serve(Path(sys.argv[1])))

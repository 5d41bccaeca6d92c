"""Runs the engine and the raw loop in turn under the same load, and reports the ratio."""

from __future__ import annotations

import json
import platform
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vagus.kernel import jwe
from vagus.kernel.errors import EngineFault

CHANNEL = """\
channel: bench
source:
  mllp: {{port: {port}, pipeline: 64}}
steps:
  - transform: hl7v2_to_fhir
  - validate: fhir/r4
destinations:
  - name: peer
    mllp: {{host: 127.0.0.1, port: {sink}, connections: 8}}
    send: received
"""
WINDOW = 256
PUBLISHER = """\
channel: bench
source:
  mllp: {{port: {port}, pipeline: 64}}
steps:
  - transform: hl7v2_to_fhir
  - validate: fhir/r4
publish: canonical
"""
PUBLISHING = """\
broker: {{rabbitmq: {{url: "{url}", window: {window}}}}}
subscribers: [{{name: desk, key: desk.jwk}}]
"""
_SETTINGS = {"message_bytes": 700, "python": platform.python_version()}
PROJECT = "project: bench\nkeys: {create: true}\nhttp: {enabled: false}\nzone: America/Chicago\n"


@dataclass(frozen=True, slots=True)
class Shape:
    """What is measured and for how long, in seconds."""

    connections: int = 32
    seconds: float = 6.0
    warm: float = 2.0
    fast: bool = True


def measure(shape: Shape) -> dict[str, Any]:
    """One run of the engine and one of the raw loop; rates, times, costs and their ratio."""
    with tempfile.TemporaryDirectory() as name:
        port, sink = _free_port(), _free_port()
        folder = Path(name)
        (folder / "channels").mkdir()
        (folder / "vagus.yaml").write_text(PROJECT)
        (folder / "channels" / "bench.yaml").write_text(CHANNEL.format(port=port, sink=sink))
        engine, report = _run("vagus.bench.engine", [name], port, sink, shape)
    port, sink = _free_port(), _free_port()
    roofline, _ = _run("vagus.bench.roofline", [str(port), str(sink)], port, sink, shape)
    engine.pop("window")
    report.pop("samples")
    ratio = engine["delivered_per_s"] / max(1.0, roofline["delivered_per_s"])
    return {
        **engine,
        **report,
        "roofline_per_s": roofline["delivered_per_s"],
        "ratio": round(ratio, 3),
        "settings": {**asdict(shape), **_SETTINGS},
    }


def measure_publishing(shape: Shape, url: str) -> dict[str, Any]:
    """One run of the engine with a subscriber at RabbitMQ, and one of a bare loop of confirms.

    Both have the same window, and messages of the same size, on the same cores.
    """
    with tempfile.TemporaryDirectory() as name:
        port, folder = _free_port(), Path(name)
        (folder / "channels").mkdir()
        (folder / "vagus.yaml").write_text(PROJECT + PUBLISHING.format(url=url, window=WINDOW))
        (folder / "channels" / "bench.yaml").write_text(PUBLISHER.format(port=port))
        key = folder / "desk.jwk"
        key.touch(0o600)
        key.write_text(jwe.generate("desk"))
        engine, report = _run("vagus.bench.engine", [name], port, 0, shape)
    begin, end = engine.pop("window")
    delivered = [count for at, count in report.pop("samples") if begin <= at < end]
    engine["delivered_per_s"] = round((delivered[-1] - delivered[0]) / shape.seconds, 1)
    bare = [url, str(report["event_bytes"]), str(WINDOW), str(shape.seconds), str(shape.warm)]
    with _process("vagus.bench.confirming", *bare, "fast" if shape.fast else "plain") as process:
        confirmed = json.loads(_line(process))["confirmed_per_s"]
    return {
        **engine,
        **report,
        "roofline_per_s": confirmed,
        "ratio": round(engine["delivered_per_s"] / max(1.0, confirmed), 3),
        "settings": {**asdict(shape), **_SETTINGS, "broker": "rabbitmq", "window": WINDOW},
    }


def _run(
    module: str, arguments: list[str], port: int, sink: int, shape: Shape
) -> tuple[dict[str, Any], dict[str, Any]]:
    """One server under load: what the load saw, and what the server says about itself."""
    loop = "fast" if shape.fast else "plain"
    load = [port, sink, shape.connections, shape.seconds, shape.warm]
    with _process(module, *arguments, loop) as server:
        _line(server)
        with _process("vagus.bench.load", *map(str, load)) as client:
            _line(client)
            seen = json.loads(_line(client))
        server.send_signal(signal.SIGTERM)
        rest, _ = server.communicate(timeout=60)
    return seen, json.loads(rest) if rest.strip() else {}


@contextmanager
def _process(module: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own modules
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise EngineFault("a process of the benchmark ended too early")
    return line


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

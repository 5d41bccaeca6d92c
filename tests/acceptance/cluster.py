"""Two engines of one project over one PostgreSQL, each a process of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

from acceptance.engine import VAGUS, free_port
from peers.postgres import Server

PROJECT = """\
project: trial
node: ${VAGUS_NODE}
nodes:
  1: [adt]
  2: [lab]
keys: {create: true}
http: {enabled: false}
store:
  min_free: 1MiB
  postgres: {url: "%(url)s", namespace: %(namespace)s, lease: 3s}
"""
CHANNEL = """\
channel: %(name)s
source:
  mllp: {port: %(port)d, frame_timeout: 2s}
  processing: P
steps:
  - transform: hl7v2_to_fhir
destinations:
  - name: peer
    mllp: {host: 127.0.0.1, port: %(sink)d, connections: 4, ack_timeout: 2s}
    send: received
    retry: {attempts: 4, first: 50ms, longest: 200ms}
"""


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait(condition: Any, seconds: float, what: str) -> float:
    """Wait for something; the seconds it took."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < seconds, what
        time.sleep(0.05)
    return time.monotonic() - begun


class Cluster:
    """A project folder; node 1 runs the channel adt, node 2 the channel lab."""

    def __init__(self, folder: Path, server: Server, sink: int) -> None:
        self.folder = folder
        self.server = server
        self.ports = {1: free_port(), 2: free_port()}
        self.processes: dict[int, subprocess.Popen[bytes]] = {}
        (folder / "channels").mkdir(parents=True)
        values = {"url": server.url, "namespace": server.namespace()}
        (folder / "vagus.yaml").write_text(PROJECT % values)
        for node, name in ((1, "adt"), (2, "lab")):
            text = CHANNEL % {"name": name, "port": self.ports[node], "sink": sink}
            (folder / "channels" / f"{name}.yaml").write_text(text)

    def log(self, node: int) -> str:
        return (self.folder / f"log{node}.jsonl").read_text()

    def launch(self, node: int, folder: Path | None = None) -> subprocess.Popen[bytes]:
        """Start an engine and do not wait for it."""
        with (self.folder / f"log{node}.jsonl").open("ab") as log:
            return subprocess.Popen(
                [*VAGUS, "run", str(folder or self.folder)],
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, "VAGUS_NODE": str(node)},
            )

    def start(self, node: int) -> None:
        """Start an engine and wait until it listens on its channel."""
        process = self.processes[node] = self.launch(node)

        def up() -> bool:
            assert process.poll() is None, self.log(node)[-2000:]
            return listens(self.ports[node])

        wait(up, 60, "the engine does not listen")

    def kill(self, node: int) -> None:
        process = self.processes.pop(node)
        process.kill()
        process.communicate()

    def pause(self, node: int) -> None:
        self.processes[node].send_signal(signal.SIGSTOP)

    def go_on(self, node: int) -> None:
        self.processes[node].send_signal(signal.SIGCONT)

    def stop(self, node: int) -> dict[str, int]:
        """SIGTERM; the counts that the engine prints."""
        process = self.processes.pop(node)
        process.terminate()
        out, _ = process.communicate(timeout=60)
        assert process.returncode == 0, self.log(node)[-3000:]
        counts: dict[str, int] = json.loads(out.splitlines()[-1])
        return counts

    def end(self) -> None:
        for node in list(self.processes):
            self.go_on(node)
            self.kill(node)

    def verb(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*VAGUS, *words],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={**os.environ, "VAGUS_NODE": "1"},
        )

    def nodes(self) -> dict[int, dict[str, Any]]:
        """What `vagus nodes` says."""
        lines = self.verb("nodes", "--format", "json").stdout.splitlines()
        return {row["node"]: row for row in map(json.loads, lines)}

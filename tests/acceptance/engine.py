"""A real engine in a process of its own, with a small project around it."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import time
from pathlib import Path

VAGUS = [str(Path(sys.executable).with_name("vagus"))]
PROJECT = """\
project: trial
keys: {create: true}
http: {port: %d}
zone: America/Chicago
store: {min_free: 1MiB}
"""
CHANNEL = """\
channel: adt
source:
  mllp: {port: %(port)d, frame_timeout: 2s}
  processing: P
steps:
  - transform: hl7v2_to_fhir
  - validate: fhir/r4
destinations:
  - name: peer
    mllp: {host: 127.0.0.1, port: %(sink)d, connections: 4, ack_timeout: 2s}
    send: received
    retry: {attempts: 4, first: 50ms, longest: 200ms}
"""
START, END = b"\x0b", b"\x1c\r"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def admission(control: str, patient: str, *, family: str = "SAMPLE", extra: str = "") -> bytes:
    return (
        f"MSH|^~\\&|EHR|CLINIC|VAGUS|V|20260102030405-0600||ADT^A01^ADT_A01|{control}|P|2.5.1\r"
        f"EVN|A01|20260102030405-0600\rPID|1||{patient}^^^CLINIC^MR||{family}^PAT||19700102|F\r"
        f"PV1|1|I|W^1^1||||||||||||||||V{control}\r{extra}"
    ).encode()


class Engine:
    """One project folder and the process that runs it."""

    def __init__(self, folder: Path, channel: str = CHANNEL, sink: int | None = None) -> None:
        self.folder = folder
        self.port, self.http = free_port(), free_port()
        self.sink = sink or free_port()
        self.process: subprocess.Popen | None = None
        (folder / "channels").mkdir(parents=True)
        (folder / "vagus.yaml").write_text(PROJECT % self.http)
        text = channel % {"port": self.port, "sink": self.sink, "folder": folder}
        (folder / "channels" / "adt.yaml").write_text(text)
        self.log = folder / "log.jsonl"

    def start(self, wait: float = 20.0) -> float:
        """Start and wait for the listener; the seconds it took."""
        begun = time.monotonic()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*VAGUS, "run", str(self.folder)], stdout=subprocess.PIPE, stderr=log
            )
        while time.monotonic() - begun < wait:
            if self.process.poll() is not None:
                raise AssertionError(f"the engine ended: {self.log.read_text()[-2000:]}")
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return time.monotonic() - begun
            time.sleep(0.02)
        raise AssertionError("the engine does not listen")

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.communicate()

    def stop(self) -> dict[str, int]:
        """SIGTERM; the counts that the engine prints."""
        assert self.process is not None
        self.process.terminate()
        out, _ = self.process.communicate(timeout=40)
        assert self.process.returncode == 0, self.log.read_text()[-2000:]
        return json.loads(out.splitlines()[-1])

    def verb(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*VAGUS, *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    async def send(self, *frames: bytes) -> list[bytes]:
        """Send messages on one connection, one in flight; their replies."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        replies = []
        for frame in frames:
            writer.write(START + frame + END)
            reply = await asyncio.wait_for(reader.readuntil(END), 20)
            replies.append(reply[1:-2])
        writer.close()
        await writer.wait_closed()
        return replies


def control_of(frame: bytes) -> str:
    return frame.split(b"|", 10)[9].decode()


def code_of(reply: bytes) -> str:
    for line in reply.split(b"\r"):
        if line.startswith(b"MSA|"):
            return line.split(b"|")[1].decode()
    return ""


def holds(counts: dict[str, int]) -> bool:
    done = counts["delivered"] + counts["filtered"] + counts["dead"] + counts["pending"]
    return counts["accepted"] == done

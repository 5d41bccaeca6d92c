"""The senders and the peer of a benchmark, in a process of their own.

Sends HL7 v2 messages over several MLLP connections with one in flight on each, takes what the
engine delivers, and prints one JSON line about the measured window.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import dataclass, field
from functools import partial
from typing import cast

from vagus.kernel.process import loop_factory

START, END = b"\x0b", b"\x1c\r"
PATIENTS = 5000


def message(number: int) -> bytes:
    """An admission of an invented patient, about 0.7 KB."""
    patient = number * 7919 % PATIENTS
    segments = (
        "MSH|^~\\&|EHR|RIVERSIDE|VAGUS|BENCH|20260102030405-0600||ADT^A01^ADT_A01|"
        f"B{number:09d}|P|2.5.1",
        "EVN|A01|20260102030405-0600",
        f"PID|1||{patient:07d}^^^RIVERSIDE^MR||SAMPLE{patient % 997}^PAT{patient % 613}^Q||"
        f"19{50 + patient % 50}0{1 + patient % 9}1{patient % 9}|{'MF'[patient % 2]}||"
        f"2106-3^White^HL70005|{patient} MAIN ST^^SPRINGFIELD^IL^62701^USA^H||(555)555-0100|||S",
        "NK1|1|SAMPLE^KIN^X|SPO^Spouse^HL70063|1 MAIN ST^^SPRINGFIELD^IL^62701|(555)555-0101",
        "PV1|1|I|W^101^1^RIVERSIDE||||1234567893^DOC^ANNA^^^DR^MD^^NPI|||MED||||1|||"
        f"1234567893^DOC^ANNA|IN|V{number:09d}||||||||||||||||||||||||20260102030000-0600",
        "AL1|1|DA|PCN^PENICILLIN^L|SV|HIVES",
        "DG1|1||I10^Essential hypertension^I10C||20260102030405-0600|A",
        "IN1|1|PLAN1^Sample Plan|PAYER1|SAMPLE PAYER|PO BOX 1^^SPRINGFIELD^IL^62701||||GRP001|"
        f"||||||SAMPLE{patient % 997}^PAT|SEL|19700101|||||||||||||||||M{patient:09d}",
    )
    return "\r".join(segments).encode() + b"\r"


@dataclass(slots=True)
class Window:
    """What is counted; only what happens between `begin` and `end` is."""

    begin: float
    end: float
    acked: int = 0
    refused: int = 0
    delivered: int = 0
    waits: list[float] = field(default_factory=list)


class Sender(asyncio.Protocol):
    """One connection with one message in flight."""

    def __init__(self, window: Window, numbers: range) -> None:
        self._window = window
        self._numbers = iter(numbers)
        self._sent = 0.0
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self.finished = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first message."""
        self._transport = cast(asyncio.Transport, transport)
        self._next()

    def _next(self) -> None:
        assert self._transport is not None
        self._sent = time.perf_counter()
        if self._sent >= self._window.end:
            self._transport.close()
            return
        self._transport.write(START + message(next(self._numbers)) + END)

    def data_received(self, data: bytes) -> None:
        """Count an acknowledgement and send the next message."""
        self._buffer += data
        while (end := self._buffer.find(END)) >= 0:
            reply, self._buffer = self._buffer[:end], self._buffer[end + 2 :]
            now = time.perf_counter()
            window = self._window
            if window.begin <= now < window.end:
                if b"MSA|AA|" in reply:
                    window.acked += 1
                    window.waits.append(now - self._sent)
                else:
                    window.refused += 1
            self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        """The end of this sender."""
        if not self.finished.done():
            self.finished.set_result(None)


class Peer(asyncio.Protocol):
    """Takes what the engine sends and acknowledges it."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport for the replies."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Acknowledge and count every message."""
        self._buffer += data
        replies = []
        while (end := self._buffer.find(END)) >= 0:
            frame, self._buffer = self._buffer[:end], self._buffer[end + 2 :]
            control = frame.split(b"|", 10)[9]
            replies.append(
                START
                + b"MSH|^~\\&|PEER|P|VAGUS|V|20260101||ACK|1|P|2.5.1\rMSA|AA|"
                + control
                + b"\r"
                + END
            )
            if self._window.begin <= time.perf_counter() < self._window.end:
                self._window.delivered += 1
        if replies:
            self._transport.write(b"".join(replies))


async def measure(port: int, sink: int, connections: int, seconds: float, warm: float) -> None:
    """Load the engine at `port` and print what came of it; `sink` 0: there is no peer."""
    loop = asyncio.get_running_loop()
    start = time.perf_counter()
    window = Window(start + warm, start + warm + seconds)
    server = None
    if sink:
        server = await loop.create_server(lambda: Peer(window), "127.0.0.1", sink)
    print_line({"ready": True})
    share = 10_000_000 // connections
    senders = []
    for number in range(connections):
        sender = Sender(window, range(number * share, (number + 1) * share))
        await loop.create_connection(partial(_same, sender), "127.0.0.1", port)
        senders.append(sender.finished)
    await asyncio.wait(senders, timeout=warm + seconds + 30)
    if server is not None:
        server.close()
    waits = sorted(window.waits) or [0.0]
    print_line(
        {
            "accepted_per_s": round(window.acked / seconds, 1),
            "delivered_per_s": round(window.delivered / seconds, 1),
            "refused": window.refused,
            "window": [window.begin, window.end],
            "ack_ms": {
                "p50": round(waits[len(waits) // 2] * 1000, 2),
                "p99": round(waits[int(len(waits) * 0.99)] * 1000, 2),
            },
        }
    )


def _same(sender: Sender) -> Sender:
    return sender


def print_line(data: object) -> None:
    """One JSON line on standard output."""
    sys.stdout.write(json.dumps(data) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    port, sink, connections = (int(text) for text in sys.argv[1:4])
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(measure(port, sink, connections, float(sys.argv[4]), float(sys.argv[5])))

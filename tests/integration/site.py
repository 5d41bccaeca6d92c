"""A small project that runs in this process, and senders that talk to it."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from acceptance.engine import END, START, code_of, control_of, free_port
from peers import until
from vagus.assembly import running
from vagus.journal.ledger import LedgerReport, verify
from vagus.journal.query import Query
from vagus.journal.search import Reader
from vagus.kernel import keys
from vagus.kernel.clock import Clock
from vagus.kernel.keys import Keyset
from vagus.live import Running
from vagus.project import open_project

PROJECT = """\
project: trial
keys: {create: true}
http: {enabled: false}
zone: America/Chicago
store: {min_free: 1KiB}
"""


def hl7(
    control: str,
    patient: str = "P1",
    kind: str = "ADT^A08",
    *,
    accept: str = "",
    application: str = "",
    more: str = "",
) -> bytes:
    """A small invented message; `accept` and `application` are MSH-15 and MSH-16."""
    head = f"MSH|^~\\&|EHR|RIVER|VAGUS|HUB|20261122101500||{kind}|{control}|P|2.5.1"
    if accept or application:
        head += f"|||{accept}|{application}"
    return (
        f"{head}\rEVN||20261122101500\rPID|1||{patient}^^^RIVER^MR||DOE^JANE||19800101|F\r"
        f"PV1|1|O\r{more}"
    ).encode()


class Sender:
    """One connection to a source."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def to(cls, port: int) -> Sender:
        return cls(*await asyncio.open_connection("127.0.0.1", port, limit=1 << 24))

    def put(self, *bodies: bytes) -> None:
        self._writer.write(b"".join(START + body + END for body in bodies))

    async def hears(self, seconds: float = 10.0) -> bytes:
        async with asyncio.timeout(seconds):
            return (await self._reader.readuntil(END))[1:-2]

    async def silence(self, seconds: float = 0.15) -> bool:
        """Whether nothing comes for a while."""
        try:
            async with asyncio.timeout(seconds):
                await self._reader.readuntil(END)
        except TimeoutError:
            return True
        return False

    async def asks(self, *bodies: bytes) -> list[str]:
        """Send one after the other; what MSA-1 of each reply says."""
        codes = []
        for body in bodies:
            self.put(body)
            codes.append(code_of(await self.hears()))
        return codes

    def reset(self) -> None:
        """Leave as a process that dies does."""
        plug = self._writer.get_extra_info("socket")
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    async def end(self) -> None:
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except OSError:
            pass


class Site:
    """A project folder; `running` runs it, the rest asks its journal."""

    def __init__(self, folder: Path, **channels: str) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.write("vagus.yaml", PROJECT)
        self.ports: dict[str, int] = {}
        for name, text in channels.items():
            self.channel(name, text)

    def write(self, path: str, text: str) -> Path:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        return target

    def channel(self, name: str, text: str) -> None:
        """A channel file; `PORT` in it is a free port."""
        if "PORT" in text:
            self.ports.setdefault(name, free_port())
            text = text.replace("PORT", str(self.ports[name]))
        self.write(f"channels/{name}.yaml", f"channel: {name}\n{text}")

    @asynccontextmanager
    async def running(self, clock: Clock | None = None) -> AsyncIterator[Running]:
        async with running(open_project(self.folder), clock) as live:
            yield live

    @property
    def keys(self) -> Keyset:
        return keys.load(self.folder / "data/vagus.key")

    def ledger(self) -> LedgerReport:
        return verify(self.folder / "data", self.keys)

    def reader(self) -> Reader:
        return Reader.open(self.folder / "data", self.keys)

    def messages(self, **fields: Any) -> list[Any]:
        with self.reader() as reader:
            return reader.messages(Query(**fields), 1000)[::-1]

    def dead(self) -> list[Any]:
        with self.reader() as reader:
            return reader.dead_letters()[::-1]

    def deliveries(self, message: int) -> list[Any]:
        with self.reader() as reader:
            return reader.deliveries(message)

    def history(self, message: int) -> list[Any]:
        with self.reader() as reader:
            return reader.history(message)


async def settled(live: Running, seconds: float = 15.0) -> dict[str, int]:
    """Wait until nothing is pending; the counts."""
    await until(lambda: not live.counts()["pending"], seconds)
    return live.counts()


async def ask(live: Running, kind: str, actor: str = "op", **detail: Any) -> dict[str, Any]:
    """Have an operator's request carried out; its result."""
    number = live.journal.requests.add(kind, json.dumps(detail), actor)
    await until(lambda: live.journal.requests.result(number) is not None, 15.0)
    result: dict[str, Any] = json.loads(live.journal.requests.result(number) or "")
    return result


def by_patient(bodies: Sequence[bytes]) -> dict[bytes, list[str]]:
    """Control ids as they came, first times only, per patient."""
    seen: dict[bytes, list[str]] = {}
    for body in bodies:
        patient = body.split(b"\rPID|", 1)[1].split(b"|")[2]
        controls = seen.setdefault(patient, [])
        if (control := control_of(body)) not in controls:
            controls.append(control)
    return seen


def conserved(counts: dict[str, int]) -> bool:
    return counts["accepted"] == sum(
        counts[word] for word in ("delivered", "filtered", "dead", "pending")
    )

"""The journal over SQLite and over PostgreSQL, in turn: `python tests/benchmarks/bench_stores.py`.

Each message is accepted, routed to one destination and delivered, so many at a time; no mapping and
no sockets. Prints one JSON line for each run: messages a second, CPU of this process and of the
PostgreSQL server for each message, commits for each message.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from vagus.journal.entries import Accept, Delivered, Routed, Target
from vagus.journal.journal import Journal
from vagus.journal.ledger import verify
from vagus.journal.place import Folder, Place
from vagus.journal.postgres.place import PostgresPlace
from vagus.journal.postgres.settings import Postgres
from vagus.kernel.clock import SystemClock
from vagus.kernel.keys import Keyset

SECONDS = float(os.environ.get("SECONDS", "4"))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
BODY = b"MSH|^~\\&|EHR|CLINIC|VAGUS|V|20260102030405||ADT^A01|" + b"x" * 650


def server() -> Any:
    """The server that the tests use; this folder is not a package beside theirs."""
    path = Path(__file__).parents[1] / "peers" / "postgres.py"
    spec = importlib.util.spec_from_file_location("postgres_server", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Server()


class Load:
    """So many messages under way at once, each through its whole life."""

    def __init__(self, journal: Journal, keyset: Keyset) -> None:
        self._journal = journal
        self._endpoint = journal.endpoint("adt")
        self._destination = journal.destination("adt.peer")
        self._until = time.monotonic() + SECONDS
        self.done = 0

    def begin(self) -> None:
        number = self._journal.ids.next()
        body = BODY + str(number).encode()
        digest = hashlib.sha256(body).digest()
        lane = digest[:12]
        fields = (number, self._endpoint, "ADT^A01", str(number), 7, lane, digest, body, b"AA")
        self._journal.put(Accept(*fields, then=lambda: self._accepted(number, lane)))

    def _accepted(self, number: int, lane: bytes) -> None:
        target = Target(self._destination, 0, lane)
        self._journal.put(Routed(number, self._endpoint, bytes(32), [target]))
        done = Delivered(number, 0, self._destination, 1, bytes(32), then=self._delivered)
        self._journal.put(done)

    def _delivered(self) -> None:
        self.done += 1
        if time.monotonic() < self._until:
            self.begin()


def server_cpu(postgres: Any) -> float:
    """Seconds of CPU that the server's processes have used."""
    total = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(")", 1)[1].split()
            uses = os.readlink(path.parent / "exe").endswith("/postgres")
            if uses and str(postgres.folder) in os.readlink(path.parent / "cwd"):
                total += int(fields[11]) + int(fields[12])
        except (OSError, IndexError):
            continue
    return total / os.sysconf("SC_CLK_TCK")


async def run(place: Place, name: str, width: int, postgres: Any) -> None:
    keyset = Keyset.generate()
    journal = await Journal.open(place, keyset, SystemClock())
    load = Load(journal, keyset)
    cpu, served, begun = time.process_time(), server_cpu(postgres), time.monotonic()
    for _ in range(width):
        load.begin()
    await journal.flush()
    seconds, cpu = time.monotonic() - begun, time.process_time() - cpu
    served = server_cpu(postgres) - served
    commits = journal.commits[0]
    await journal.close()
    assert verify(place, keyset, bodies=False).clean
    figures = {
        "store": name,
        "in_flight": width,
        "per_s": round(load.done / seconds),
        "cpu_us": round(1e6 * cpu / load.done),
        "server_cpu_us": round(1e6 * served / load.done) if name == "postgres" else 0,
        "commits_per_message": round(commits / load.done, 3),
    }
    sys.stdout.write(json.dumps(figures) + "\n")
    sys.stdout.flush()


def main() -> None:
    postgres = server()
    postgres.start()
    try:
        for width in (1, 32, 128):
            for _ in range(ROUNDS):
                with tempfile.TemporaryDirectory() as folder:
                    path = Path(folder)
                    asyncio.run(run(Folder(path / "sqlite"), "sqlite", width, postgres))
                    settings = Postgres(url=postgres.url, namespace=postgres.namespace())
                    place = PostgresPlace(settings, path / "postgres", "bench", 0, 0)
                    asyncio.run(run(place, "postgres", width, postgres))
    finally:
        postgres.remove()


if __name__ == "__main__":
    main()

"""What the journal costs: µs of CPU per message, beside the bare rows in the same SQLite.

Run it as a script; it writes one JSON line. `group` messages are accepted in one commit, then
routed and delivered in another, as under load with so many connections.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import platform
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from vagus.journal import connect
from vagus.journal.entries import Accept, Delivered, Routed, Target
from vagus.journal.journal import Journal
from vagus.journal.ledger import verify
from vagus.journal.statements import QUERIES, script
from vagus.kernel.clock import SystemClock
from vagus.kernel.ids import Ids
from vagus.kernel.keys import Keyset

_BODY = os.urandom(365).hex().encode()
_HASH = hashlib.sha256(_BODY).digest()
_REPLY = b"MSH|^~\\&|A|B|C|D|20261122120000||ACK^A01|1|P|2.5.1\rMSA|AA|1\r"


class _Meter:
    """CPU and wall time of a stretch of work, per message."""

    def __init__(self, messages: int) -> None:
        self._messages = messages
        self._cpu, self._wall = time.process_time(), time.perf_counter()

    def read(self) -> dict[str, float]:
        """µs of CPU per message, and messages a second."""
        cpu, wall = time.process_time() - self._cpu, time.perf_counter() - self._wall
        return {
            "cpu_us_per_message": round(cpu / self._messages * 1e6, 1),
            "messages_per_s": round(self._messages / wall),
        }


async def engine(folder: Path, keyset: Keyset, messages: int, group: int) -> dict[str, float]:
    """The journal as it is used."""
    journal = await Journal.open(folder, keyset, SystemClock())
    endpoint, store = journal.endpoint("adt_in"), journal.destination("store")
    for start in range(0, 3 * group, group):
        await _group(journal, endpoint, store, range(start, start + group), "warm")
    meter = _Meter(messages)
    for start in range(0, messages, group):
        await _group(journal, endpoint, store, range(start, start + group), "C")
    result = meter.read()
    await journal.close()
    return result


async def _group(journal: Journal, endpoint: int, store: int, numbers: range, prefix: str) -> None:
    entries = [
        Accept(
            journal.ids.next(),
            endpoint,
            "ADT^A01",
            f"{prefix}{n:010}",
            7,
            n.to_bytes(12, "big"),
            _HASH,
            _BODY,
            _REPLY,
        )
        for n in numbers
    ]
    for entry in entries:
        journal.put(entry)
    await journal.flush()
    for entry in entries:
        lane = entry.subject or b""
        journal.put(Routed(entry.id, endpoint, _HASH, [Target(store, 0, lane)]))
        journal.put(Delivered(entry.id, 0, store, 1, _HASH))
    await journal.flush()


def bare(folder: Path, messages: int, group: int) -> dict[str, float]:
    """The same rows and commits by `executemany`: no keys, seals, look-ups or counters."""
    folder.mkdir()
    con = connect.writer(folder / "bare.db")
    con.executescript(script("day.sql"))
    ids, meter = Ids(SystemClock()), _Meter(messages)
    for start in range(0, messages, group):
        new = [ids.next() for _ in range(group)]
        _transaction(con, lambda new=new, start=start: _accept(con, new, start))  # type: ignore[misc]
        _transaction(con, lambda new=new: _finish(con, new))  # type: ignore[misc]
    result = meter.read()
    con.close()
    return result


def _transaction(con: sqlite3.Connection, work: Callable[[], None]) -> None:
    con.execute("BEGIN IMMEDIATE")
    work()
    con.execute("COMMIT")


def _accept(con: sqlite3.Connection, new: list[int], start: int) -> None:
    rows = []
    for n, message in enumerate(new, start):
        subject = n.to_bytes(12, "big")
        rows.append(
            (message, 1, "ADT^A01", f"C{n:010}", subject, 7, _HASH, _REPLY, None, None, start)
        )
    con.executemany(QUERIES["insert_message"], rows)
    con.executemany(QUERIES["insert_body"], [(message, _BODY) for message in new])


def _finish(con: sqlite3.Connection, new: list[int]) -> None:
    con.executemany(QUERIES["settle_message"], [(1, 1, _HASH, None, None, None, 1, n) for n in new])
    con.executemany(QUERIES["insert_delivery"], [(n, 0, 1, n.to_bytes(12, "big")) for n in new])
    con.executemany(QUERIES["delivered"], [(1, 1, _HASH, 1, n, 0, 1) for n in new])


def main() -> None:
    """Measure and write one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--group", type=int, default=32)
    parser.add_argument("--folder", type=Path, default=None, help="where the files go")
    options = parser.parse_args()
    messages = options.messages // options.group * options.group
    keyset = Keyset.generate()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        result: dict[str, object] = {
            "bare": bare(folder / "bare", messages, options.group),
            "journal": asyncio.run(engine(folder / "journal", keyset, messages, options.group)),
        }
        size = sum(path.stat().st_size for path in (folder / "journal").glob("2*.db"))
        result["bytes_per_message"] = round(size / messages)
        start = time.perf_counter()
        report = verify(folder / "journal", keyset)
        result["verify_us_per_message"] = round((time.perf_counter() - start) / messages * 1e6, 1)
        result["clean"] = report.clean
    result["settings"] = {
        "messages": messages,
        "group": options.group,
        "body_bytes": len(_BODY),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "load": os.getloadavg()[0],
    }
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()

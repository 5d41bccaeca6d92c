"""kill -9 in the middle of the load: what was acknowledged is there, and the ledger balances."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from vagus.journal.journal import Journal
from vagus.journal.ledger import verify
from vagus.kernel.clock import SystemClock
from vagus.kernel.ids import to_text
from vagus.kernel.keys import Keyset

_LOAD = """
import asyncio, hashlib, sys
from pathlib import Path
from vagus.journal.entries import *
from vagus.journal.journal import Journal
from vagus.kernel.clock import SystemClock
from vagus.kernel.ids import to_text
from vagus.kernel.keys import Keyset

async def main(folder, keys):
    journal = await Journal.open(Path(folder), Keyset.loads(Path(keys).read_text()), SystemClock())
    endpoint, store = journal.endpoint("adt_in"), journal.destination("store")
    mirror = journal.destination("mirror")
    out = sys.stdout

    def send(n):
        body = b"body %d" % n
        entry = Accept(journal.ids.next(), endpoint, "ADT^A01", f"C{n}", 1, None,
                       hashlib.sha256(body).digest(), body, b"AA")

        def accepted():
            if entry.duplicate is not None:
                out.write(f"accepted {to_text(entry.duplicate)}\\n")
                next_one()
                return
            out.write(f"accepted {to_text(entry.id)}\\n")
            if n % 11 == 0:
                journal.put(Filtered(entry.id, endpoint, "unwanted", then=next_one))
                return
            if n % 13 == 0:
                journal.put(Died(entry.id, endpoint, "map", "unmapped", then=next_one))
                return
            journal.put(Routed(entry.id, endpoint, b"m", [Target(store, 0, b"k"),
                                                          Target(mirror, 0, b"k")]))
            if n % 7 == 0:
                journal.put(Parked(entry.id, 0, store, 1, 5, "AE", then=next_one))
            else:
                journal.put(Delivered(entry.id, 0, store, 1, b"r", then=delivered))

        def delivered():
            out.write(f"delivered {to_text(entry.id)}\\n")
            next_one()

        def next_one():
            out.flush()
            send(n + 32)

        entry.then = accepted
        journal.put(entry)

    for n in range(32):
        send(n)
    await asyncio.sleep(60)

asyncio.run(main(*sys.argv[1:]))
"""


async def test_nothing_acknowledged_is_lost_by_kill_9(tmp_path: Path) -> None:
    keyset = Keyset.generate()
    folder = tmp_path / "journal"
    accepted: set[str] = set()
    delivered: set[str] = set()
    chance = random.Random(11)
    for _ in range(3):
        _load_and_kill(folder, keyset, chance.uniform(0.2, 0.5), accepted, delivered)
        report = verify(folder, keyset)
        assert report.differences == []
        journal = await Journal.open(folder, keyset, SystemClock())
        assert _stored_ids(journal) >= accepted
        assert _delivered_ids(journal) >= delivered
        assert journal.damaged == []
        assert verify(folder, keyset).differences == []
        await journal.close()
    assert len(accepted) > 200
    assert len(delivered) > 100


def _load_and_kill(
    folder: Path, keyset: Keyset, seconds: float, accepted: set[str], delivered: set[str]
) -> None:
    keys, told = folder.with_name("keys"), folder.with_name("told")
    keys.write_text(keyset.dumps())
    with told.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-c", _LOAD, str(folder), str(keys)], stdout=out
        )
        until = time.monotonic() + 20
        while not told.stat().st_size and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(seconds / 2)
        assert verify(folder, keyset).differences == []
        time.sleep(seconds / 2)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    lines = told.read_text().splitlines(keepends=True)
    assert lines
    for line in lines:
        if line.endswith("\n"):
            verb, message = line.split()
            (accepted if verb == "accepted" else delivered).add(message)


def _rows(journal: Journal, sql: str) -> set[str]:
    return {
        to_text(row[0])
        for day in journal.calendar.ordered()
        for row in day.reader.execute(sql).fetchall()
    }


def _stored_ids(journal: Any) -> set[str]:
    return _rows(journal, "SELECT id FROM message")


def _delivered_ids(journal: Any) -> set[str]:
    return _rows(journal, "SELECT message FROM delivery WHERE state = 2")

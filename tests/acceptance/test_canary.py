"""Marked names, record numbers and SSNs through a thousand messages, good and bad: none of them
may stand in the log, the metrics, the process list, an error, or any file but sealed bodies."""

from __future__ import annotations

import asyncio
import random
import urllib.request
from pathlib import Path

import pytest

from acceptance.engine import Engine, admission
from peers import Acceptor
from peers.acceptor import ack

NAME, NUMBER, SSN = "CANARYFAMILY", "MRNCANARY77", "900551234"
MARKS = tuple(mark.encode() for mark in (NAME, NUMBER, SSN, NAME.title(), "canaryfamily"))


class Refusing(Acceptor):
    """Takes most, errs on some, rejects some."""

    def answer(self, body: bytes) -> bytes:
        luck = random.Random(body).random()
        return ack(body, "AR" if luck < 0.05 else "AE" if luck < 0.15 else "AA")


def _messages(number: int) -> list[bytes]:
    """Good and bad messages that all carry the marks somewhere."""
    chance = random.Random(7)
    made = []
    for index in range(number):
        extra = (
            f"NK1|1|{NAME}^KIN|SPO|1 {NAME} ST^^TOWN\r"
            f"IN1|1|{NAME}|{NUMBER}|{NAME}||||||||||||{NAME}^X|SEL|1970\r"
            f"ZZZ|{NAME}|{SSN}\r"
        )
        body = admission(f"C{index:06d}", f"{NUMBER}{index % 50}", family=NAME, extra=extra)
        body = body.replace(b"||19700102|F", f"||19700102|F|||||||||||{SSN}".encode())
        kind = chance.randrange(12)
        if kind == 0:
            body = body.replace(b"MSH|", b"XXX|", 1)
        elif kind == 1:
            body = body.replace(b"|P|2.5.1", b"|T|2.5.1")
        elif kind == 2:
            body = body.replace(b"CANARYFAMILY^PAT", b"CANARYFAMILY\xff^PAT")
        elif kind == 3:
            body = body.replace(b"|19700102|", f"|{NAME}|".encode())
        elif kind == 4:
            body = body.replace(b"PV1|1|I", f"PV1|1|{NAME}".encode())
        elif kind == 5:
            body = body.replace(b"ADT^A01^ADT_A01", f"ADT^{NAME}".encode())
        elif kind == 6:
            body = body.replace(b"PID|1||", f"PID|1||{NAME}\\X41".encode())
        made.append(body)
    return made


@pytest.mark.timeout(240)
async def test_no_mark_leaves_the_sealed_bodies(tmp_path: Path) -> None:
    async with Refusing() as peer:
        engine = Engine(tmp_path / "p", sink=peer.port)
        await asyncio.to_thread(engine.start)
        messages = _messages(1000)
        shares = [messages[start::8] for start in range(8)]
        await asyncio.gather(*(engine.send(*share) for share in shares))
        await asyncio.sleep(1.0)
        url = f"http://127.0.0.1:{engine.http}"
        seen = [
            await asyncio.to_thread(_fetch, f"{url}/{page}")
            for page in ("metrics", "health/live", "health/ready")
        ]
        seen.append(_process_list())
        verbs = [
            engine.verb(*words)
            for words in (
                ["dead-letters"],
                ["dead-letters", "--format", "json"],
                ["messages", "--format", "json", "--limit", "2000"],
                ["ledger"],
                ["doctor"],
                ["lint", "--offline"],
            )
        ]
        seen += [(done.stdout + done.stderr).encode() for done in verbs]
        counts = await asyncio.to_thread(engine.stop)
    assert counts["accepted"] == 1000
    assert counts["dead"] > 100
    for text in seen:
        assert not _marks(text)
    for path in engine.folder.rglob("*"):
        if path.is_file():
            assert not _marks(path.read_bytes()), path.name


def test_the_marks_are_found_where_they_are() -> None:
    assert _marks(_messages(1)[0]) == 3


def _marks(text: bytes) -> int:
    return sum(mark in text for mark in MARKS)


def _fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read()


def _process_list() -> bytes:
    found = b""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += path.read_bytes()
        except OSError:
            continue
    return found

"""Bad input gets the reply the standard owes it, is kept, and the next message is served."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from acceptance.engine import END, START, Engine, admission, code_of, holds
from peers import Acceptor

GOOD = admission("GOOD", "P1")
HEAD = b"MSH|^~\\&|EHR|CLINIC|VAGUS|V|20260102||ADT^A01^ADT_A01|"
BAD = {
    "no MSH": (b"PID|1||1^^^C\r", "AR", "decode"),
    "unknown version": (HEAD + b"1|P|9.9\rPID|1||1^^^C\r", "AR", "accept"),
    "wrong processing id": (HEAD + b"2|T|2.5.1\rPID|1||1^^^C\r", "AR", "accept"),
    "missing MSH-10": (HEAD + b"|P|2.5.1\rPID|1||1^^^C\r", "AE", "accept"),
    "undecodable charset": (HEAD + b"3|P|2.5.1\rPID|1||1^^^C||M\xfcller\r", "AE", "decode"),
    "unknown event": (HEAD.replace(b"A01^ADT_A01", b"Q99") + b"4|P|2.5.1\r", "AR", "accept"),
}


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    async with Acceptor() as peer:
        engine = Engine(tmp_path / "p", sink=peer.port)
        await asyncio.to_thread(engine.start)
        yield engine
        if engine.process and engine.process.poll() is None:
            engine.kill()


def _dead(engine: Engine) -> list[dict]:
    done = engine.verb("dead-letters", "--format", "json")
    return [json.loads(line) for line in done.stdout.splitlines()]


async def test_each_kind_is_answered_kept_and_followed(engine: Engine) -> None:
    for name, (body, code, _) in BAD.items():
        replies = await engine.send(body, GOOD)
        assert code_of(replies[0]) == code, name
        assert code_of(replies[1]) == "AA", name
    dead = await asyncio.to_thread(_dead, engine)
    assert sorted(item["stage"] for item in dead) == sorted(item[2] for item in BAD.values())
    counts = await asyncio.to_thread(engine.stop)
    assert counts["dead"] == len(BAD)
    assert counts["delivered"] == 1  # the good one; the others were duplicates of it
    assert counts["duplicates"] == len(BAD) - 1
    assert holds(counts)


async def test_frames_that_are_none(engine: Engine) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", engine.port)
    two = START + admission("A", "P1") + END + START + admission("B", "P1") + END
    writer.write(b"what is this?" + two[:40])
    await asyncio.sleep(0.1)
    writer.write(two[40:])
    assert code_of(await asyncio.wait_for(reader.readuntil(END), 10)) == "AA"
    assert code_of(await asyncio.wait_for(reader.readuntil(END), 10)) == "AA"
    writer.write(START + admission("C", "P1")[:60])  # half a frame, then the line is cut
    await writer.drain()
    await asyncio.sleep(0.2)
    writer.close()
    inside = admission("D", "P1", extra="NTE|1||a\x1cb\r")
    assert code_of((await engine.send(inside))[0]) in ("AA", "AE")
    assert code_of((await engine.send(GOOD))[0]) == "AA"
    await asyncio.sleep(0.5)
    dead = await asyncio.to_thread(_dead, engine)
    assert {"junk", "incomplete"} <= {item["reason"] for item in dead}


async def test_fifty_megabytes_are_refused_and_the_next_is_served(engine: Engine) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", engine.port)
    writer.write(START + admission("BIG", "P1", extra="NTE|1||"))
    chunk = b"x" * (1 << 20)
    try:
        for _ in range(50):
            writer.write(chunk)
            await writer.drain()
        writer.write(b"\r" + END)
        reply = await asyncio.wait_for(reader.read(), 20)
        assert code_of(reply) in ("AR", "")
    except ConnectionError:
        pass  # the engine may close while the rest is still being written
    finally:
        writer.close()
    assert code_of((await engine.send(GOOD))[0]) == "AA"
    dead = await asyncio.to_thread(_dead, engine)
    assert "too-large" in {item["reason"] for item in dead}

from __future__ import annotations

import asyncio
import json
import sys

import pytest
from aiohttp import web
from cli.given import adt

from peers import Acceptor


async def send(*arguments: object, stdin: bytes = b"") -> tuple[int, str, str]:
    """The real command, beside the peers of this test's event loop."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "vagus.cli",
        "send",
        *map(str, arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate(stdin)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_each_message_of_a_batch_is_sent_and_answered():
    peer = await Acceptor().start()
    try:
        target = f"mllp://127.0.0.1:{peer.port}"
        batch = b"BHS|^~\\&\r" + adt("1") + adt("2") + adt("3") + b"BTS|3\r"
        code, out, _ = await send("-", target, "--format", "json", stdin=batch)
    finally:
        await peer.stop()
    replies = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [(item["code"], item["taken"]) for item in replies] == [("AA", True)] * 3
    assert all(f"MSA|AA|{n}" in item["reply"] for n, item in enumerate(replies, 1))
    assert peer.bodies == [adt("1"), adt("2"), adt("3")]


async def test_a_refusal_makes_the_exit_code_one(message):
    peer = await Acceptor(reject=1.0).start()
    try:
        code, out, _ = await send(message, f"mllp://127.0.0.1:{peer.port}")
    finally:
        await peer.stop()
    assert code == 1 and "MSA|AR|C1" in out


async def test_nobody_listens(message, unused_port):
    code, out, err = await send(message, f"mllp://127.0.0.1:{unused_port}")
    assert code == 1 and out == "" and "refused" in err and "Traceback" not in err


async def test_a_peer_that_never_answers(message):
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    code, _, err = await send(message, f"mllp://127.0.0.1:{port}", "--timeout", "0.3")
    server.close()
    assert code == 1 and "timeout" in err


@pytest.mark.parametrize(("status", "code"), [(200, 0), (202, 0), (422, 1), (302, 1)])
async def test_over_http(message, status, code):
    seen: list[tuple[bytes, str]] = []

    async def take(request: web.Request) -> web.Response:
        seen.append((await request.read(), request.content_type))
        return web.Response(status=status, text="answer")

    app = web.Application()
    app.router.add_post("/in", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    target = f"http://127.0.0.1:{runner.addresses[0][1]}/in"
    got, out, _ = await send(message, target, "--format", "json")
    await runner.cleanup()
    assert got == code and seen == [(adt(), "application/hl7-v2")]
    assert json.loads(out) == {"code": str(status), "taken": status < 300, "reply": "answer"}


def test_into_a_folder(call, message, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    assert call("send", message, folder).code == 0
    assert call("send", message, folder).code == 0
    assert sorted(path.name for path in folder.iterdir()) == ["000001.hl7", "000002.hl7"]
    assert (folder / "000001.hl7").read_bytes() == adt()


@pytest.mark.parametrize(
    "target", ["mllp://", "mllp://host", "mllp://host:99999", "ftp://x/y", "/no/such/folder"]
)
def test_a_target_that_is_none(call, message, target):
    done = call("send", message, target)
    assert done.code == 2 and "MARKED-NAME" not in done.err


@pytest.fixture
def unused_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

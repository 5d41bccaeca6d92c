"""Every error path with a marked patient; the mark must show up nowhere."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from connectors.file.config import DestinationConfig as FileDestinationConfig
from connectors.file.config import SourceConfig as FileSourceConfig
from connectors.file.destination import FileDestination
from connectors.file.source import FileSource
from connectors.mllp.config import DestinationConfig, SourceConfig
from connectors.mllp.destination import MllpDestination
from connectors.mllp.framing import frame
from connectors.mllp.source import MllpSource
from connectors.seam import Outbound, Reply
from peers import Peer, Recorder, Taken, ack, adt, receive, send, until
from vagus.kernel import log
from vagus.kernel.errors import DeliveryError

MARK = "ZZMARKED"
BODY = adt("C1", text=MARK)


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    stream = io.StringIO()
    log.configure("debug", stream)
    yield stream
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def failing(item: Taken) -> Reply:
    raise RuntimeError(item.frame.decode())


async def test_sources_say_nothing_of_what_they_carry(logged: io.StringIO, tmp_path: Path) -> None:
    recorder = Recorder(failing)
    source = MllpSource(SourceConfig(port=0))
    await source.start(recorder)
    for data in (frame(BODY), b"\x0b" + BODY + frame(BODY), BODY + frame(BODY)):
        reader, writer = await asyncio.open_connection("127.0.0.1", source.port)
        writer.write(data)
        await reader.read()
        writer.close()
    await source.stop()
    (tmp_path / f"{MARK}.hl7").write_bytes(BODY)
    (tmp_path / f"{MARK}.link").symlink_to(tmp_path / "nowhere")
    files = FileSource(FileSourceConfig(folder=str(tmp_path), every=0.02, stable=0.0))
    await files.start(recorder)
    await until(lambda: recorder.taken[-1].peer == str(tmp_path))
    await files.stop()
    assert logged.getvalue().count("receive_failed") >= 4
    assert MARK not in logged.getvalue()
    assert all(MARK not in item.peer for item in recorder.taken)


async def test_destinations_say_nothing_of_what_they_carry(
    logged: io.StringIO, tmp_path: Path
) -> None:
    spoken: list[str] = []

    async def collect(destination: MllpDestination | FileDestination, message: Outbound) -> None:
        try:
            await destination.send(message)
        except DeliveryError as error:
            spoken.append(f"{error} {error!r} {error.__cause__!r} {error.code}")

    script = [
        step
        for code in ("AE", "AR")
        for step in (receive, send(lambda body, c=code: ack(body, c, b"C1")))
    ]
    async with Peer([*script, receive, send(b"\x0bMSH|" + MARK.encode() + b"\x1c\r")]) as peer:
        config = DestinationConfig(host="127.0.0.1", port=peer.port, ack_timeout=0.1)
        destination = MllpDestination(config)
        for body in (BODY, BODY, BODY, BODY + b"\x1c", BODY[4:]):
            await collect(destination, Outbound("K", body))
        await destination.close()
    folder = tmp_path / "out"
    folder.mkdir()
    files = FileDestination(FileDestinationConfig(folder=str(folder)))
    await files.open()
    folder.rmdir()
    await collect(files, Outbound("K", BODY))
    await files.close()
    codes = [text.split()[-1] for text in spoken]
    assert codes == ["AE", "AR", "timeout", "unframeable", "no-control", "missing"]
    assert MARK not in " ".join(spoken) + logged.getvalue()

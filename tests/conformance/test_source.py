"""What every source promises, whatever it reads from."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Protocol

import pytest
import trustme

from connectors.catalogue import BUILTIN
from connectors.mllp.framing import frame
from connectors.mllp.source import MllpSource
from connectors.seam import Reply, Source
from peers import Recorder, Taken, until
from vagus.kernel.errors import ConfigError

LIMIT = 100_000


class Rig(Protocol):
    """One kind of source with a sender of its own."""

    def make(self) -> Source:
        """A source that has not started."""
        ...

    def spoilt(self) -> Source:
        """One whose place cannot be used."""
        ...

    async def offer(self, source: Source, *bodies: bytes) -> None:
        """Send some messages, in order."""
        ...

    async def accepted(self, count: int) -> list[bytes]:
        """Wait until the sender knows of so many acceptances; which they were, in order."""
        ...

    async def close(self) -> None:
        """Tidy up."""
        ...


class MllpRig:
    def __init__(self, folder: Path, *, secure: bool) -> None:
        self._config: dict[str, object] = {"port": 0, "max_frame": LIMIT}
        self._context: ssl.SSLContext | None = None
        self._line: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._known: list[bytes] = []
        if secure:
            authority = trustme.CA()
            authority.cert_pem.write_to_path(str(folder / "ca.pem"))
            issued = authority.issue_cert("localhost")
            (folder / "own.key").write_bytes(issued.private_key_pem.bytes())
            (folder / "own.pem").write_bytes(issued.cert_chain_pems[0].bytes())
            names = {"cert": "own.pem", "key": "own.key", "ca": "ca.pem"}
            self._config["tls"] = {key: str(folder / name) for key, name in names.items()}
            self._context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
            self._context.load_cert_chain(folder / "own.pem", folder / "own.key")

    def make(self) -> Source:
        model, build = BUILTIN["mllp"].source or pytest.fail("mllp has a source")
        return build(model(**self._config))

    def spoilt(self) -> Source:
        model, build = BUILTIN["mllp"].source or pytest.fail("mllp has a source")
        return build(model(**self._config | {"host": "192.0.2.1", "allow_plaintext": True}))

    async def offer(self, source: Source, *bodies: bytes) -> None:
        assert isinstance(source, MllpSource)
        if self._line is None:
            self._line = await asyncio.open_connection(
                "localhost", source.port, ssl=self._context, limit=4 * LIMIT
            )
        self._line[1].write(b"".join(map(frame, bodies)))

    async def accepted(self, count: int) -> list[bytes]:
        assert self._line is not None
        while len(self._known) < count:
            reply = (await self._line[0].readuntil(b"\x1c\r"))[1:-2]
            if reply.startswith(b"yes "):
                self._known.append(reply[4:])
        return self._known

    async def close(self) -> None:
        if self._line is not None:
            self._line[1].transport.abort()
            await asyncio.sleep(0.01)


class FileRig:
    def __init__(self, folder: Path) -> None:
        self._folder = folder / "in"
        self._folder.mkdir()
        self._offered = 0

    def _source(self, folder: Path) -> Source:
        model, build = BUILTIN["file"].source or pytest.fail("file has a source")
        return build(model(folder=str(folder), every=0.01, stable=0.0, max_size=LIMIT))

    def make(self) -> Source:
        return self._source(self._folder)

    def spoilt(self) -> Source:
        return self._source(self._folder / "gone")

    async def offer(self, source: Source, *bodies: bytes) -> None:
        for body in bodies:
            name = f"{self._offered:05d}"
            self._offered += 1
            (self._folder / f".{name}").write_bytes(body)
            (self._folder / f".{name}").rename(self._folder / name)

    async def accepted(self, count: int) -> list[bytes]:
        done = self._folder / ".done"
        await until(lambda: len(list(done.iterdir())) >= count)
        return [item.read_bytes() for item in sorted(done.iterdir())]

    async def close(self) -> None:
        pass


RIGS: dict[str, Callable[[Path], Rig]] = {
    "mllp": lambda folder: MllpRig(folder, secure=False),
    "mllp with TLS": lambda folder: MllpRig(folder, secure=True),
    "file": FileRig,
}


@pytest.fixture(params=RIGS)
async def rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Rig]:
    rig = RIGS[request.param](tmp_path)
    yield rig
    await rig.close()


@pytest.fixture
async def start(rig: Rig) -> AsyncIterator[Callable[[Recorder], Awaitable[Source]]]:
    started: list[Source] = []

    async def begin(recorder: Recorder) -> Source:
        source = rig.make()
        await source.start(recorder)
        started.append(source)
        return source

    yield begin
    await rig.close()
    for source in started:
        await source.stop()


Start = Callable[[Recorder], Awaitable[Source]]
BODIES = [b"MSH|%d" % number for number in range(30)]


def yes(item: Taken) -> Reply:
    return Reply(b"yes " + item.frame)


def test_every_source_of_the_catalogue_is_tried() -> None:
    tried = {name.split()[0] for name in RIGS}
    assert tried == {name for name, connector in BUILTIN.items() if connector.source}


async def test_each_message_goes_up_once_and_in_order(rig: Rig, start: Start) -> None:
    recorder = Recorder(yes)
    source = await start(recorder)
    await rig.offer(source, *BODIES)
    assert await rig.accepted(len(BODIES)) == BODIES
    await asyncio.sleep(0.05)
    assert recorder.frames == BODIES
    assert recorder.damage == []
    assert all(item.peer for item in recorder.taken)


async def test_answers_may_come_late_and_out_of_order(rig: Rig, start: Start) -> None:
    recorder = Recorder()
    source = await start(recorder)
    await rig.offer(source, *BODIES[:4])
    await recorder.count(4)
    await asyncio.sleep(0.02)
    for item in reversed(recorder.taken):
        item.respond(yes(item))
        await asyncio.sleep(0)
    assert await rig.accepted(4) == BODIES[:4]


async def test_the_first_answer_stands(rig: Rig, start: Start) -> None:
    recorder = Recorder()
    source = await start(recorder)
    await rig.offer(source, *BODIES[:2])
    await recorder.count(2)
    for item in recorder.taken:
        item.respond(yes(item))
        item.respond(Reply(b"no", accepted=False))
    assert await rig.accepted(2) == BODIES[:2]
    for item in recorder.taken:
        item.respond(Reply(b"no", accepted=False, close=True))
    await rig.offer(source, BODIES[2])
    await recorder.count(3)
    recorder.taken[2].respond(yes(recorder.taken[2]))
    assert await rig.accepted(3) == BODIES[:3]


async def test_a_refusal_is_no_acceptance(rig: Rig, start: Start) -> None:
    def every_other(item: Taken) -> Reply:
        if int(item.frame[4:]) % 2:
            return Reply(b"no", accepted=False)
        return yes(item)

    source = await start(Recorder(every_other))
    await rig.offer(source, *BODIES[:10])
    assert await rig.accepted(5) == BODIES[:10:2]


async def test_nothing_goes_up_during_a_pause(rig: Rig, start: Start) -> None:
    recorder = Recorder(yes)
    source = await start(recorder)
    source.pause()
    source.pause()
    await rig.offer(source, *BODIES[:5])
    await asyncio.sleep(0.1)
    assert recorder.taken == []
    source.resume()
    source.resume()
    assert await rig.accepted(5) == BODIES[:5]
    source.pause()
    await rig.offer(source, *BODIES[5:10])
    await asyncio.sleep(0.1)
    assert len(recorder.taken) == 5
    source.resume()
    assert await rig.accepted(10) == BODIES[:10]


async def test_a_pause_holds_from_within_receive(rig: Rig, start: Start) -> None:
    source: Source

    def pausing(item: Taken) -> Reply:
        source.pause()
        return yes(item)

    recorder = Recorder(pausing)
    source = await start(recorder)
    await rig.offer(source, *BODIES[:3])
    for number in range(1, 4):
        await recorder.count(number)
        await asyncio.sleep(0.05)
        assert len(recorder.taken) == number
        source.resume()
    assert await rig.accepted(3) == BODIES[:3]


async def test_answers_during_a_pause_are_delivered(rig: Rig, start: Start) -> None:
    recorder = Recorder()
    source = await start(recorder)
    await rig.offer(source, *BODIES[:2])
    await recorder.count(2)
    source.pause()
    for item in recorder.taken:
        item.respond(yes(item))
    assert await rig.accepted(2) == BODIES[:2]
    source.resume()


async def test_stop_delivers_what_is_owed_and_takes_nothing_new(rig: Rig, start: Start) -> None:
    recorder = Recorder()
    source = await start(recorder)
    await rig.offer(source, *BODIES[:3])
    await recorder.count(3)
    stopping = asyncio.create_task(source.stop())
    await asyncio.sleep(0.05)
    assert not stopping.done()
    await rig.offer(source, *BODIES[3:6])
    for item in recorder.taken:
        item.respond(yes(item))
    assert await rig.accepted(3) == BODIES[:3]
    await asyncio.wait_for(stopping, 5.0)
    await asyncio.sleep(0.05)
    assert len(recorder.taken) == 3


async def test_stop_may_come_during_a_pause_twice_and_before_start(rig: Rig, start: Start) -> None:
    await rig.make().stop()
    recorder = Recorder(yes)
    source = await start(recorder)
    await rig.offer(source, BODIES[0])
    await rig.accepted(1)
    source.pause()
    await rig.offer(source, BODIES[1])
    await asyncio.sleep(0.05)
    await asyncio.wait_for(source.stop(), 5.0)
    await source.stop()
    assert recorder.frames == BODIES[:1]


async def test_what_is_too_large_goes_up_as_damage(rig: Rig, start: Start) -> None:
    recorder = Recorder(lambda item: Reply(None, accepted=False) if item.damage else yes(item))
    source = await start(recorder)
    exact = b"x" * LIMIT
    await rig.offer(source, exact, b"y" * (LIMIT + 1))
    assert await rig.accepted(1) == [exact]
    await recorder.count(2)
    assert recorder.damage == [("too-large", b"y" * 65536)]


async def test_a_place_that_cannot_be_used_is_said_at_start(rig: Rig) -> None:
    source = rig.spoilt()
    with pytest.raises(ConfigError) as caught:
        await source.start(Recorder())
    assert ";" in str(caught.value), "says how to mend it"
    await source.stop()

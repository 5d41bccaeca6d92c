"""What every destination promises, whatever it writes to."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Protocol

import pytest
import trustme

from connectors.catalogue import BUILTIN
from connectors.seam import Destination, Outbound
from peers import Acceptor, adt
from vagus.kernel.errors import DeliveryDelayed, Fault


class Rig(Protocol):
    """One kind of destination with a place of its own."""

    async def open(self) -> Destination:
        """A destination that is open, and its place ready."""
        ...

    def arrived(self) -> list[bytes]:
        """What the place holds."""
        ...

    async def take_away(self) -> None:
        """Make the place unusable."""
        ...

    async def bring_back(self) -> None:
        """Make it usable again."""
        ...

    async def close(self) -> None:
        """Tidy up."""
        ...


class MllpRig:
    def __init__(self, folder: Path, *, secure: bool) -> None:
        self._server: ssl.SSLContext | None = None
        self._tls: dict[str, str] | None = None
        if secure:
            authority = trustme.CA()
            authority.cert_pem.write_to_path(str(folder / "ca.pem"))
            self._server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert("localhost").configure_cert(self._server)
            self._tls = {"ca": str(folder / "ca.pem")}
        self._peer = Acceptor(tls=self._server)

    async def open(self) -> Destination:
        await self._peer.start()
        model, build = BUILTIN["mllp"].destination or pytest.fail("mllp has a destination")
        destination = build(
            model(host="localhost", port=self._peer.port, tls=self._tls, connections=3)
        )
        await destination.open()
        return destination

    def arrived(self) -> list[bytes]:
        return self._peer.bodies

    async def take_away(self) -> None:
        await self._peer.stop()

    async def bring_back(self) -> None:
        await self._peer.start(self._peer.port)

    async def close(self) -> None:
        await self._peer.stop()


class FileRig:
    def __init__(self, folder: Path) -> None:
        self._folder = folder / "out"
        self._away = folder / "away"

    async def open(self) -> Destination:
        self._folder.mkdir()
        model, build = BUILTIN["file"].destination or pytest.fail("file has a destination")
        destination = build(model(folder=str(self._folder), name="{id}", concurrency=3))
        await destination.open()
        return destination

    def arrived(self) -> list[bytes]:
        return [item.read_bytes() for item in sorted(self._folder.iterdir())]

    async def take_away(self) -> None:
        self._folder.rename(self._away)

    async def bring_back(self) -> None:
        self._away.rename(self._folder)

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
async def destination(rig: Rig) -> AsyncIterator[Destination]:
    destination = await rig.open()
    yield destination
    await destination.close()


def out(number: int) -> Outbound:
    return Outbound(f"K{number:03d}", adt(f"C{number}"), "ADT^A08")


def test_every_destination_of_the_catalogue_is_tried() -> None:
    tried = {name.split()[0] for name in RIGS}
    assert tried == {name for name, connector in BUILTIN.items() if connector.destination}


async def test_messages_arrive_as_they_are_with_a_receipt(
    rig: Rig, destination: Destination
) -> None:
    for number in range(10):
        receipt = await destination.send(out(number))
        assert receipt.code in ("AA", "written")
        assert receipt.body
    assert rig.arrived() == [adt(f"C{number}") for number in range(10)]


async def test_as_many_as_promised_may_be_under_way_and_more_wait(
    rig: Rig, destination: Destination
) -> None:
    assert destination.concurrency == 3
    await asyncio.gather(*(destination.send(out(number)) for number in range(50)))
    assert sorted(rig.arrived()) == sorted(adt(f"C{number}") for number in range(50))


async def test_the_same_message_may_be_sent_again(rig: Rig, destination: Destination) -> None:
    first = await destination.send(out(1))
    assert (await destination.send(out(1))).code == first.code
    assert set(rig.arrived()) == {adt("C1")}


async def test_a_place_that_is_away_delays_and_blames_no_message(
    rig: Rig, destination: Destination
) -> None:
    await destination.send(out(1))
    await rig.take_away()
    for _ in range(2):
        with pytest.raises(DeliveryDelayed) as caught:
            await destination.send(out(2))
        assert caught.value.fault is Fault.DESTINATION
        assert "DOE" not in str(caught.value)
    await rig.bring_back()
    await destination.send(out(2))
    assert adt("C2") in rig.arrived()


async def test_a_cancelled_send_does_not_harm_the_next(rig: Rig, destination: Destination) -> None:
    for number in range(5):
        task = asyncio.create_task(destination.send(out(number)))
        for _ in range(number):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        receipt = await asyncio.wait_for(destination.send(out(100 + number)), 5.0)
        assert receipt.code in ("AA", "written")
    assert {adt(f"C{100 + number}") for number in range(5)} <= set(rig.arrived())


async def test_close_leaves_no_send_hanging_and_may_come_twice(
    rig: Rig, destination: Destination
) -> None:
    tasks = [asyncio.create_task(destination.send(out(number))) for number in range(3)]
    await asyncio.sleep(0.01)
    await destination.close()
    await destination.close()
    results = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5.0)
    for number, result in enumerate(results):
        if isinstance(result, BaseException):
            assert isinstance(result, DeliveryDelayed)
        else:
            assert adt(f"C{number}") in rig.arrived()

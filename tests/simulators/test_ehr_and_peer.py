"""An EHR against a peer, and against a receiver with bad manners, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from vagus.kernel.errors import ConfigError
from vagus.simulators.config import Accepts, Mischief, Sends, Target
from vagus.simulators.connection import answer, block, next_block
from vagus.simulators.ehr import Ehr
from vagus.simulators.messages import Message, control
from vagus.simulators.peer import Peer, acknowledgement

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def adt(name: str, patient: str, enhanced: str = "") -> Message:
    body = f"MSH|^~\\&|A|B|C|D|20261006090005-0500||ADT^A04^ADT_A01|{name}|P|2.5.1|||{enhanced}\r"
    body += f"PID|1||{patient}^^^H^MR\r"
    return Message(body.encode(), "ADT", (patient.encode(),))


def sends(port: int, **more: object) -> Sends:
    settings = {"messages": ["x"], "to": [{"port": port}], "rate": 0, "loops": 1, "fresh": False}
    return Sends.model_validate(settings | more)


@asynccontextmanager
async def peer(**settings: object) -> AsyncIterator[Peer]:
    made = Peer("registry", Accepts.model_validate({"port": 0} | settings))
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


@asynccontextmanager
async def receiver(serve: Serve) -> AsyncIterator[int]:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def test_every_message_is_sent_once_and_answered() -> None:
    messages = [adt(f"M{at}", f"P{at % 5}") for at in range(40)]
    async with peer() as registry:
        ehr = Ehr("ehr", sends(registry.port, loops=2), messages)
        await ehr.start()
        await ehr.finished()
        await ehr.stop()
        report = ehr.report()
        assert report["sent"] == 80 and report["answered_AA"] == 80
        assert 0 < report["ms_p50"] <= report["ms_p95"] <= report["ms_p99"]
        assert registry.report() == {"simulator": "registry", "accepted": 80}


async def test_a_loop_is_not_a_duplicate_but_duplicates_are() -> None:
    async with peer() as registry:
        config = sends(registry.port, loops=3, duplicates=1.0)
        ehr = Ehr("ehr", config, [adt("M1", "P1"), adt("M2", "P2")])
        await ehr.start()
        await ehr.finished()
        assert registry.report() == {"simulator": "registry", "accepted": 6, "repeats": 6}
        assert ehr.report()["duplicates"] == 6


async def test_a_refused_message_is_taken_the_second_time() -> None:
    async with peer(refuse=0.5, seed=3) as registry:
        rounds: list[list[str]] = []
        for _ in range(2):
            reader, writer = await asyncio.open_connection("127.0.0.1", registry.port)
            codes = []
            for at in range(30):
                writer.write(block(adt(f"M{at}", "P").body))
                reply = await next_block(reader)
                assert reply is not None
                code, named = answer(reply)
                assert named == b"M%d" % at
                codes.append(code)
            writer.close()
            await writer.wait_closed()
            rounds.append(codes)
        first, second = rounds
        assert 5 < first.count("AE") < 25
        assert second == ["AA"] * 30
        assert registry.report()["refused"] == first.count("AE")


async def test_one_message_in_flight_and_the_order_of_a_patient_kept() -> None:
    seen: list[bytes] = []
    waiting = 0
    most = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal waiting, most
        while (body := await next_block(reader)) is not None:
            waiting += 1
            most = max(most, waiting)
            seen.append(control(body))
            await asyncio.sleep(0.002)
            assert not reader._buffer  # type: ignore[attr-defined]
            waiting -= 1
            writer.write(block(acknowledgement(body, "AA")))
        writer.close()

    messages = [adt(f"P{at % 4}-{at:02}", f"P{at % 4}") for at in range(40)]
    async with receiver(serve) as port:
        ehr = Ehr("ehr", sends(port, connections=3), messages)
        await ehr.start()
        await ehr.finished()
    assert most == 3
    for patient in range(4):
        mine = [name for name in seen if name.startswith(b"P%d-" % patient)]
        assert len(mine) == 10 and mine == sorted(mine)


async def test_no_answer_makes_it_send_the_same_bytes_again() -> None:
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (body := await next_block(reader)) is not None:
            seen.append(body)
            if len(seen) == 1:
                continue
            if len(seen) == 2:
                break
            writer.write(block(acknowledgement(adt("another", "P").body, "AA")))
            writer.write(block(acknowledgement(body, "AA")))
        writer.close()

    async with receiver(serve) as port:
        ehr = Ehr("ehr", sends(port, ack_timeout="50ms", fresh=True), [adt("M1", "P1")])
        await ehr.start()
        await ehr.finished()
    assert len(seen) == 3 and len(set(seen)) == 1
    assert control(seen[0]).startswith(b"M1-")
    report = ehr.report()
    assert report["sent"] == 1 and report["resent"] == 2 and report["answered_AA"] == 1


async def test_it_waits_for_a_receiver_that_comes_late() -> None:
    async with peer() as first:
        port = first.port
    ehr = Ehr("ehr", sends(port), [adt("M1", "P1")])
    await ehr.start()
    await asyncio.sleep(0.05)
    async with peer(port=port) as late:
        await asyncio.wait_for(ehr.finished(), 10)
        assert late.report()["accepted"] == 1


async def test_messages_go_where_their_code_belongs() -> None:
    siu = Message(adt("S1", "P1").body.replace(b"ADT^A04^ADT_A01", b"SIU^S12"), "SIU", (b"P1",))
    async with peer() as bookings, peer() as registration:
        targets = [Target(port=registration.port), Target(types=("SIU",), port=bookings.port)]
        config = sends(1).model_copy(update={"to": tuple(targets)})
        ehr = Ehr("ehr", config, [adt("M1", "P1"), siu, adt("M2", "P1")])
        await ehr.start()
        await ehr.finished()
        assert bookings.report()["accepted"] == 1
        assert registration.report()["accepted"] == 2


async def test_bad_messages_go_beside_the_story_and_are_not_repeated() -> None:
    count = 0
    six = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        while (body := await next_block(reader)) is not None:
            count += b"|M1|" not in body
            if count == 6:
                six.set()
            if not body.startswith(b"MSH"):
                break
            writer.write(block(acknowledgement(body, "AR" if b"|T|" in body else "AA")))
        writer.close()

    bad = [Message(b"no header", "", ()), adt("B1", "P9")]
    bad[1] = Message(bad[1].body.replace(b"|P|", b"|T|"), "ADT", (b"P9",))
    async with receiver(serve) as port:
        mischief = Mischief.model_validate({"messages": ["x"], "every": "5ms", "wait": "1s"})
        config = sends(port).model_copy(update={"bad": mischief})
        ehr = Ehr("ehr", config, [adt("M1", "P1")], bad)
        await ehr.start()
        await ehr.finished()
        await six.wait()
        await ehr.stop()
    report = ehr.report()
    assert report["sent"] == report["answered_AA"] == 1 and "answered_AR" not in report
    assert report["bad_unanswered"] >= 3 and report["bad_answered_AR"] >= 2
    assert "bad_answered_AA" not in report


async def test_the_rate_holds_over_all_connections_and_stopping_ends_the_wait() -> None:
    async with peer() as registry:
        messages = [adt(f"M{at}", f"P{at}") for at in range(12)]
        ehr = Ehr("ehr", sends(registry.port, rate=50, connections=4), messages)
        loop = asyncio.get_running_loop()
        started = loop.time()
        await ehr.start()
        await ehr.finished()
        assert loop.time() - started >= 11 / 50 - 0.02
        slow = Ehr("ehr", sends(registry.port, rate=0.01, loops=0), messages)
        await slow.start()
        await asyncio.sleep(0.05)
        started = loop.time()
        await slow.stop()
        assert loop.time() - started < 2


@pytest.mark.parametrize(("enhanced", "code"), [("", "AA"), ("AL|NE", "CA")])
def test_an_acknowledgement_is_addressed_back_in_the_mode_that_was_asked_for(
    enhanced: str, code: str
) -> None:
    reply = acknowledgement(adt("M1", "P1", enhanced).body, "AA")
    assert answer(reply) == (code, b"M1")
    assert reply.startswith(b"MSH|^~\\&|C|D|A|B|") and b"|ACK^A04|" in reply


async def test_a_taken_port_is_a_configuration_error_that_names_it() -> None:
    async with peer() as first:
        with pytest.raises(ConfigError, match=f"registry cannot listen on 127.0.0.1:{first.port}"):
            await Peer("registry", Accepts(port=first.port)).start()

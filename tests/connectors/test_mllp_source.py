from __future__ import annotations

import asyncio
import random
import resource
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from connectors.mllp.config import SourceConfig
from connectors.mllp.framing import frame
from connectors.mllp.source import MllpSource
from connectors.seam import Reply
from peers import Recorder, Taken, ack, adt, until
from vagus.kernel.errors import ConfigError


def echo(item: Taken) -> Reply:
    return Reply(b"ok:" + item.frame)


@asynccontextmanager
async def listening(recorder: Recorder, **config: Any) -> AsyncIterator[MllpSource]:
    source = MllpSource(SourceConfig(port=0, **config))
    await source.start(recorder)
    try:
        yield source
    finally:
        await source.stop()


class Sender:
    """A raw client: bytes out, framed replies in."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def to(cls, source: MllpSource) -> Sender:
        return cls(*await asyncio.open_connection("127.0.0.1", source.port))

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def reply(self, seconds: float = 5.0) -> bytes:
        async with asyncio.timeout(seconds):
            raw = await self.reader.readuntil(b"\x1c\r")
        assert raw[:1] == b"\x0b"
        return raw[1:-2]

    async def closed(self, seconds: float = 5.0) -> bytes:
        """Wait for the end of the connection; gives what still came."""
        async with asyncio.timeout(seconds):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b""
            finally:
                self.writer.close()

    def close(self) -> None:
        self.writer.close()


async def test_a_frame_goes_up_and_its_reply_comes_back() -> None:
    recorder = Recorder(lambda item: Reply(ack(item.frame)[1:-2]))
    async with listening(recorder) as source:
        sender = await Sender.to(source)
        sender.send(frame(adt("C1")))
        assert b"MSA|AA|C1" in await sender.reply()
        sender.send(frame(adt("C2")))
        assert b"MSA|AA|C2" in await sender.reply()
        assert recorder.frames == [adt("C1"), adt("C2")]
        host, port = sender.writer.get_extra_info("sockname")
        assert recorder.taken[0].peer == f"{host}:{port}"
        assert (source.frames, source.connections, source.damaged) == (2, 1, 0)
        sender.close()
        await until(lambda: source.connections == 0)


async def test_replies_keep_the_order_of_requests_whatever_the_order_of_answers() -> None:
    for seed in range(200):
        shuffled = random.Random(seed)
        recorder = Recorder()
        async with listening(recorder) as source:
            senders = [await Sender.to(source) for _ in range(3)]
            expected: list[list[bytes]] = [[], [], []]
            stream = [b"", b"", b""]
            for number in range(12):
                which = shuffled.randrange(3)
                body = b"%d" % number
                expected[which].append(b"ok:" + body)
                stream[which] += frame(body)
            for sender, data in zip(senders, stream, strict=True):
                at = shuffled.randrange(len(data) + 1)
                sender.send(data[:at])
                await asyncio.sleep(0)
                sender.send(data[at:])
            await recorder.count(12)
            pending = list(recorder.taken)
            shuffled.shuffle(pending)
            for item in pending:
                item.respond(echo(item))
                if shuffled.random() < 0.5:
                    await asyncio.sleep(0)
            for sender, replies in zip(senders, expected, strict=True):
                assert [await sender.reply() for _ in replies] == replies, f"seed {seed}"
                sender.close()


async def test_the_replies_of_one_turn_go_out_in_one_write() -> None:
    recorder = Recorder(echo)
    async with listening(recorder) as source:
        sender = await Sender.to(source)
        sender.send(b"".join(frame(b"%d" % number) for number in range(20)))
        await sender.reader.readuntil(b"ok:0\x1c\r")
        # All twenty were written together, so the rest is there without waiting.
        assert bytes(sender.reader._buffer).count(b"\x1c\r") == 19  # type: ignore[attr-defined]
        sender.close()


async def test_only_the_first_answer_of_a_frame_counts() -> None:
    recorder = Recorder()
    async with listening(recorder) as source:
        sender = await Sender.to(source)
        sender.send(frame(b"A") + frame(b"B"))
        await recorder.count(2)
        first, second = recorder.taken
        first.respond(Reply(b"one"))
        first.respond(Reply(b"two"))
        second.respond(Reply(b"three"))
        assert [await sender.reply(), await sender.reply()] == [b"one", b"three"]
        first.respond(Reply(b"four"))
        with pytest.raises(TimeoutError):
            await sender.reply(0.05)
        sender.close()


async def test_a_reply_without_body_sends_nothing_and_one_with_more_sends_several() -> None:
    answers = {
        b"A": Reply(None),
        b"B": Reply(b"b", more=(b"c", b"d")),
        b"E": Reply(None, more=(b"e",)),
    }
    async with listening(Recorder(lambda item: answers[item.frame])) as source:
        sender = await Sender.to(source)
        sender.send(frame(b"A") + frame(b"B") + frame(b"E"))
        assert [await sender.reply() for _ in range(4)] == [b"b", b"c", b"d", b"e"]
        sender.close()


async def test_a_reply_may_end_the_connection_after_those_before_it() -> None:
    answers = {b"A": Reply(b"a"), b"B": Reply(b"b", close=True), b"C": Reply(b"c")}
    recorder = Recorder(lambda item: answers[item.frame])
    async with listening(recorder) as source:
        sender = await Sender.to(source)
        sender.send(frame(b"A") + frame(b"B") + frame(b"C"))
        assert await sender.closed() == frame(b"a") + frame(b"b")


async def test_a_refusal_without_body_closes_without_a_word() -> None:
    async with listening(Recorder(lambda _: Reply(None, accepted=False, close=True))) as source:
        sender = await Sender.to(source)
        sender.send(frame(b"A"))
        assert await sender.closed() == b""


async def test_damage_is_handed_over_and_never_answered_on_the_wire() -> None:
    recorder = Recorder(echo)
    async with listening(recorder) as source:
        sender = await Sender.to(source)
        sender.send(b"\r\nGET / HTTP/1.1\r\n\r\n" + b"\x0bMSH|cut" + frame(b"whole"))
        assert await sender.reply() == b"ok:whole"
        assert recorder.damage == [("junk", b"GET / HTTP/1.1"), ("incomplete", b"MSH|cut")]
        assert (source.frames, source.damaged, source.junk_bytes) == (1, 2, 14)
        sender.close()


async def test_a_connection_lost_inside_a_frame_leaves_what_had_come() -> None:
    recorder = Recorder()
    async with listening(recorder) as source:
        for number, how in enumerate(("close", "abort")):
            sender = await Sender.to(source)
            sender.send(b"\x0bMSH|" + how.encode())
            await until(lambda: source.connections == 1)
            await asyncio.sleep(0.02)
            getattr(sender.writer.transport, how)()
            await recorder.count(number + 1)
            recorder.taken[number].respond(Reply(b"nobody listens"))
            await until(lambda: source.connections == 0)
        assert recorder.damage == [("incomplete", b"MSH|close"), ("incomplete", b"MSH|abort")]


async def test_a_frame_above_the_limit_is_answered_and_the_connection_closed() -> None:
    recorder = Recorder(lambda item: Reply(b"no" if item.damage else b"ok"))
    async with listening(recorder, max_frame=200_000) as source:
        sender = await Sender.to(source)
        sender.send(frame(b"first") + b"\x0b" + b"x" * 3_000_000 + b"\x1c\r" + frame(b"after"))
        assert await sender.closed() == frame(b"ok") + frame(b"no")
        assert recorder.frames == [b"first"]
        assert recorder.damage == [("too-large", b"x" * 65536)]


async def test_fifty_megabytes_arrive_whole_within_four_times_their_size() -> None:
    size = 50 << 20
    recorder = Recorder(lambda item: Reply(b"%d" % len(item.frame)))
    async with listening(recorder, max_frame=size) as source:
        sock = socket.create_connection(("127.0.0.1", source.port))
        block = b"x" * (1 << 20)

        def push() -> bytes:
            sock.sendall(b"\x0b")
            for _ in range(50):
                sock.sendall(block)
            sock.sendall(b"\x1c\r")
            return sock.recv(100)

        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert await asyncio.to_thread(push) == frame(b"%d" % size)
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
        sock.close()
        assert grown < 4 * size


async def test_reading_stops_while_too_many_replies_are_owed() -> None:
    recorder = Recorder()
    async with listening(recorder, pipeline=4) as source:
        sender = await Sender.to(source)
        sender.send(b"".join(frame(b"%d" % number) for number in range(30)))
        await recorder.count(4)
        await asyncio.sleep(0.05)
        assert len(recorder.taken) == 4
        recorder.taken[1].respond(Reply(b"1"))
        await asyncio.sleep(0.02)
        assert len(recorder.taken) == 4
        recorder.taken[0].respond(Reply(b"0"))
        await recorder.count(6)
        await asyncio.sleep(0.02)
        assert len(recorder.taken) == 6
        for number in range(2, 30):
            await recorder.count(number + 1)
            recorder.taken[number].respond(Reply(b"%d" % number))
        assert [await sender.reply() for _ in range(30)] == [b"%d" % n for n in range(30)]
        sender.close()


async def test_a_sender_that_reads_no_replies_is_not_read_from() -> None:
    recorder = Recorder(lambda _: Reply(b"r" * 60_000))
    async with listening(recorder, pipeline=1000) as source:
        sock = socket.create_connection(("127.0.0.1", source.port))
        sock.setblocking(False)
        loop = asyncio.get_running_loop()
        flood = asyncio.create_task(loop.sock_sendall(sock, frame(b"x" * 1000) * 5000))
        await recorder.count(1)
        seen = -1
        while seen != len(recorder.taken):
            seen = len(recorder.taken)
            await asyncio.sleep(0.2)
        assert seen < 3000
        assert not flood.done()
        flood.cancel()
        sock.close()


async def test_a_sender_that_never_reads_its_replies_is_dropped_in_time() -> None:
    for close in (False, True):
        reply = Reply(b"r" * 3_000_000, close=close)
        async with listening(Recorder(lambda _, r=reply: r), frame_timeout=0.3) as source:
            with socket.create_connection(("127.0.0.1", source.port)) as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                sock.sendall(frame(b"A") * 5)
                await until(lambda: source.connections == 1)
                await until(lambda: source.connections == 0, 2.0)


async def test_pause_hands_over_nothing_and_resume_goes_on_in_order() -> None:
    recorder = Recorder(echo)
    async with listening(recorder) as source:
        early = await Sender.to(source)
        early.send(frame(b"0"))
        await recorder.count(1)
        source.pause()
        late = await Sender.to(source)
        early.send(frame(b"1") + frame(b"2"))
        late.send(frame(b"3"))
        await asyncio.sleep(0.1)
        assert recorder.frames == [b"0"]
        source.resume()
        await recorder.count(4)
        assert [await early.reply() for _ in range(3)] == [b"ok:0", b"ok:1", b"ok:2"]
        assert await late.reply() == b"ok:3"
        early.close()
        late.close()


async def test_a_pause_from_within_receive_holds_from_the_next_frame_on() -> None:
    source: MllpSource

    def pausing(item: Taken) -> Reply:
        source.pause()
        return echo(item)

    recorder = Recorder(pausing)
    async with listening(recorder) as source:
        sender = await Sender.to(source)
        sender.send(frame(b"0") + frame(b"1") + frame(b"2"))
        for number in range(3):
            assert await sender.reply() == b"ok:%d" % number
            await asyncio.sleep(0.02)
            assert len(recorder.taken) == number + 1
            source.resume()
        sender.close()


async def test_frames_read_before_a_pause_survive_their_connection() -> None:
    source: MllpSource

    def pausing(item: Taken) -> Reply:
        source.pause()
        return echo(item)

    recorder = Recorder(pausing)
    async with listening(recorder) as source:
        sender = await Sender.to(source)
        sender.send(frame(b"0") + frame(b"1"))
        await recorder.count(1)
        sender.writer.transport.abort()
        await asyncio.sleep(0.05)
        assert recorder.frames == [b"0"]
        source.resume()
        await recorder.count(2)
        source.resume()
        await until(lambda: source.connections == 0)
        assert recorder.frames == [b"0", b"1"]


async def test_a_sender_that_shuts_its_side_still_gets_its_replies() -> None:
    recorder = Recorder()
    async with listening(recorder) as source:
        sender = await Sender.to(source)
        sender.send(frame(b"0") + frame(b"1"))
        sender.writer.write_eof()
        await recorder.count(2)
        await asyncio.sleep(0.02)
        for item in recorder.taken:
            item.respond(echo(item))
        assert await sender.closed() == frame(b"ok:0") + frame(b"ok:1")


async def test_slow_frames_are_dropped_and_healthy_senders_do_not_notice() -> None:
    recorder = Recorder(echo)
    async with listening(recorder, frame_timeout=0.4) as source:
        healthy = await Sender.to(source)
        slow = [await Sender.to(source) for _ in range(50)]
        began = time.monotonic()

        async def trickle(sender: Sender) -> float:
            sender.send(b"\x0b")
            while not sender.reader.at_eof():
                sender.send(b"M")
                await asyncio.sleep(0.05)
            return time.monotonic() - began

        trickling = asyncio.gather(*(trickle(sender) for sender in slow))
        while not trickling.done():
            healthy.send(frame(b"h"))
            assert await healthy.reply(2.0) == b"ok:h"
            await asyncio.sleep(0.02)
        assert max(await trickling) < 3.0
        assert min(await trickling) >= 0.4
        assert len(recorder.damage) == 50
        assert all(word == "incomplete" and body for word, body in recorder.damage)
        await until(lambda: source.connections == 1)
        for sender in [healthy, *slow]:
            sender.close()


async def test_the_clock_of_a_frame_does_not_run_while_we_do_not_read() -> None:
    recorder = Recorder(echo)
    async with listening(recorder, frame_timeout=0.3) as source:
        sender = await Sender.to(source)
        sender.send(b"\x0bMSH|")
        await asyncio.sleep(0.05)
        source.pause()
        await asyncio.sleep(0.6)
        source.resume()
        sender.send(b"late\x1c\r")
        assert await sender.reply() == b"ok:MSH|late"
        sender.send(b"\x0bMSH|")
        await asyncio.sleep(0.05)
        source.pause()
        source.resume()
        assert await sender.closed(2.0) == b""
        assert recorder.damage == [("incomplete", b"MSH|")]
        sender.close()


async def test_silence_is_allowed_unless_an_idle_time_is_set() -> None:
    async with listening(Recorder(echo), frame_timeout=0.2) as source:
        sender = await Sender.to(source)
        await asyncio.sleep(0.5)
        sender.send(frame(b"still here"))
        assert await sender.reply() == b"ok:still here"
        sender.close()
    async with listening(Recorder(echo), idle_timeout=0.2) as source:
        sender = await Sender.to(source)
        assert await sender.closed(2.0) == b""


async def test_an_idle_time_waits_for_owed_replies() -> None:
    recorder = Recorder()
    async with listening(recorder, idle_timeout=0.1) as source:
        sender = await Sender.to(source)
        sender.send(frame(b"A"))
        await recorder.count(1)
        await asyncio.sleep(0.4)
        recorder.taken[0].respond(Reply(b"a"))
        assert await sender.closed() == frame(b"a")


async def test_a_reply_later_than_the_budget_closes_instead_of_answering() -> None:
    recorder = Recorder()
    async with listening(recorder, ack_timeout=0.1) as source:
        sender = await Sender.to(source)
        sender.send(frame(b"A") + frame(b"B"))
        await recorder.count(2)
        recorder.taken[0].respond(Reply(b"a"))
        assert await sender.reply() == b"a"
        await asyncio.sleep(0.2)
        recorder.taken[1].respond(Reply(b"b"))
        assert await sender.closed() == b""
        assert source.late == 1


async def test_connections_beyond_the_limit_are_closed_at_once() -> None:
    async with listening(Recorder(echo), max_connections=2) as source:
        first, second = await Sender.to(source), await Sender.to(source)
        await until(lambda: source.connections == 2)
        third = await Sender.to(source)
        assert await third.closed() == b""
        assert source.refused == 1
        first.close()
        await until(lambda: source.connections == 1)
        fourth = await Sender.to(source)
        fourth.send(frame(b"A"))
        assert await fourth.reply() == b"ok:A"
        second.close()
        fourth.close()


async def test_a_thousand_idle_connections_cost_little_and_disturb_nobody() -> None:
    async with listening(Recorder(echo), max_connections=1100) as source:
        address = ("127.0.0.1", source.port)
        idle = [await asyncio.to_thread(socket.create_connection, address) for _ in range(1000)]
        await until(lambda: source.connections == 1000)
        sender = await Sender.to(source)
        worst = 0.0
        for number in range(50):
            began = time.perf_counter()
            sender.send(frame(b"%d" % number))
            assert await sender.reply() == b"ok:%d" % number
            worst = max(worst, time.perf_counter() - began)
        assert worst < 1.0
        sender.close()
        for sock in idle:
            sock.close()
        await until(lambda: source.connections == 0)


async def test_stop_delivers_the_replies_still_owed_and_takes_nothing_new() -> None:
    recorder = Recorder()
    source = MllpSource(SourceConfig(port=0))
    await source.start(recorder)
    port = source.port
    sender = await Sender.to(source)
    sender.send(frame(b"A") + frame(b"B") + b"\x0bhalf")
    await recorder.count(2)
    stopping = asyncio.create_task(source.stop())
    await asyncio.sleep(0.05)
    assert not stopping.done()
    with pytest.raises(OSError, match="refused"):
        await asyncio.to_thread(socket.create_connection, ("127.0.0.1", port), 1.0)
    sender.send(frame(b"C"))
    recorder.taken[1].respond(Reply(b"b"))
    recorder.taken[0].respond(Reply(b"a"))
    assert await sender.closed() == frame(b"a") + frame(b"b")
    await stopping
    assert len(recorder.taken) == 2
    sender.close()


async def test_stop_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.mllp.source._STOP_SECONDS", 0.2)
    recorder = Recorder()
    source = MllpSource(SourceConfig(port=0))
    await source.start(recorder)
    sender = await Sender.to(source)
    sender.send(frame(b"A"))
    await recorder.count(1)
    await asyncio.wait_for(source.stop(), 2.0)
    assert await sender.closed() == b""
    recorder.taken[0].respond(Reply(b"a"))
    await source.stop()


async def test_a_port_in_use_is_named() -> None:
    async with listening(Recorder()) as source:
        other = MllpSource(SourceConfig(port=source.port))
        with pytest.raises(ConfigError, match=rf"127\.0\.0\.1:{source.port}: .*in use.*"):
            await other.start(Recorder())


async def test_a_port_is_free_again_at_once() -> None:
    recorder = Recorder(echo)
    async with listening(recorder) as source:
        port = source.port
        sender = await Sender.to(source)
        sender.send(frame(b"A"))
        await sender.reply()
    again = MllpSource(SourceConfig(port=port))
    await again.start(recorder)
    await again.stop()
    sender.close()


async def test_a_receiver_that_fails_costs_the_connection_and_no_reply() -> None:
    def failing(item: Taken) -> Reply:
        if item.frame == b"bad":
            raise RuntimeError("DOE^JANE")
        return echo(item)

    async with listening(Recorder(failing)) as source:
        sender = await Sender.to(source)
        sender.send(frame(b"bad"))
        assert await sender.closed() == b""
        other = await Sender.to(source)
        other.send(frame(b"good"))
        assert await other.reply() == b"ok:good"
        other.close()

"""The publisher by itself, against a real RabbitMQ whose line is cut, blocked and starved."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from broker.rabbitmq.publisher import Publisher
from broker.rabbitmq.settings import RabbitMQ
from broker.rabbitmq.topology import Subscriber, Topology
from broker.seam import CarrierState, Event, Refused
from integration.subscribing import taken
from peers import Proxy, until
from peers.rabbitmq import Server
from vagus.kernel.clock import SystemClock

TOPOLOGY = Topology("bench", (Subscriber("desk"), Subscriber("beds", 4)))
QUEUE = "vagus.bench.to.desk.0"


def event(number: int, subscriber: str = "desk", lane: int = 0) -> Event:
    headers = {"cloudEvents:type": "org.vagus.patient.updated.v1"}
    token = bytes([lane]) * 12
    return Event(f"E{number:05d}", subscriber, "patient.updated", token, headers, b"x" * 200)


@asynccontextmanager
async def publishing(
    server: Server, port: int | None = None, **more: object
) -> AsyncIterator[Publisher]:
    url = server.url if port is None else server.url.replace(str(server.port), str(port))
    settings = RabbitMQ(url=url, **more)  # type: ignore[arg-type]
    publisher = Publisher("bench", settings, TOPOLOGY, SystemClock())
    publisher.start()
    try:
        yield publisher
    finally:
        await publisher.stop()


def ids(server: Server) -> list[str]:
    return [got.id for got in taken(server, QUEUE)]


def firsts(found: list[str]) -> list[str]:
    return list(dict.fromkeys(found))


async def test_a_window_of_events_is_confirmed_and_in_order(rabbitmq: Server) -> None:
    async with publishing(rabbitmq, window=32) as publisher:
        await asyncio.gather(*(publisher.publish(event(number)) for number in range(1000)))
        assert (publisher.measures.confirmed, publisher.unconfirmed, publisher.measures.resent) == (
            1000,
            0,
            0,
        )
    assert await asyncio.to_thread(ids, rabbitmq) == [f"E{number:05d}" for number in range(1000)]


async def test_a_lane_has_one_queue_and_many_lanes_share_them(rabbitmq: Server) -> None:
    async with publishing(rabbitmq) as publisher:
        events = [event(number, "beds", number % 16) for number in range(64)]
        await asyncio.gather(*(publisher.publish(item) for item in events))
    for number in range(4):
        found = await asyncio.to_thread(taken, rabbitmq, f"vagus.bench.to.beds.{number}")
        assert [int(item.id[1:]) % 4 for item in found] == [number] * 16


async def test_a_line_that_is_cut_loses_nothing_and_keeps_the_order(rabbitmq: Server) -> None:
    window = 64
    async with Proxy(rabbitmq.port) as proxy, publishing(rabbitmq, proxy.port, window=window) as it:
        work = [asyncio.create_task(it.publish(event(number))) for number in range(4000)]
        for _ in range(3):
            known = it.measures.confirmed
            await until(lambda known=known: it.measures.confirmed > known + 200)  # type: ignore[misc]
            proxy.cut()
        await asyncio.gather(*work)
        assert it.measures.connects == 4
        resent = it.measures.resent
    found = await asyncio.to_thread(ids, rabbitmq)
    assert firsts(found) == [f"E{number:05d}" for number in range(4000)]
    assert len(found) - 4000 <= resent <= 3 * window


async def test_confirms_that_are_swallowed_are_in_doubt_and_sent_again(rabbitmq: Server) -> None:
    window = 50
    async with (
        Proxy(rabbitmq.port) as proxy,
        publishing(rabbitmq, proxy.port, window=window, confirm_timeout=0.6) as it,
    ):
        await it.publish(event(0))
        proxy.eat_down = 1 << 30
        work = [asyncio.create_task(it.publish(event(number))) for number in range(1, 300)]
        await until(lambda: it.measures.connects == 1 and it.unconfirmed == window)
        await asyncio.sleep(0.3)
        proxy.eat_down = 0
        await asyncio.gather(*work)
        assert it.measures.resent == window
    found = await asyncio.to_thread(ids, rabbitmq)
    assert firsts(found) == [f"E{number:05d}" for number in range(300)]
    assert len(found) - 300 <= window


async def test_a_broker_short_of_memory_is_left_alone_and_gets_nothing_twice(
    rabbitmq: Server,
) -> None:
    told: list[bool] = []
    async with publishing(rabbitmq, window=8, confirm_timeout=0.5) as it:
        it.watch(told.append)
        await it.publish(event(0))
        await asyncio.to_thread(rabbitmq.block)
        work = [asyncio.create_task(it.publish(event(number))) for number in range(1, 200)]
        await until(lambda: it.state is CarrierState.BLOCKED)
        await asyncio.sleep(1.5)  # three time-outs, none of which may count
        assert it.unconfirmed <= 8 and told[-1] is False
        await asyncio.to_thread(rabbitmq.unblock)
        await asyncio.gather(*work)
        assert (it.measures.resent, it.measures.connects) == (0, 1)
    assert await asyncio.to_thread(ids, rabbitmq) == [f"E{number:05d}" for number in range(200)]


async def taken_by(publisher: Publisher, item: Event) -> bool:
    try:
        await publisher.publish(item)
    except Refused:
        return False
    return True


async def insist(publisher: Publisher, item: Event) -> None:
    for _ in range(600):
        if await taken_by(publisher, item):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("refused for half a minute")


async def test_a_missing_queue_is_a_failure_and_is_declared_again(rabbitmq: Server) -> None:
    async with publishing(rabbitmq) as it:
        await it.publish(event(0))
        await asyncio.to_thread(rabbitmq.ctl, "delete_queue", "-p", rabbitmq.vhost, QUEUE)
        with pytest.raises(Refused, match="unrouted"):
            await it.publish(event(1))
        await insist(it, event(2))
        assert it.measures.connects == 1
    assert await asyncio.to_thread(ids, rabbitmq) == ["E00002"]


async def test_a_full_queue_refuses_and_takes_again_when_there_is_room(rabbitmq: Server) -> None:
    async with publishing(rabbitmq) as it:
        await it.publish(event(0))
        pattern = "^vagus.bench.to.desk"
        rabbitmq.ctl("set_policy", "-p", rabbitmq.vhost, "small", pattern, '{"max-length": 3}')
        try:
            taken_ones = [await taken_by(it, event(number)) for number in range(1, 60)]
        finally:
            rabbitmq.ctl("clear_policy", "-p", rabbitmq.vhost, "small")
        assert not taken_ones[-1] and it.measures.refused
        assert len(await asyncio.to_thread(ids, rabbitmq)) == 1 + sum(taken_ones)
        await it.publish(event(99))


async def test_whoever_no_longer_waits_is_not_published_for(rabbitmq: Server) -> None:
    async with publishing(rabbitmq) as it:
        await it.publish(event(0))
        await asyncio.to_thread(rabbitmq.block)
        work = [asyncio.create_task(it.publish(event(1)))]
        await until(lambda: it.state is CarrierState.BLOCKED)
        work += [asyncio.create_task(it.publish(event(number))) for number in (2, 3)]
        await asyncio.sleep(0.1)
        work.pop(1).cancel()
        await asyncio.to_thread(rabbitmq.unblock)
        await asyncio.gather(*work)
    assert await asyncio.to_thread(ids, rabbitmq) == ["E00000", "E00001", "E00003"]


async def test_the_broker_is_killed_and_comes_back(rabbitmq: Server) -> None:
    """A broker that has just come up may refuse; whoever sends keeps each lane in order."""
    lanes, each = 16, 150

    async def lane(it: Publisher, number: int) -> None:
        for position in range(each):
            await insist(it, event(number * 1000 + position, lane=number))

    async with publishing(rabbitmq) as it:
        work = [asyncio.create_task(lane(it, number)) for number in range(lanes)]
        await until(lambda: it.measures.confirmed > lanes * each // 4)
        await asyncio.to_thread(rabbitmq.kill)
        await until(lambda: not it.available)
        await asyncio.to_thread(rabbitmq.start)
        _, late = await asyncio.wait(work, timeout=30)
        state = (
            it.measures.confirmed,
            it.measures.refused,
            it.measures.returned,
            it.unconfirmed,
            it.measures.connects,
            it.available,
        )
        assert not late, state
        assert it.measures.connects == 2 and it.measures.resent <= lanes
    found = await asyncio.to_thread(ids, rabbitmq)
    assert len(set(found)) == lanes * each and len(found) <= lanes * (each + 1)
    for number in range(lanes):
        mine = [name for name in found if int(name[1:]) // 1000 == number]
        assert mine == sorted(mine)

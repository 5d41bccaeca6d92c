"""What every broker promises, shown on each: embedded and RabbitMQ."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from integration.brokers import ATTEMPTS, CONCURRENCY, Embedded, Remote, System
from peers import until
from peers.rabbitmq import Server
from vagus.automations import Reject, Retry
from vagus.kernel.keys import Keyset


class Log:
    """What was handled, in order; `fail` is asked first and may raise."""

    def __init__(self) -> None:
        self.done: list[tuple[str, int]] = []
        self.tried: list[tuple[str, int, float]] = []
        self.seconds = 0.0
        self.running = self.most = 0

    def fail(self, lane: str, number: int) -> None:
        """Nothing, unless a test says otherwise."""

    async def handle(self, lane: str, number: int) -> None:
        self.tried.append((lane, number, time.monotonic()))
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await asyncio.sleep(self.seconds)
            self.fail(lane, number)
        finally:
            self.running -= 1
        self.done.append((lane, number))

    def of(self, lane: str) -> list[int]:
        return [number for who, number in self.done if who == lane]


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture(params=["embedded", "rabbitmq"])
async def system(request: pytest.FixtureRequest, tmp_path: Path, log: Log) -> AsyncIterator[System]:
    keys = Keyset.generate()
    made: System
    if request.param == "embedded":
        made = Embedded(tmp_path, keys)
    else:
        server: Server = request.getfixturevalue("rabbitmq")
        made = Remote(tmp_path, keys, server)
    made.handle = log.handle
    await made.start()
    yield made
    await made.stop()


async def test_a_key_is_in_order_and_keys_are_side_by_side(system: System, log: Log) -> None:
    log.seconds = 0.005
    for number in range(90):
        system.publish("ABC"[number % 3], number)
    await until(lambda: len(log.done) == 90, 10)
    assert all(log.of(lane) == sorted(log.of(lane)) for lane in "ABC")
    assert log.most > 1


async def test_after_a_restart_nothing_is_missing_and_nothing_out_of_order(
    system: System, log: Log
) -> None:
    log.seconds = 0.01
    for number in range(60):
        system.publish("AB"[number % 2], number)
    await until(lambda: len(log.done) >= 10, 10)
    await system.stop()
    await system.start()
    await until(lambda: len(set(log.done)) == 60, 10)
    assert all(log.of(lane) == sorted(log.of(lane)) for lane in "AB")
    assert len(log.done) - 60 <= CONCURRENCY


async def test_what_fails_comes_again_and_its_lane_waits(system: System, log: Log) -> None:
    failures = Counter[int]()

    def fail(lane: str, number: int) -> None:
        if lane == "A" and number == 0 and failures[number] < ATTEMPTS - 1:
            failures[number] += 1
            raise Retry("once-more")

    log.fail = fail  # type: ignore[method-assign]
    for number in range(10):
        system.publish("AB"[number % 2], number)
    await until(lambda: len(log.done) == 10, 10)
    assert log.of("A") == [0, 2, 4, 6, 8]
    assert Counter(number for lane, number, _ in log.tried)[0] == ATTEMPTS


async def test_a_delay_is_kept_and_holds_up_nobody_else(system: System, log: Log) -> None:
    first = True

    def fail(lane: str, number: int) -> None:
        nonlocal first
        if lane == "A" and first:
            first = False
            raise Retry("later", after=0.6)

    log.fail = fail  # type: ignore[method-assign]
    system.publish("A", 0)
    system.publish("A", 1)
    await until(lambda: bool(log.tried), 10)
    for number in range(5):
        system.publish("B", number)
    await until(lambda: len(log.of("B")) == 5, 10)
    assert log.of("A") == []
    await until(lambda: log.of("A") == [0, 1], 10)
    tries = [at for lane, number, at in log.tried if (lane, number) == ("A", 0)]
    assert tries[1] - tries[0] >= 0.55


async def test_poison_is_given_up_after_so_many_tries_and_the_lane_goes_on(
    system: System, log: Log
) -> None:
    def fail(lane: str, number: int) -> None:
        if number == 1:
            raise Retry("never-works")

    log.fail = fail  # type: ignore[method-assign]
    published = [system.publish("A", number) for number in range(4)]
    await until(lambda: log.of("A") == [0, 2, 3], 10)
    assert system.dead() == [published[1]]
    assert Counter(number for _, number, _ in log.tried)[1] == ATTEMPTS


async def test_a_dead_letter_is_dead_at_once_and_can_be_driven_again(
    system: System, log: Log
) -> None:
    broken = True

    def fail(lane: str, number: int) -> None:
        if broken and number == 1:
            raise Reject("not-wanted")

    log.fail = fail  # type: ignore[method-assign]
    published = [system.publish("A", number) for number in range(3)]
    await until(lambda: log.of("A") == [0, 2] and system.dead() == [published[1]], 10)
    assert Counter(number for _, number, _ in log.tried)[1] == 1
    broken = False
    await system.redrive(published[1])
    await until(lambda: log.of("A") == [0, 2, 1], 10)
    assert system.dead() == []


async def test_dead_letters_outlive_a_restart(system: System, log: Log) -> None:
    def fail(lane: str, number: int) -> None:
        raise Reject("not-wanted")

    log.fail = fail  # type: ignore[method-assign]
    published = [system.publish("A", number) for number in range(3)]
    await until(lambda: len(system.dead()) == 3, 10)
    await system.stop()
    await system.start()
    await asyncio.sleep(0.3)
    assert system.dead() == published
    assert len(log.tried) == 3


async def test_no_more_is_handled_at_once_than_was_agreed(system: System, log: Log) -> None:
    log.seconds = 0.02
    for number in range(40):
        system.publish(f"L{number}", number)
    await until(lambda: len(log.done) == 40, 10)
    assert log.most == CONCURRENCY


async def test_a_handler_that_stands_still_loses_nothing(system: System, log: Log) -> None:
    """Back-pressure: what is published meanwhile waits where it is durable."""
    go = asyncio.Event()
    handle = log.handle

    async def wait(lane: str, number: int) -> None:
        await go.wait()
        await handle(lane, number)

    system.handle = wait
    for number in range(500):
        system.publish("ABCDE"[number % 5], number)
    await asyncio.sleep(0.5)
    assert not log.done
    go.set()
    await until(lambda: len(log.done) == 500, 20)
    assert all(log.of(lane) == sorted(log.of(lane)) for lane in "ABCDE")

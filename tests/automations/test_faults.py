"""Automations whose connection, broker or process goes away: nothing lost, no lane goes back."""

from __future__ import annotations

import asyncio
import random
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from integration.automations_at_work import at_work, automation, patient, publish
from integration.site import hl7
from integration.subscribing import site
from peers import Proxy, until
from peers.rabbitmq import Server
from vagus.automations import Automation, Event


class Seen:
    """What handlers have done, per patient, in order."""

    def __init__(self, seconds: float = 0.002) -> None:
        self.lanes: dict[str, list[str]] = defaultdict(list)
        self.count = 0
        self._seconds = seconds

    def handle(self, it: Automation) -> Automation:
        @it.on("*")
        async def handle(event: Event) -> None:
            await asyncio.sleep(self._seconds)
            self.lanes[patient(event)].append(event.id)
            self.count += 1

        return it

    @property
    def distinct(self) -> int:
        return sum(len(set(ids)) for ids in self.lanes.values())

    def in_order(self) -> bool:
        """Whether no lane ever went back; an immediate repeat is allowed."""
        return all(ids == sorted(ids) for ids in self.lanes.values())


def bodies(number: int, lanes: int) -> list[bytes]:
    return [hl7(f"C{item:04d}", f"P{item % lanes}") for item in range(number)]


@pytest.mark.parametrize("prefetch", [8, 100])
async def test_one_takes_over_from_another_and_the_order_is_kept(
    tmp_path: Path, rabbitmq: Server, prefetch: int
) -> None:
    """Each stops in the middle, holding events it has not begun, while the next is waiting."""
    it = site(tmp_path, rabbitmq.url, {"desk": "*"})
    await publish(it, *bodies(300, 7))
    seen = Seen()
    more: dict[str, Any] = {"rabbitmq": {"prefetch": prefetch}, "concurrency": 4}
    states = iter(range(100))

    async def another() -> Automation:
        made = seen.handle(
            automation(rabbitmq, tmp_path, state=tmp_path / f"s{next(states)}", **more)
        )
        await made.start()
        return made

    working = await another()
    for stop in (40, 90, 150, 210):
        waiting = await another()
        await until(lambda stop=stop: seen.count >= stop, 20)  # type: ignore[misc]
        await working.stop(5.0)
        working = waiting
    await until(lambda: seen.distinct == 300, 20)
    await working.stop(5.0)
    assert seen.in_order()
    assert seen.count == 300, "what a stopped automation had done was settled"


async def test_a_line_that_is_cut_again_and_again(tmp_path: Path, rabbitmq: Server) -> None:
    it = site(tmp_path, rabbitmq.url, {"desk": "*"})
    await publish(it, *bodies(300, 7))
    seen = Seen()
    async with Proxy(rabbitmq.port) as proxy:
        url = rabbitmq.url.replace(str(rabbitmq.port), str(proxy.port))
        desk = seen.handle(automation(rabbitmq, tmp_path, rabbitmq={"url": url, "prefetch": 32}))
        async with at_work(desk):
            for stop in (50, 100, 150, 200):
                await until(lambda stop=stop: seen.count >= stop, 20)  # type: ignore[misc]
                proxy.cut()
            await until(lambda: seen.distinct == 300, 20)
    assert seen.in_order() and seen.count == 300


async def test_the_broker_is_killed_under_an_automation(tmp_path: Path, rabbitmq: Server) -> None:
    it = site(tmp_path, rabbitmq.url, {"desk": "*"})
    await publish(it, *bodies(200, 5))
    seen = Seen()
    async with at_work(seen.handle(automation(rabbitmq, tmp_path, rabbitmq={"prefetch": 32}))):
        await until(lambda: seen.count >= 60, 20)
        await asyncio.to_thread(rabbitmq.kill)
        await asyncio.to_thread(rabbitmq.start)
        await until(lambda: seen.distinct == 200, 30)
    assert seen.in_order() and seen.count == 200


async def test_a_queue_that_is_deleted_is_taken_up_again(tmp_path: Path, rabbitmq: Server) -> None:
    it = site(tmp_path, rabbitmq.url, {"desk": "*"})
    seen = Seen()
    await publish(it, *bodies(5, 5))
    async with at_work(seen.handle(automation(rabbitmq, tmp_path))):
        await until(lambda: seen.distinct == 5)
        queue = "vagus.trial.to.desk.0"
        await asyncio.to_thread(rabbitmq.ctl, "delete_queue", "-p", rabbitmq.vhost, queue)
        await publish(it, *(hl7(f"D{item}", f"P{item}") for item in range(5)))
        await until(lambda: seen.distinct == 10, 15)


PROGRAM = """
import os, signal, sys, threading, time
from vagus.automations import Automation

left, moment = int(sys.argv[1]), float(sys.argv[2])
out = os.open(%(out)r, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
desk = Automation(
    "desk", project="trial", rabbitmq={"url": %(url)r, "prefetch": 32},
    key=%(key)r, state=%(state)r, concurrency=4,
)

@desk.on("*")
async def handle(event):
    global left
    who = event.first("Patient")["identifier"][0]["value"]
    os.write(out, f"{who} {event.id}\\n".encode())
    left -= 1
    if not left:
        threading.Timer(moment, os.kill, (os.getpid(), signal.SIGKILL)).start()
    time.sleep(0.003)

desk.run()
"""


async def test_a_process_that_dies_is_followed_by_one_that_goes_on(
    tmp_path: Path, rabbitmq: Server
) -> None:
    """kill -9 at any moment: at most one event of each lane is handled again."""
    lanes_in_use = 7
    it = site(tmp_path / "p", rabbitmq.url, {"desk": "*"})
    await publish(it, *bodies(300, lanes_in_use))
    log = tmp_path / "handled"
    log.touch()
    values = {"out": log, "url": rabbitmq.url, "key": it.folder / "desk.jwk"}
    text = {key: str(value) for key, value in {**values, "state": tmp_path / "state"}.items()}
    (tmp_path / "desk.py").write_text(PROGRAM % text)

    def lines() -> list[str]:
        return log.read_text().split("\n")[:-1]

    chance = random.Random(20261125)
    kills = 0
    while len(set(lines())) < 300:
        events, moment = chance.randint(20, 60), chance.uniform(0.0, 0.01)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *(str(tmp_path / "desk.py"), str(events), str(moment)),
            stderr=asyncio.subprocess.DEVNULL,
        )
        await until(
            lambda process=process: process.returncode or len(set(lines())) == 300,  # type: ignore[misc]
            30,
        )
        if process.returncode is None:
            process.kill()
        kills += 1
        await process.wait()
    lanes: dict[str, list[str]] = defaultdict(list)
    for line in lines():
        who, _, id = line.partition(" ")
        lanes[who].append(id)
    assert all(ids == sorted(ids) for ids in lanes.values())
    assert kills > 1 and len(lines()) <= 300 + lanes_in_use * kills

"""Automations on a real engine and a real RabbitMQ: once each, in order, tried again, given up."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pika
import pytest

from integration.automations_at_work import at_work, automation, patient, publish
from integration.site import hl7
from integration.subscribing import site, taken
from peers import until
from peers.rabbitmq import Server
from vagus.automations import Automation, Event, Reject, Retry


async def test_a_handler_gets_what_it_asks_for_opened(tmp_path: Path, rabbitmq: Server) -> None:
    it = site(tmp_path, rabbitmq.url, {"desk": "*"})
    await publish(it, hl7("C1"), hl7("C2", "P2", "ADT^A01"), hl7("C3", "P3", "ADT^A31"))
    desk = automation(rabbitmq, tmp_path)
    updates: list[Event] = []
    admissions: list[str] = []

    @desk.on("patient.*")
    async def update(event: Event) -> None:
        updates.append(event)

    @desk.on("encounter.admitted")
    def admit(event: Event) -> None:
        admissions.append(event.typed("Patient").name[0].family)

    async with at_work(desk):
        await until(lambda: desk.measures.count("done") == 3)
    assert [event.type for event in updates] == ["patient.updated", "patient.updated"]
    assert [patient(event) for event in updates] == ["P1", "P3"]
    assert admissions == ["DOE"]
    assert updates[0].source == "/trial/adt" and updates[0].time.endswith("Z")
    assert "DOE" not in repr(updates[0])


async def test_lanes_are_in_order_and_do_not_wait_for_each_other(
    tmp_path: Path, rabbitmq: Server
) -> None:
    it = site(tmp_path, rabbitmq.url, {"desk": "*"})
    await publish(it, *(hl7(f"C{number}", f"P{number % 3}") for number in range(30)))
    desk = automation(rabbitmq, tmp_path)
    seen: list[tuple[str, str]] = []
    failures = 0

    @desk.on("*")
    async def handle(event: Event) -> None:
        nonlocal failures
        if patient(event) == "P1" and failures < 4:
            failures += 1
            raise Retry("not-yet")
        seen.append((patient(event), event.id))

    async with at_work(desk):
        await until(lambda: desk.measures.count("done") == 30)
    for name in ("P0", "P1", "P2"):
        mine = [id for who, id in seen if who == name]
        assert len(mine) == 10 and mine == sorted(mine)
    assert [who for who, _ in seen][-10:].count("P1") == 10, "the others did not wait"


async def test_what_was_done_is_not_done_again(tmp_path: Path, rabbitmq: Server) -> None:
    it = site(tmp_path, rabbitmq.url, {"desk": "*"})
    await publish(it, hl7("C1"))
    (got,) = taken(rabbitmq, "vagus.trial.to.desk.0")
    for _ in range(3):
        again(rabbitmq, got)
    runs = 0
    for expected in (2, 0):
        desk = automation(rabbitmq, tmp_path)

        @desk.on("*")
        async def handle(event: Event) -> None:
            nonlocal runs
            runs += 1

        async with at_work(desk):
            await until(lambda desk=desk, n=expected: desk.measures.count("duplicate") >= n)  # type: ignore[misc]
            await asyncio.sleep(0.3)
    assert runs == 1


def again(server: Server, got: Any) -> None:
    connection = pika.BlockingConnection(pika.URLParameters(server.url))
    properties = pika.BasicProperties(
        message_id=got.id, headers=got.headers, delivery_mode=2, content_type="application/jose"
    )
    connection.channel().basic_publish("vagus.trial.events", got.key, got.sealed, properties)
    connection.close()


def verb(state: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "vagus.automations", str(state), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


async def test_a_dead_letter_names_its_reason_and_can_be_tried_again(
    tmp_path: Path, rabbitmq: Server
) -> None:
    it = site(tmp_path, rabbitmq.url, {"desk": "*"})
    await publish(it, hl7("C1"), hl7("C2", "P2"), hl7("C3", "P3"))
    desk = automation(rabbitmq, tmp_path, attempts=3)
    broken = True
    done: list[str] = []

    @desk.on("*")
    async def handle(event: Event) -> None:
        if broken and patient(event) == "P1":
            raise Reject("no-coverage")
        if broken and patient(event) == "P2":
            raise ZeroDivisionError
        done.append(patient(event))

    async with at_work(desk):
        await until(lambda: desk.measures.count("dead") == 2)
        letters = {item.code: item for item in desk.dead_letters()}
        assert {code: item.attempts for code, item in letters.items()} == {
            "no-coverage": 1,
            "ZeroDivisionError": 3,
        }
        assert taken(rabbitmq, "vagus.trial.dead.desk") == []
        listed = verb(tmp_path / "state-desk")
        assert {json.loads(line)["code"] for line in listed.stdout.splitlines()} == set(letters)
        assert verb(tmp_path / "state-desk", "--redrive", "none").returncode == 1
        broken = False
        assert not desk.redrive("no such event")
        assert desk.redrive(letters["no-coverage"].id)
        other = letters["ZeroDivisionError"].id
        assert verb(tmp_path / "state-desk", "--redrive", other).returncode == 0
        await until(lambda: len(done) == 3, 10)
        assert desk.dead_letters() == []
    assert sorted(done) == ["P1", "P2", "P3"]


async def test_an_event_moved_to_another_envelope_is_refused(
    tmp_path: Path, rabbitmq: Server
) -> None:
    it = site(tmp_path, rabbitmq.url, {"desk": "*"})
    await publish(it, hl7("C1"), hl7("C2", "P2"))
    first, second = taken(rabbitmq, "vagus.trial.to.desk.0")
    first.sealed, second.sealed = second.sealed, b"a.b.c"
    again(rabbitmq, first)
    again(rabbitmq, second)
    desk = automation(rabbitmq, tmp_path)

    @desk.on("*")
    async def handle(event: Event) -> None:
        raise AssertionError("never")

    async with at_work(desk):
        await until(lambda: desk.measures.count("dead") == 2)
        assert [item.code for item in desk.dead_letters()] == ["in-another-envelope", "not-a-jwe"]


@pytest.mark.parametrize("stop", [False, True])
async def test_a_failing_lane_leaves_room_for_the_others(
    tmp_path: Path, rabbitmq: Server, stop: bool
) -> None:
    """One lane fails with more events waiting than may be unacknowledged."""
    it = site(tmp_path, rabbitmq.url, {"desk": "*"})
    bodies = [hl7(f"B{number}", "BAD") for number in range(60)]
    await publish(it, *bodies, *(hl7(f"G{number}", f"P{number}") for number in range(20)))
    good: list[str] = []
    bad: list[str] = []
    mended = False

    def made() -> Automation:
        desk = automation(rabbitmq, tmp_path, attempts=100, longest=0.2, rabbitmq={"prefetch": 16})

        @desk.on("*")
        async def handle(event: Event) -> None:
            if patient(event) != "BAD":
                good.append(event.id)
            elif not mended:
                raise Retry("still-bad")
            else:
                bad.append(event.id)

        return desk

    desk = made()
    await desk.start()
    await until(lambda: len(good) == 20, 15)
    assert not bad
    mended = True
    if stop:
        await desk.stop()
        desk = made()
        await desk.start()
    await until(lambda: len(set(bad)) == 60, 15)
    await desk.stop()
    assert list(dict.fromkeys(bad)) == sorted(set(bad))
    assert len(good) == 20

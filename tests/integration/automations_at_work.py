"""Automations for the subscribers of a trial project, in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from integration.site import Sender, Site, settled
from peers.rabbitmq import Server
from vagus.automations import Automation, Event


def automation(server: Server, folder: Path, name: str = "desk", **more: Any) -> Automation:
    rabbitmq = {"url": server.url, **more.pop("rabbitmq", {})}
    return Automation(
        name,
        project="trial",
        rabbitmq=rabbitmq,
        key=folder / f"{name}.jwk",
        state=more.pop("state", folder / f"state-{name}"),
        **{"first": 0.02, "longest": 0.05, **more},
    )


@asynccontextmanager
async def at_work(it: Automation) -> AsyncIterator[Automation]:
    await it.start()
    try:
        yield it
    finally:
        await it.stop(5.0)


def patient(event: Event) -> str:
    identifier: str = event.first("Patient")["identifier"][0]["value"]
    return identifier


async def publish(it: Site, *bodies: bytes) -> None:
    async with it.running() as live:
        sender = await Sender.to(it.ports["adt"])
        assert set(await sender.asks(*bodies)) == {"AA"}
        await sender.end()
        await settled(live)

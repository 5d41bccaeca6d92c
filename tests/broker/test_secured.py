"""amqps with certificates on both sides, and users that may do no more than they must."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from cli.given import execute_here

from broker.rabbitmq.settings import RabbitMQ
from integration.automations_at_work import automation, publish
from integration.site import Sender, hl7, settled
from integration.subscribing import site, taken
from peers import until
from peers.rabbitmq import Server
from vagus.automations import Event
from vagus.kernel.errors import ConfigError


def secured(server: Server, user: str) -> dict[str, str]:
    return {
        "url": f"amqps://{user}:secret@localhost:{server.secure}/{server.vhost}",
        "ca": str(server.tls["ca"]),
        "certificate": str(server.tls["client_cert"]),
        "key": str(server.tls["client_key"]),
    }


def users(server: Server) -> None:
    """As docs/broker.md says."""
    engine = r"^vagus\.trial\."
    for user, permissions in {
        "engine": (engine, engine, engine),
        "desk": ("^$", "^$", r"^vagus\.trial\.to\.desk\."),
    }.items():
        if user not in server.ctl("list_users"):
            server.ctl("add_user", user, "secret")
        server.ctl("set_permissions", "-p", server.vhost, user, *permissions)


async def test_events_go_over_tls_between_users_of_few_rights(
    tmp_path: Path, rabbitmq: Server
) -> None:
    users(rabbitmq)
    engine = secured(rabbitmq, "engine")
    more = ", ".join(f'{name}: "{value}"' for name, value in engine.items() if name != "url")
    it = site(tmp_path, engine["url"], {"desk": "*"}, more=more)
    await publish(it, hl7("C1"), hl7("C2"))
    desk = automation(rabbitmq, tmp_path, rabbitmq=secured(rabbitmq, "desk"))
    got: list[str] = []

    @desk.on("*")
    async def handle(event: Event) -> None:
        got.append(event.type)

    await desk.start()
    await until(lambda: len(got) == 2, 10)
    await desk.stop()


@pytest.mark.parametrize("fault", ["certificate", "password", "authority"])
async def test_who_may_not_connect_says_so_and_loses_nothing(
    tmp_path: Path, rabbitmq: Server, fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    users(rabbitmq)
    settings = secured(rabbitmq, "engine")
    if fault == "certificate":
        settings.pop("certificate")
        settings.pop("key")
    elif fault == "password":
        settings["url"] = settings["url"].replace("secret", "wrong")
    else:
        settings.pop("ca")
    more = ", ".join(f'{name}: "{value}"' for name, value in settings.items() if name != "url")
    it = site(tmp_path, settings["url"], {"desk": "*"}, more=more)
    async with it.running() as live:
        sender = await Sender.to(it.ports["adt"])
        assert await sender.asks(hl7("C1")) == ["AA"]
        await sender.end()
        await asyncio.sleep(0.7)
        assert live.counts()["pending"] == 1
        assert live.engine.carrier is not None and live.engine.carrier.measures.connects == 0
    said = capsys.readouterr().err
    assert "broker_link_down" in said and "wrong" not in said and "secret" not in said
    text = (it.folder / "vagus.yaml").read_text()
    it.write("vagus.yaml", text.replace(settings["url"], rabbitmq.url).replace(more, ""))
    async with it.running() as live:
        assert (await settled(live))["delivered"] == 1
    assert len(await asyncio.to_thread(taken, rabbitmq, "vagus.trial.to.desk.0")) == 1


def test_a_file_that_is_no_certificate_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    settings = RabbitMQ(url="amqps://a:b@mq.example/x", ca=str(tmp_path / "ca.pem"))
    with pytest.raises(ConfigError, match=r"ca\.pem"):
        settings.context()
    assert "b@mq" not in repr(settings)


async def test_the_topology_is_what_a_broker_imports_and_the_engine_declares(
    tmp_path: Path, rabbitmq: Server
) -> None:
    it = site(tmp_path, rabbitmq.url, {"desk": "*", "beds": "encounter.*"}, queues=4)
    shown = execute_here(("broker", "topology", it.folder), b"")
    assert shown.code == 0 and shown.out.startswith("broker: rabbitmq\n")
    assert "vagus.trial.to.beds.3" in shown.out and "vagus.trial.dead.desk" in shown.out
    (document,) = execute_here(("broker", "topology", it.folder, "--format", "json"), b"").lines
    assert {item["vhost"] for item in document["queues"]} == {rabbitmq.vhost}
    path = tmp_path / "definitions.json"
    path.write_text(json.dumps(document))
    rabbitmq.ctl("import_definitions", str(path))

    await publish(it, hl7("C1"))
    queues = {row["name"]: row["type"] for row in rabbitmq.listed("list_queues", "name", "type")}
    assert queues == {item["name"]: "quorum" for item in document["queues"]}
    bindings = {
        (row["source_name"], row["destination_name"], row["routing_key"])
        for row in rabbitmq.listed("list_bindings")
        if row["source_name"]
    }
    assert bindings == {
        (item["source"], item["destination"], item["routing_key"]) for item in document["bindings"]
    }

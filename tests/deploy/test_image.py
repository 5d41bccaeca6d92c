"""What the Dockerfile says holds for an installation in an empty environment."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import yaml
from deploy.conftest import DEPLOY, Image


def test_the_entry_point_is_the_engine_with_its_extras(image: Image) -> None:
    assert image.run("--version").startswith("vagus ")
    assert list(image.prefix.glob("lib/python*/site-packages/pika"))
    assert list(image.prefix.glob("lib/python*/site-packages/uvloop"))


def test_the_definitions_are_for_the_virtual_host_of_the_compose_file(image: Image) -> None:
    document = json.loads(image.run("broker", "topology", "--format", "json"))
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    host = compose["services"]["rabbitmq"]["environment"]["RABBITMQ_DEFAULT_VHOST"]
    assert {item["vhost"] for item in document["queues"]} == {host}


def test_the_image_does_not_run_as_root(image: Image) -> None:
    (final,) = [part for part in image.text.split("FROM ") if "ENTRYPOINT" in part]
    assert "\nUSER 10001\n" in final and "--uid 10001" in final
    for folder in image.writable:
        assert f" {folder}" in final.split("install -d -o vagus -m 0700")[1].split("\n")[0]


def test_the_engine_writes_to_its_two_volumes_only(running: Image) -> None:
    kept = _state(running.project), _state(running.prefix)
    assert running.healthy()
    assert (running.writable["/keys"] / "vagus.key").exists()
    assert list(running.writable["/data"].iterdir())
    assert sorted(item.name for item in running.project.rglob("*")) == [
        "adt_in.yaml",
        "channels",
        "vagus.yaml",
    ]
    assert (_state(running.project), _state(running.prefix)) == kept


def test_the_health_check_fails_where_nobody_answers(running: Image) -> None:
    port = running.environment["VAGUS_HTTP_PORT"]
    running.environment["VAGUS_HTTP_PORT"] = running.environment["VAGUS_HL7_PORT"]
    try:
        assert not running.healthy()
    finally:
        running.environment["VAGUS_HTTP_PORT"] = port


def _state(folder: Path) -> str:
    names = sorted(str(item) for item in folder.rglob("*"))
    return hashlib.sha256("\n".join(names).encode()).hexdigest()

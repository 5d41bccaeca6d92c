"""Compose file and manifests hang together, by structure; no container engine is needed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from channels.engine import PATIENCE

DEPLOY = Path(__file__).parents[2] / "deploy"


@pytest.fixture
def compose() -> dict[str, Any]:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


@pytest.fixture
def manifests() -> dict[tuple[str, str], Any]:
    found = yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text())
    return {(item["kind"], item["metadata"]["name"]): item for item in found}


def test_every_file_and_volume_of_the_compose_file_is_there(compose):
    mounts = [mount for each in compose["services"].values() for mount in each["volumes"]]
    used = set()
    for mount in mounts:
        source = re.sub(r"^\$\{.*?\}", "PROJECT", mount).split(":")[0]
        if source.startswith("./"):
            assert (DEPLOY / source).is_file(), source
        elif source != "PROJECT":
            used.add(source)
    assert used == set(compose["volumes"])
    build = compose["services"]["vagus"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).is_file()


def test_no_secret_has_a_default_and_each_is_in_the_example(compose):
    text = (DEPLOY / "compose.yaml").read_text()
    asked = re.findall(r"\$\{(\w+)(.*?)\}", text)
    assert asked and all(more.startswith(":?") for _, more in asked)
    example = (DEPLOY / ".env.example").read_text()
    assert set(re.findall(r"^(\w+)=$", example, re.MULTILINE)) == {name for name, _ in asked}
    for service in compose["services"].values():
        for name, value in service.get("environment", {}).items():
            assert "PASS" not in name or value.startswith("${"), name


def test_the_engine_is_confined(compose, manifests):
    service = compose["services"]["vagus"]
    assert service["read_only"] is True and service["cap_drop"] == ["ALL"]
    pod = manifests["StatefulSet", "vagus"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] == 10001
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert int(service["stop_grace_period"].removesuffix("s")) > 2 * PATIENCE
    assert pod["terminationGracePeriodSeconds"] > 2 * PATIENCE


def test_ports_other_machines_reach_are_the_feeds_only(compose):
    for name, service in compose["services"].items():
        for port in service.get("ports", []):
            assert name == "vagus" or port.startswith("127.0.0.1:"), port
            assert "8475" not in port


def test_prometheus_scrapes_the_side_door(compose, manifests):
    (job,) = yaml.safe_load((DEPLOY / "prometheus.yaml").read_text())["scrape_configs"]
    (host, port) = job["static_configs"][0]["targets"][0].split(":")
    assert job["job_name"] == "vagus" and host in compose["services"]
    assert f"VAGUS_HTTP_PORT={port}" in (DEPLOY / "Dockerfile").read_text()
    assert manifests["ConfigMap", "vagus"]["data"]["VAGUS_HTTP_PORT"] == port


def test_the_dashboard_is_found_and_asks_the_data_source_that_is_set_up(compose):
    (source,) = yaml.safe_load((DEPLOY / "grafana/datasource.yaml").read_text())["datasources"]
    text = (DEPLOY / "grafana/vagus.json").read_text()
    assert set(re.findall(r'"type": "prometheus", "uid": "(\w+)"', text)) == {source["uid"]}
    (provider,) = yaml.safe_load((DEPLOY / "grafana/dashboards.yaml").read_text())["providers"]
    mounts = " ".join(compose["services"]["grafana"]["volumes"])
    assert f":{provider['options']['path']}/vagus.json:ro" in mounts


def test_names_within_the_manifests_lead_somewhere(manifests):
    workload = manifests["StatefulSet", "vagus"]["spec"]
    pod = workload["template"]["spec"]
    (container,) = pod["containers"]
    assert workload["replicas"] == 1
    volumes = {item["name"] for item in pod["volumes"]} | {
        item["metadata"]["name"] for item in workload["volumeClaimTemplates"]
    }
    assert {item["name"] for item in container["volumeMounts"]} == volumes
    ports = {item["name"]: item["containerPort"] for item in container["ports"]}
    for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[kind]["httpGet"]["port"] in ports
    labels = workload["template"]["metadata"]["labels"]
    assert workload["selector"]["matchLabels"] == labels
    assert ("Service", workload["serviceName"]) in manifests
    for (kind, _), item in manifests.items():
        if kind == "Service":
            assert item["spec"]["selector"] == labels
            assert all(ports[port["targetPort"]] == port["port"] for port in item["spec"]["ports"])
    (settings,) = [
        item["configMapRef"]["name"] for item in container["envFrom"] if "configMapRef" in item
    ]
    assert ("ConfigMap", settings) in manifests


def test_probes_ask_for_what_the_side_door_answers(manifests):
    (container,) = manifests["StatefulSet", "vagus"]["spec"]["template"]["spec"]["containers"]
    text = (DEPLOY.parent / "vagus/console/health.py").read_text()
    for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert f'add_get("{container[kind]["httpGet"]["path"]}"' in text

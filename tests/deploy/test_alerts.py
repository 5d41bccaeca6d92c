"""Rules, dashboard and service file name what there is; the rules fire when they should."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from peers.debian import installed

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
PROMTOOL = Path("/usr/bin/promtool")
SCRAPED = {"instance", "job"}  # Prometheus adds them
MATCHER = re.compile(r'(\w+)(=~|!=|!~|=)"([^"]*)"')


def rules() -> list[str]:
    (group,) = yaml.safe_load((DEPLOY / "alerts.yaml").read_text())["groups"]
    return [rule["expr"] for rule in group["rules"]]


def dashboard() -> list[str]:
    panels = json.loads((DEPLOY / "grafana/vagus.json").read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel["targets"]]


def unknown(query: str, served: dict[str, list[dict[str, str]]]) -> Iterator[str]:
    """What a query names and the engine does not serve."""
    names = re.findall(r"\b(vagus_\w+)(?:\{(.*?)\})?", query)
    labels: set[str] = set(SCRAPED)
    for name, matchers in names:
        if name not in served:
            yield name
        samples = served.get(name, [])
        labels |= {label for sample in samples for label in sample}
        for label, _, values in MATCHER.findall(matchers):
            seen = {sample.get(label) for sample in samples}
            yield from (f"{name} {label}={word}" for word in values.split("|") if word not in seen)
    for listed in re.findall(r"\b(?:by|on) \((.*?)\)", query):
        yield from set(re.split(r",\s*", listed)) - labels


@pytest.mark.parametrize("query", [*rules(), *dashboard()])
def test_every_metric_and_label_of_a_query_is_served(query, served):
    if "vagus_" in query:
        assert list(unknown(query, served)) == []
    else:
        assert query == 'up{job="vagus"} == 0'


def test_a_query_of_something_else_is_found(served):
    query = 'sum by (feed) (rate(vagus_messages_total{outcome="lost"}[5m])) + vagus_lost'
    assert sorted(unknown(query, served)) == [
        "feed",
        "vagus_lost",
        "vagus_messages_total outcome=lost",
    ]


def test_annotations_and_legends_name_labels_that_are_served(served):
    labels = {label for samples in served.values() for one in samples for label in one}
    text = (DEPLOY / "alerts.yaml").read_text() + (DEPLOY / "grafana/vagus.json").read_text()
    asked = set(re.findall(r"\$labels\.(\w+)|\{\{(\w+)\}\}", text))
    assert {one or other for one, other in asked} <= labels


def test_promtool_takes_the_configuration_and_the_rules_fire(tmp_path):
    installed("prometheus", PROMTOOL)
    for file in (
        DEPLOY / "alerts.yaml",
        DEPLOY / "prometheus.yaml",
        Path(__file__).parent / "rules.yaml",
    ):
        shutil.copy(file, tmp_path)
    for words in (("check", "config", "prometheus.yaml"), ("test", "rules", "rules.yaml")):
        done = subprocess.run(
            [PROMTOOL, *words], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_service_runs_a_verb_that_drains_in_time() -> None:
    text = (ROOT / "deploy/vagus.service").read_text()
    assert "vagus run" in text
    patience = int(re.search(r"TimeoutStopSec=(\d+)", text)[1])
    from channels.engine import PATIENCE

    assert patience > 2 * PATIENCE

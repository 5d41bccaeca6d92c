"""Alert rules and the service file name what there is."""

from __future__ import annotations

import re
from pathlib import Path

from vagus.kernel import strictyaml
from vagus.kernel.diagnostics import Diagnostics

ROOT = Path(__file__).parents[2]


def test_every_metric_of_a_rule_exists() -> None:
    (node,) = strictyaml.load_file(ROOT / "deploy/alerts.yaml", diagnostics := Diagnostics())
    assert not len(diagnostics)
    text = (ROOT / "vagus/console/metrics.py").read_text()
    made = set(re.findall(r'"(vagus_[a-z_]+)"', text))
    asked = set(re.findall(r"\b(vagus_[a-z_]+)\b", str(strictyaml.plain(node))))
    assert asked
    assert {name.removesuffix("_total") for name in asked} <= made


def test_the_service_runs_a_verb_that_drains_in_time() -> None:
    text = (ROOT / "deploy/vagus.service").read_text()
    assert "vagus run" in text
    patience = int(re.search(r"TimeoutStopSec=(\d+)", text)[1])
    from channels.engine import PATIENCE

    assert patience > 2 * PATIENCE

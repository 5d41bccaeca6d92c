"""The sample project as a newcomer meets it: lint, golden tests, and a run with its simulators."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from vagus.canonical import bundle
from vagus.canonical.validation import Validator
from vagus.formats.format import Terms
from vagus.formats.hl7v2 import HL7V2

SAMPLE = Path(__file__).parents[2] / "samples" / "riverside_clinic"
PORTS = ("VAGUS_ADT_PORT", "VAGUS_SIU_PORT", "VAGUS_REGISTRY_PORT", "VAGUS_HTTP_PORT")


def moved(folder: Path) -> dict[str, str]:
    """The environment that gives a run ports and folders of its own."""
    probes = [socket.socket() for _ in PORTS]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = {name: str(probe.getsockname()[1]) for name, probe in zip(PORTS, probes, strict=True)}
    for probe in probes:
        probe.close()
    folders = {f"VAGUS_{name.upper()}": str(folder / name) for name in ("data", "out", "in")}
    return os.environ | ports | folders


def vagus(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "vagus.cli", *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return moved(tmp_path)


def test_it_lints_without_a_single_finding(environment: dict[str, str]) -> None:
    done = vagus(environment, "lint", str(SAMPLE), "--strict")
    assert (done.returncode, done.stdout) == (0, "")


def test_its_golden_tests_pass(environment: dict[str, str]) -> None:
    done = vagus(environment, "test", str(SAMPLE))
    assert done.returncode == 0, done.stdout
    assert int(done.stdout.split()[-4]) >= 25 and "0 failed" in done.stdout


def test_a_run_delivers_refuses_filters_and_adds_up(
    environment: dict[str, str], tmp_path: Path
) -> None:
    environment["VAGUS_RATE"] = "60"
    done = vagus(environment, "run", str(SAMPLE), "--simulate", "--for", "8s")
    assert done.returncode == 0, done.stderr[-2000:]
    counts = json.loads(done.stdout.splitlines()[-1])
    ended = sum(counts[word] for word in ("delivered", "filtered", "dead", "pending"))
    assert counts["accepted"] == ended
    assert counts["delivered"] >= 150 and counts["filtered"] >= 1 and counts["dead"] >= 2
    assert counts["duplicates"] >= 1
    assert vagus(environment, "ledger", str(SAMPLE)).returncode == 0
    assert "TEASEL" not in done.stderr and "FERN" not in done.stderr

    files = list((tmp_path / "out" / "canonical").glob("*.json"))
    events = {path.name.rpartition("-")[0] for path in files}
    assert {"patient.merged", "appointment.booked", "encounter.admitted"} <= events
    validator = Validator()
    for path in files[:40]:
        content = bundle.loads(path.read_bytes())
        assert validator.valid(content), path.name
        assert content["entry"][0]["resource"]["resourceType"] == "MessageHeader"
    desk = {path.name.rpartition("-")[0] for path in (tmp_path / "out" / "front_desk").iterdir()}
    assert desk <= {"appointment.cancelled", "appointment.noshow"} and desk
    diary = [path.read_bytes() for path in (tmp_path / "out" / "room_diary").iterdir()]
    messages = [HL7V2().decode(body, Terms()) for body in diary]
    assert {"SIU^S12", "SIU^S13", "SIU^S15"} <= {message.type for message in messages}
    assert all(message.get("SCH-2.1") and message.get("PID-3.1") for message in messages)

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli.live import Clinic


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    clinic = Clinic(tmp_path / "clinic").make()
    yield clinic
    clinic.end()


def test_it_ends_when_the_time_is_over(clinic: Clinic):
    started = time.monotonic()
    done = clinic.process_of("run", clinic.folder, "--for", "300ms")
    assert done.code == 0, done.err
    assert json.loads(done.out) == dict.fromkeys(
        ("accepted", "delivered", "filtered", "dead", "pending", "duplicates"), 0
    )
    assert 0.3 < time.monotonic() - started < 15
    events = [json.loads(line)["event"] for line in done.err.splitlines()]
    assert events[0] == "engine_started" and "engine_draining" in events


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_it(clinic: Clinic, number: signal.Signals):
    clinic.start()
    assert clinic.stop(number)["accepted"] == 0


def test_a_second_engine_on_the_same_journal_is_refused(clinic: Clinic):
    clinic.start()
    second = clinic.process_of("run", clinic.folder, "--for", "1s")
    assert second.code == 2 and "Traceback" not in second.err
    assert clinic.process_of("lint").code == 0
    clinic.stop()


def test_a_taken_port_is_a_configuration_error(clinic: Clinic, tmp_path: Path):
    clinic.start()
    other = Clinic(tmp_path / "other").make()
    other.environment |= {"VAGUS_HL7_PORT": str(clinic.port)}
    linted = other.process_of("lint")
    assert linted.code == 1 and "port-in-use" in linted.out
    assert other.process_of("lint", "--offline").code == 0
    done = other.process_of("run", "--for", "1s")
    assert done.code == 2 and str(clinic.port) in done.err and "Traceback" not in done.err
    clinic.stop()

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli.given import adt
from cli.live import VAGUS, Clinic, free_port

SAMPLE = Path(__file__).parents[2] / "samples/riverside_clinic"
PORTS = ("VAGUS_ADT_PORT", "VAGUS_SIU_PORT", "VAGUS_REGISTRY_PORT", "VAGUS_HTTP_PORT")


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


def test_a_second_signal_leaves_at_once_and_loses_nothing(clinic: Clinic):
    """The peer takes the message and never answers, so draining would last."""
    silent = socket.create_server(("127.0.0.1", 0))
    channel = clinic.folder / "channels/hl7_in.yaml"
    head = channel.read_text().split("destinations:")[0]
    port = silent.getsockname()[1]
    channel.write_text(
        head + "destinations:\n  - name: peer\n    send: received\n"
        f"    mllp: {{host: 127.0.0.1, port: {port}, ack_timeout: 60s}}\n"
    )
    clinic.start()
    assert clinic.verb("send", "-", clinic.target, stdin=adt()).code == 0
    connection, _ = silent.accept()
    assert connection.recv(1 << 16).startswith(b"\x0bMSH")
    assert clinic.process is not None
    clinic.process.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    assert clinic.process.poll() is None, "it should still be draining"
    started = time.monotonic()
    clinic.process.send_signal(signal.SIGTERM)
    assert clinic.process.wait(5) == 128 + signal.SIGTERM
    assert time.monotonic() - started < 2
    connection.close()
    silent.close()
    (row,) = clinic.rows("messages")
    assert row["state"] == "pending"
    ledger = clinic.verb("ledger")
    assert ledger.code == 0 and "1 accepted = 0 delivered" in ledger.out


def test_simulators_are_started_and_stopped(tmp_path: Path):
    folder = tmp_path / "riverside"
    shutil.copytree(SAMPLE, folder, ignore=shutil.ignore_patterns("data", "out"))
    environment = {name: str(free_port()) for name in PORTS}
    done = subprocess.run(
        [*VAGUS, "run", str(folder), "--simulate", "--for", "3s"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    counts = json.loads(done.stdout)
    assert counts["accepted"] > 20 and counts["delivered"] > 0
    parts = counts["delivered"] + counts["filtered"] + counts["dead"] + counts["pending"]
    assert counts["accepted"] == parts
    events = [json.loads(line) for line in done.stderr.splitlines()]
    reports = {item["name"] for item in events if item["event"] == "simulator_report"}
    assert {"ehr", "registry"} <= reports


def test_a_journal_that_cannot_be_written_ends_the_engine(clinic: Clinic):
    """Writing fails with an error that must not be retried: nothing more is acknowledged."""
    clinic.start()
    assert clinic.process is not None
    assert clinic.verb("send", "-", clinic.target, stdin=adt("C1")).code == 0
    clinic.settled()
    resource.prlimit(clinic.process.pid, resource.RLIMIT_FSIZE, (4096, 4096))
    sent = clinic.verb("send", "-", clinic.target, "--timeout", "5", stdin=adt("C2"))
    assert sent.code == 1 and "AA" not in sent.out
    assert clinic.process.wait(20) == 1
    assert clinic.process.stdout is not None
    assert clinic.process.stdout.read() == ""
    assert "the journal has stopped" in clinic.log and "Traceback" not in clinic.log
    ledger = clinic.verb("ledger")
    assert ledger.code == 0 and "1 accepted = 1 delivered" in ledger.out
    assert [row["control"] for row in clinic.rows("messages")] == ["C1"]

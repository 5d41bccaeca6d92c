"""A project made by `vagus init`, run by `vagus run` in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import chdir
from pathlib import Path
from typing import Any

from cli.given import Outcome, execute_here

VAGUS = [sys.executable, "-m", "vagus.cli"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Clinic:
    """One folder; `start` and `stop` its engine, `verb` asks about it from a process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.http = free_port(), free_port()
        self.environment = {
            **os.environ,
            "VAGUS_HL7_PORT": str(self.port),
            "VAGUS_HTTP_PORT": str(self.http),
            "VAGUS_OUT": str(folder / "out"),
        }
        self._log = folder.parent / f"{folder.name}.log"
        self.process: subprocess.Popen[str] | None = None

    def make(self) -> Clinic:
        done = self.verb("init", self.folder, cwd=self.folder.parent)
        assert done.code == 0, done.err
        channel = self.folder / "channels/hl7_in.yaml"
        channel.write_text(
            channel.read_text().replace(
                "steps:\n", "steps:\n  - filter: =MSH-9.1 | in ADT\n    reason: not-adt\n"
            )
        )
        return self

    @property
    def target(self) -> str:
        return f"mllp://127.0.0.1:{self.port}"

    def start(self, *more: str) -> None:
        log = self._log.open("ab")
        self.process = subprocess.Popen(
            [*VAGUS, "run", str(self.folder), *more],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        log.close()
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                self.end()
                raise AssertionError(self.log)
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        self.end()
        raise AssertionError(f"it does not listen: {self.log}")

    def stop(self, number: int = signal.SIGTERM) -> dict[str, Any]:
        assert self.process is not None
        self.process.send_signal(number)
        out, _ = self.process.communicate(timeout=30)
        assert self.process.returncode == 0, self.log
        (line,) = out.splitlines()
        counts: dict[str, Any] = json.loads(line)
        return counts

    def end(self) -> None:
        """Whatever state it is in, leave no process and no open pipe behind."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            if self.process.stdout is not None:
                self.process.stdout.close()

    @property
    def log(self) -> str:
        return self._log.read_text()

    def verb(self, *words: object, stdin: bytes = b"", cwd: Path | None = None) -> Outcome:
        """A verb, in this process."""
        with chdir(cwd or self.folder):
            return execute_here(words, stdin)

    def process_of(self, *words: object) -> Outcome:
        """A verb in a process of its own."""
        done = subprocess.run(
            [*VAGUS, *map(str, words)],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            timeout=60,
            check=False,
        )
        return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())

    def rows(self, *words: object) -> list[dict[str, Any]]:
        done = self.verb(*words, "--format", "json")
        assert done.code == 0, done.err
        return done.lines

    def settled(self, patience: float = 10.0) -> None:
        """Wait until nothing is pending."""
        deadline = time.monotonic() + patience
        while self.rows("messages", "--state", "pending"):
            assert time.monotonic() < deadline, "still pending"
            time.sleep(0.05)

"""A real PostgreSQL of our own: its own port and data folder, gone afterwards."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

PACKAGE = "postgresql"
USER = "nobody"  # PostgreSQL refuses to run as root
START_SECONDS = 60.0


def home() -> Path:
    """The folder of its programs; fails when they are not there and cannot be installed."""
    for _ in range(2):
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        if found:
            return found[-1].parent
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
        for command in (
            ["apt-get", "update", "-qq"],
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", PACKAGE],
        ):
            subprocess.run(command, env=environment, capture_output=True, check=False)
    raise AssertionError(
        f"these tests need a PostgreSQL: install Debian's {PACKAGE}, or run them as root"
    )


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """One server; `start`, `stop` and `kill` as often as needed, on the same data."""

    def __init__(self) -> None:
        self._home = home()
        self.folder = Path(tempfile.mkdtemp(prefix="vagus-pg-"))
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        if os.geteuid() == 0:
            shutil.chown(self.folder, USER)
        data = self.folder / "data"
        self._run(
            "initdb", "-D", str(data), "-A", "trust", "-U", "vagus", "--no-sync", "-E", "UTF8"
        )
        with (data / "postgresql.conf").open("a") as file:
            file.write(
                f"port = {self.port}\nlisten_addresses = '127.0.0.1'\n"
                f"unix_socket_directories = '{self.folder}'\nmax_connections = 200\n"
            )

    def _as_user(self) -> dict[str, Any]:
        return {"user": USER} if os.geteuid() == 0 else {}

    def _run(self, program: str, *words: str) -> None:
        done = subprocess.run(
            [str(self._home / program), *words],
            capture_output=True,
            check=False,
            cwd=self.folder,
            **self._as_user(),
        )
        assert done.returncode == 0, done.stderr.decode()

    @property
    def url(self) -> str:
        """The database that is there from the start."""
        return f"postgresql://vagus@127.0.0.1:{self.port}/postgres"

    def namespace(self) -> str:
        """A schema nobody has used."""
        return f"t{uuid4().hex[:12]}"

    def start(self) -> None:
        """Start and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._home / "postgres"), "-D", str(self.folder / "data")],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                **self._as_user(),
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            ready = subprocess.run(
                [str(self._home / "pg_isready"), "-h", "127.0.0.1", "-p", str(self.port)],
                capture_output=True,
                check=False,
            )
            if ready.returncode == 0:
                return
            time.sleep(0.1)
        raise AssertionError(f"PostgreSQL does not start: {(self.folder / 'log').read_text()}")

    def stop(self) -> None:
        """Cut every connection and stop, as a restart does."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Stop as a power cut does, but for the disk."""
        self._end(signal.SIGQUIT)

    def _end(self, number: int) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(number)
            process.wait(30)

    def remove(self) -> None:
        """Stop for good."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

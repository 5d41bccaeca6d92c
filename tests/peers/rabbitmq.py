"""A real RabbitMQ of our own: its own ports, node name, cookie and folders, gone afterwards."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import trustme

from peers.debian import installed

HOME = Path("/usr/lib/rabbitmq/bin")  # Debian's; the wrappers in /usr/sbin change the user
PACKAGE = "rabbitmq-server"
START_SECONDS = 90.0
CONFIG = """\
listeners.tcp.default = 127.0.0.1:%(port)d
loopback_users = none
log.console = false
log.file.level = warning
disk_free_limit.absolute = 10MB
vm_memory_high_watermark.absolute = 4GB
management.tcp.ip = 127.0.0.1
management.tcp.port = %(admin)d
%(tls)s
"""
TLS = """\
listeners.ssl.default = 127.0.0.1:%(secure)d
ssl_options.cacertfile = %(ca)s
ssl_options.certfile = %(cert)s
ssl_options.keyfile = %(key)s
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = true
"""


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def certificates(folder: Path) -> dict[str, Path]:
    """An authority, and what a server and a client show each other: `ca`, `cert`, `key`, …"""
    authority = trustme.CA()
    folder.mkdir(parents=True)
    files = {"ca": folder / "ca.pem"}
    authority.cert_pem.write_to_path(str(files["ca"]))
    for prefix, name in (("", "localhost"), ("client_", "client.example")):
        issued = authority.issue_cert(name, common_name=name)
        files[f"{prefix}cert"], files[f"{prefix}key"] = (
            folder / f"{name}.pem",
            folder / f"{name}.key",
        )
        files[f"{prefix}key"].write_bytes(issued.private_key_pem.bytes())
        files[f"{prefix}cert"].write_bytes(b"".join(b.bytes() for b in issued.cert_chain_pems))
    return files


class Server:
    """One node; `start` and `kill` as often as needed, on the same data."""

    def __init__(self, folder: Path, tls: dict[str, Path] | None = None) -> None:
        installed(PACKAGE, HOME / "rabbitmq-server")
        self.folder = folder
        self.port, self.secure, self._dist, self._epmd = (free_port() for _ in range(4))
        self.admin = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._alarmed = False
        self._hosts = 0
        self.tls = tls or {}
        self.vhost = "/"
        folder.mkdir(parents=True, exist_ok=True)
        secure = TLS % {"secure": self.secure, **tls} if tls else ""
        values = {"port": self.port, "admin": self.admin, "tls": secure}
        (folder / "rabbitmq.conf").write_text(CONFIG % values)
        (folder / "plugins").write_text("[rabbitmq_management].\n")
        cookie = folder / ".erlang.cookie"
        cookie.write_text("A" * 20)
        cookie.chmod(0o400)
        self._environment = {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(folder),
            "RABBITMQ_NODENAME": f"vagus{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(self._dist),
            "ERL_EPMD_PORT": str(self._epmd),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "no-such-file"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            # Two schedulers and no busy waiting: it shares the machine with the tests.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 2:2 +sbwt none +sbwtdcpu none",
        }

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}/{quote(self.vhost, safe='')}"

    def start(self) -> None:
        """Start, and wait until it takes connections."""
        with (self.folder / "console").open("ab") as console:
            self._process = subprocess.Popen(
                [HOME / "rabbitmq-server"],
                env=self._environment,
                stdout=console,
                stderr=console,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"RabbitMQ did not start: {self._said()}")
            time.sleep(0.1)

    def _answers(self) -> bool:
        """Whether it greets a client: an AMQP header gets Connection.Start."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as line:
                line.settimeout(2)
                line.sendall(b"AMQP\x00\x00\x09\x01")
                return line.recv(1) == b"\x01"
        except OSError:
            return False

    def _said(self) -> str:
        return (self.folder / "console").read_text(errors="replace")[-2000:]

    def kill(self) -> None:
        """kill -9 of the whole node."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it as an operator would."""
        self._end(signal.SIGTERM)

    def _end(self, number: int) -> None:
        process, self._process = self._process, None
        if process is not None:
            os.killpg(process.pid, number)
            process.wait(60)

    def remove(self) -> None:
        """End everything that was started, and its data."""
        self.kill()
        for _ in range(50):  # it refuses until it has noticed that the node is gone
            if self._epmd_ended():
                break
            time.sleep(0.1)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _epmd_ended(self) -> bool:
        done = subprocess.run(
            ["epmd", "-port", str(self._epmd), "-kill"],
            env=self._environment,
            capture_output=True,
            check=False,
        )
        return b"Killed" in done.stdout

    def pause(self) -> None:
        """Stop the processes where they stand: connections stay, nothing answers."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Go on after `pause`."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGCONT)

    def ctl(self, *arguments: str) -> str:
        """What `rabbitmqctl` says; fails when it fails."""
        done = subprocess.run(
            [HOME / "rabbitmqctl", "--quiet", *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def listed(self, what: str, *columns: str) -> list[dict[str, Any]]:
        """The rows of `rabbitmqctl list_…`."""
        rows: list[dict[str, Any]] = json.loads(
            self.ctl("--formatter", "json", "-p", self.vhost, what, *columns)
        )
        return rows

    def block(self) -> None:
        """Raise the memory alarm: publishers are held up."""
        self._alarmed = True
        self.ctl("set_vm_memory_high_watermark", "absolute", "1MB")

    def unblock(self) -> None:
        """Take the memory alarm back."""
        self.ctl("set_vm_memory_high_watermark", "absolute", "4GB")
        self._alarmed = False

    def refresh(self) -> None:
        """Run, without alarms, and go on in an empty virtual host.

        Queues of earlier tests stay where they are: a node that is killed soon after many queues
        were deleted has been seen not to bring the others up again (RabbitMQ 3.10.8).
        """
        if self._process is None or self._process.poll() is not None:
            self.start()
        if self._alarmed:
            self.unblock()
        self._hosts += 1
        self.vhost = f"trial{self._hosts}"
        self.ctl("add_vhost", self.vhost)
        self.ctl("set_permissions", "-p", self.vhost, "guest", ".*", ".*", ".*")


def main() -> int:
    """Run a command beside a fresh server, which it finds in RABBITMQ_URL."""
    with tempfile.TemporaryDirectory() as name:
        server = Server(Path(name) / "server")
        server.start()
        try:
            environment = {**os.environ, "RABBITMQ_URL": server.url}
            return subprocess.run(sys.argv[1:], env=environment, check=False).returncode
        finally:
            server.remove()


if __name__ == "__main__":
    sys.exit(main())

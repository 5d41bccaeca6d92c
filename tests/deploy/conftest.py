"""The image without Docker: its packages in an empty environment, its commands as it says them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from peers.rabbitmq import free_port

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
CHANNEL = """\
channel: adt_in
source:
  mllp: {port: "${VAGUS_HL7_PORT}"}
steps:
  - transform: hl7v2_to_fhir
publish: canonical
"""


class Image:
    """What the Dockerfile installs, in `prefix` for /opt/vagus, and a project for /project."""

    def __init__(self, folder: Path) -> None:
        self.text = (DEPLOY / "Dockerfile").read_text().replace("\\\n", "")
        self.prefix, self.project = folder / "opt", folder / "project"
        self.writable = {"/data": folder / "data", "/keys": folder / "keys"}
        self.places = {"/opt/vagus": self.prefix, "/project": self.project, **self.writable}
        self._source = folder / "source"
        self.http = free_port()
        assignments = re.findall(r"(VAGUS_\w+|PYTHON\w+)=(\S+)", self.text)
        self.environment = {
            **{name: self.here(value) for name, value in assignments},
            "PATH": os.environ["PATH"],
            "VAGUS_HTTP_PORT": str(self.http),
            "VAGUS_HL7_PORT": str(free_port()),
            "RABBITMQ_PASSWORD": "invented",
        }

    def here(self, text: str) -> str:
        """A path of the image as the one on this machine."""
        for inside, outside in self.places.items():
            text = re.sub(rf"^{inside}\b", str(outside), text)
        return text

    def command(self, instruction: str) -> list[str]:
        """The last instruction of that name, in its JSON form."""
        (*_, found) = re.findall(rf"^\s*{instruction} .*?(\[.*\])$", self.text, re.MULTILINE)
        return [self.here(word) for word in json.loads(found)]

    def build(self) -> None:
        """Install what the Dockerfile names, from what .dockerignore lets through."""
        allowed = (DEPLOY / "Dockerfile.dockerignore").read_text()
        for name in re.findall(r"^!(\S+)$", allowed, re.MULTILINE):
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            self._source.mkdir(exist_ok=True)
            copy(ROOT / name, self._source / name)
        (extras,) = re.findall(r"'/source(\[.*?\])'", self.text)
        pip = [self.prefix / "bin/pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([sys.executable, "-m", "venv", self.prefix], check=True)
        subprocess.run([*pip, f"{self._source}{extras}"], check=True)

    def lay_project(self) -> None:
        """The project of README.md, with one channel; its RabbitMQ is away."""
        page = (DEPLOY / "README.md").read_text()
        (fence,) = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
        for inside, outside in self.writable.items():
            outside.mkdir()
            fence = fence.replace(f" {inside}/", f" {outside}/")
        (self.project / "channels").mkdir(parents=True)
        (self.project / "channels/adt_in.yaml").write_text(CHANNEL)
        settings = fence.replace("rabbitmq:5672", f"127.0.0.1:{free_port()}")
        (self.project / "vagus.yaml").write_text(settings.replace("0.0.0.0", "127.0.0.1"))
        self.run("broker", "key", str(self.writable["/keys"] / "eligibility.jwk"))

    def run(self, *words: str) -> str:
        """What the entry point says to other words than those of CMD."""
        done = subprocess.run(
            [*self.command("ENTRYPOINT"), *words],
            env=self.environment,
            cwd=self.project,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def healthy(self) -> bool:
        """The verdict of HEALTHCHECK."""
        done = subprocess.run(
            self.command("HEALTHCHECK"), env=self.environment, capture_output=True, check=False
        )
        return done.returncode == 0

    def start(self) -> subprocess.Popen[bytes]:
        """ENTRYPOINT with CMD, until the health check is content."""
        words = [*self.command("ENTRYPOINT"), *self.command("CMD")]
        with (self.project.parent / "log").open("wb") as log:
            process = subprocess.Popen(
                words, env=self.environment, cwd=self.project, stdout=log, stderr=log
            )
        deadline = time.monotonic() + 30
        while not self.healthy():
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                process.wait()
                raise AssertionError((self.project.parent / "log").read_text())
            time.sleep(0.2)
        return process


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    built = Image(tmp_path_factory.mktemp("image"))
    built.build()
    built.lay_project()
    return built


@pytest.fixture(scope="session")
def running(image: Image) -> Iterator[Image]:
    process = image.start()
    yield image
    process.terminate()
    assert process.wait(30) == 0


@pytest.fixture(scope="session")
def served(running: Image) -> dict[str, list[dict[str, str]]]:
    """Every sample that the engine serves: its name, and the labels it has."""
    url = f"http://127.0.0.1:{running.http}/metrics"
    with urllib.request.urlopen(url, timeout=5) as answer:
        text = answer.read().decode()
    found: dict[str, list[dict[str, str]]] = {}
    for family in text_string_to_metric_families(text):
        if not family.samples:
            found.setdefault(family.name, [])
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample.labels)
    return found

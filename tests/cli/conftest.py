from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli.given import Call, Outcome, adt, execute_here


@pytest.fixture
def call() -> Call:
    """Run a command line in this process."""

    def run(*words: object, stdin: bytes = b"") -> Outcome:
        return execute_here(words, stdin)

    return run


@pytest.fixture
def shell() -> Call:
    """Run a command line as a process of its own."""

    def run(
        *arguments: object, stdin: bytes = b"", cwd: Path | None = None, **environment: str
    ) -> Outcome:
        done = subprocess.run(
            [sys.executable, "-m", "vagus.cli", *map(str, arguments)],
            input=stdin,
            cwd=cwd,
            env={**os.environ, "PYTHONWARNINGS": "error", **environment},
            capture_output=True,
            timeout=60,
            check=False,
        )
        return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


@pytest.fixture
def message(tmp_path: Path) -> Path:
    """A file with one message."""
    path = tmp_path / "one.hl7"
    path.write_bytes(adt())
    return path

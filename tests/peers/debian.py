"""Programs of Debian that tests need."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def installed(package: str, program: Path) -> None:
    """Have `program` on this machine; fails when it is not there and cannot be installed."""
    if program.exists():
        return
    # Run level 1 keeps the package from starting a server of its own.
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package],
    ):
        done = subprocess.run(command, env=environment, capture_output=True, check=False)
        if done.returncode:
            raise AssertionError(
                f"these tests need Debian's {package}: install it, or run them as root"
            )

"""Node.js with the packages of a folder; installed when it is not there, never skipped."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path


def node(folder: Path) -> str:
    """The command, after installing what the package.json of a folder asks for."""
    if not (shutil.which("node") and shutil.which("npm")):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (
            ["apt-get", "update", "-qq"],
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "nodejs", "npm"],
        ):
            subprocess.run(command, env=environment, capture_output=True, check=False)
    found = shutil.which("node")
    if not (found and shutil.which("npm")):
        raise AssertionError("this test needs Node.js: install nodejs and npm, or run it as root")
    done = subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", "--silent"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"npm install failed: {done.stderr[-1000:]}"
    return found

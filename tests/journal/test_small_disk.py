"""A disk that is really full: nothing is lost or called durable, and room ends the wait."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from vagus.journal.ledger import verify


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB of its own; skipped where mounting is not allowed."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, check=False)
    except OSError:
        pytest.skip("mount is not installed")
    if done.returncode:
        pytest.skip("mounting a small disk takes root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


async def test_a_full_disk_stalls_and_room_lets_it_go_on(
    small_disk: Path, new_desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vagus.journal.pump.RETRY_SECONDS", 0.05)
    desk = new_desk()
    desk.folder = small_disk / "journal"
    journal = await desk.open()
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * (2 << 20))
    told: list[int] = []
    stalled = asyncio.Event()
    journal.on_failure = lambda _: stalled.set()
    for n in range(400):
        desk.accept(f"C{n}", b"x" * 3_000, then=lambda n=n: told.append(n))
    async with asyncio.timeout(10):
        await stalled.wait()
    await asyncio.sleep(0.15)
    assert journal.stalled
    assert len(told) < 400
    assert len(journal.stored(limit=1_000)) == len(told)
    assert journal.counts()["total"]["messages"]["accepted"] == len(told)
    ballast.unlink()
    async with asyncio.timeout(10):
        await journal.flush()
    assert told == list(range(400))
    await journal.close()
    assert verify(desk.folder, desk.keyset).differences == []

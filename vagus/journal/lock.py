"""One engine for one journal folder: an advisory lock that the system drops when a process dies."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from vagus.kernel.errors import ConfigError


class FolderLock:
    """Held from its making until `release`; raises ConfigError when another process holds it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / "engine.lock"
        handle = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(handle, 20).decode("ascii", "replace").strip() or "unknown"
            os.close(handle)
            raise ConfigError(
                f"{folder}: an engine is already running on this journal (pid {holder}); stop it"
                " first, or give this one its own folder"
            ) from None
        os.ftruncate(handle, 0)
        os.write(handle, str(os.getpid()).encode())
        self._handle: int | None = handle

    @property
    def wanted(self) -> bool:
        """Nobody else can use this disk."""
        return False

    def release(self) -> None:
        """Let another engine have the folder."""
        handle, self._handle = self._handle, None
        if handle is not None:
            os.ftruncate(handle, 0)
            os.close(handle)


def holder(folder: Path) -> int | None:
    """The process id of the engine running on a folder, or None."""
    try:
        handle = os.open(folder / "engine.lock", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        text = os.read(handle, 20).decode("ascii", "replace").strip()
        return int(text) if text.isdigit() else None
    finally:
        os.close(handle)
    return None

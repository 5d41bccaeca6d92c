"""Marks against a message that kills the process: before the third start it is a dead letter.

The id being mapped stands in a small memory-mapped file, which survives a kill without a
system call per message.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

_PAGE = 4096
_MARK = struct.Struct("<QB")
STARTS = 2


class StartedMark:
    """Which message is being processed, and how often the process died on it."""

    def __init__(self, path: Path) -> None:
        path.touch(mode=0o600)
        with path.open("r+b") as file:
            file.truncate(_PAGE)
            self._page = mmap.mmap(file.fileno(), _PAGE)
        self._suspect, self._starts = _MARK.unpack_from(self._page)

    def start(self, message_id: int) -> bool:
        """Mark a message as begun; False when the process died on it too often."""
        starts = 1
        if message_id == self._suspect:
            if self._starts >= STARTS:
                return False
            starts = self._starts = self._starts + 1
        _MARK.pack_into(self._page, 0, message_id, starts)
        return True

    def finish(self) -> None:
        """The message did not kill the process."""
        _MARK.pack_into(self._page, 0, 0, 0)

    def close(self) -> None:
        """Let go of the file."""
        self._page.close()

"""`<day>.keys`: which control ids a closed day has seen, as sorted 64-bit hashes.

A look-up bisects the mapped file; a hit must be verified in the day's own index.
"""

from __future__ import annotations

import hashlib
import mmap
import os
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from pathlib import Path
from struct import Struct

from vagus.journal import connect

_MAGIC = b"VAGUSKY1"
_HASH = 32
_WHO = Struct(">qq")


def key_of(endpoint: int, sender: int, control: str) -> int:
    """The 64-bit hash under which a control id of a sender is filed."""
    data = _WHO.pack(endpoint, sender) + control.encode("utf-8", "surrogateescape")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")


class KeyFile:
    """The keys of one closed day."""

    __slots__ = ("_count", "_file", "_keys", "_map")

    def __init__(self, path: Path) -> None:
        """Map the file; raises ValueError when it is not whole, OSError when it is not there."""
        with path.open("rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        view = memoryview(data)
        body = view[len(_MAGIC) : len(view) - _HASH]
        whole = (
            bytes(view[: len(_MAGIC)]) == _MAGIC
            and len(body) % 8 == 0
            and hashlib.sha256(body).digest() == bytes(view[len(view) - _HASH :])
        )
        if not whole:
            body.release()
            view.release()
            data.close()
            raise ValueError(f"{path.name} is damaged")
        self._map = data
        self._file = view
        self._keys = body.cast("Q") if len(body) else body
        self._count = len(body) // 8
        if len(body):
            body.release()

    def __contains__(self, key: int) -> bool:
        place = bisect_left(self._keys, key)
        return place < self._count and self._keys[place] == key

    def __len__(self) -> int:
        return self._count

    def close(self) -> None:
        """Unmap the file."""
        self._keys.release()
        self._file.release()
        self._map.close()


def _sorted(keys: Iterable[int]) -> Iterator[bytes]:
    """The keys in order, in pieces: one sort of them all would keep the loop waiting."""
    pieces = [array("Q") for _ in range(256)]
    for key in keys:
        pieces[key >> 56].append(key)
    for piece in pieces:
        yield array("Q", sorted(piece)).tobytes()


def write_keys(path: Path, keys: Iterable[int]) -> None:
    """Write the file, whole or not at all."""
    data = b"".join(_sorted(keys))
    unfinished = path.with_name(path.name + ".new")
    with unfinished.open("wb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(_MAGIC + data + hashlib.sha256(data).digest())
        file.flush()
        os.fsync(file.fileno())
    os.replace(unfinished, path)
    connect.sync_folder(path.parent)

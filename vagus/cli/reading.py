"""Reading the messages of a file or of standard input: batches opened, MLLP frames taken off."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import click

from vagus.formats.hl7v2 import HL7V2
from vagus.kernel.errors import DecodeError

STDIN = "-"
MAX_BYTES = 1 << 30
_HEAD = 1 << 16
_PIECE = 1 << 18
_START, _END = b"\x0b", b"\x1c"
_BLANK = b"\r\n\t \x00"
_BOM = b"\xef\xbb\xbf"


class Found(NamedTuple):
    """The bytes of one message, or why there is none in them; `number` counts from 1."""

    number: int
    body: bytes
    format: str
    error: DecodeError | None = None


class Opened(NamedTuple):
    """A file, or standard input, that has been begun to be read; `size` is 0 when unknown."""

    name: str
    head: bytes
    file: BinaryIO
    size: int

    @property
    def pieces(self) -> Iterator[bytes]:
        """All of it, the head included, once; the file is closed at its end."""
        most = MAX_BYTES if self.name == STDIN else sys.maxsize
        with self.file:
            piece = self.head
            while piece and most > 0:
                yield piece
                most -= len(piece)
                piece = self.file.read(_PIECE)

    def whole(self) -> bytes:
        """Everything at once; more than MAX_BYTES is wrong use."""
        if self.size > MAX_BYTES:
            self.file.close()
            raise click.UsageError(f"{self.name}: the file is larger than 1 GiB; split it first")
        return b"".join(self.pieces)


def opened(name: str) -> Opened:
    """A file to be read piece by piece, or standard input for `-`; a bad name is wrong use."""
    if name == STDIN:
        head = sys.stdin.buffer.read(_HEAD)
        return Opened(name, head, sys.stdin.buffer, 0)
    path = Path(name)
    try:
        if is_folder(name):
            raise click.UsageError(
                f"{name}: that is a folder; name a file, or - for standard input"
            )
        file = path.open("rb")
        head = file.read(_HEAD)
        size = path.stat().st_size
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "not a file name"
        raise click.UsageError(f"{name}: {why}") from None
    return Opened(name, head, file, size)


def contents(name: str) -> bytes:
    """Everything in a file, or on standard input for `-`; a bad name is wrong use."""
    return opened(name).whole()


def all_messages(names: Iterable[str]) -> Iterator[tuple[str, Found]]:
    """The messages of files, of `-`, and of every file below a folder, each with its file's name.

    Hidden files are left out. A file without a message gives none.
    """
    for name in names:
        for file in _files(name):
            for found in messages(contents(file)):
                yield file, found


def is_folder(name: str) -> bool:
    """Whether a name is a folder's; a name that cannot be a file's is none."""
    return os.path.isdir(name)  # Path.is_dir raises for a name that is too long


def _files(name: str) -> Iterator[str]:
    folder = Path(name)
    if name == STDIN or not is_folder(name):
        yield name
        return
    for path in sorted(folder.rglob("*")):
        below = path.relative_to(folder).parts
        if path.is_file() and not any(part.startswith(".") for part in below):
            yield str(path)


def messages(data: bytes) -> Iterator[Found]:
    """The messages in order; what cannot be split stands for itself with its error."""
    number = 0
    for frame in _frames(data):
        kind = _format(frame)
        if kind not in ("hl7v2", ""):
            number += 1
            yield Found(number, frame, kind, DecodeError("unsupported-format"))
            continue
        try:
            bodies = HL7V2().split(frame)
        except DecodeError as error:
            number += 1
            yield Found(number, frame, kind, error)
            continue
        for body in bodies:
            number += 1
            yield Found(number, body, kind or "unknown")


def _frames(data: bytes) -> Iterator[bytes]:
    """The contents of MLLP frames when the data holds such, else all of it."""
    start = data.lstrip(_BLANK)
    if not start:
        return
    if not start.startswith(_START):
        yield data
        return
    for frame in start.split(_START):
        content = frame.rstrip(_BLANK).removesuffix(_END)
        if content.strip(_BLANK):
            yield content


def _format(frame: bytes) -> str:
    """What the first bytes look like; '' when like nothing we know."""
    start = frame.removeprefix(_BOM).lstrip(_BLANK)
    if start.startswith((b"MSH", b"FHS", b"BHS")):
        return "hl7v2"
    if start.startswith((b"ISA", b"GS*", b"ST*")):
        return "x12"
    return "fhir" if start.startswith((b"{", b"[")) and b"resourceType" in start[:4096] else ""

"""Batches and files of messages, opened: `[FHS] { [BHS] { MSH ... } [BTS] } [FTS]` (§2.10.3).

Headers and trailers are optional in the field, and their counts often wrong: a count that is
given must be right, because a short batch is a lost message.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from vagus.formats.hl7v2.separators import declared
from vagus.kernel.errors import DecodeError

_MARK = re.compile(rb"(?<![^\r\n])(MSH|FHS|BHS|BTS|FTS)(?![0-9A-Za-z])")
_INNER = re.compile(rb"\r(?:MSH|BHS|BTS|FTS)")
_BLANK = b"\r\n\t \x00\x1a"
_BOM = b"\xef\xbb\xbf"


def split(frame: bytes) -> Sequence[bytes]:
    """The messages of a frame or file in order; a lone message is the very frame.

    Raises DecodeError: `batch` when segments stand outside any message, `batch-count` when
    BTS-1 or FTS-1 says otherwise than what is there.
    """
    if frame.startswith(b"MSH") and b"\n" not in frame and not _INNER.search(frame):
        return (frame,)
    whole = frame.removeprefix(_BOM)
    marks = list(_MARK.finditer(whole))
    names = [mark[1] for mark in marks]
    if not marks or names == [b"MSH"]:
        return (frame,)
    if whole[: marks[0].start()].strip(_BLANK):
        raise DecodeError("no-msh", "MSH")
    ends = [mark.start() for mark in marks[1:]] + [len(whole)]
    tally = _Tally()
    messages: list[bytes] = []
    for mark, name, end in zip(marks, names, ends, strict=True):
        piece = whole[mark.start() : end]
        if name == b"MSH":
            messages.append(piece)
            tally.message()
        else:
            tally.envelope(name.decode(), _line(piece, name.decode()))
    return messages


def _line(piece: bytes, name: str) -> str:
    """A header or trailer, after which nothing may follow up to the next mark."""
    line, _, rest = piece.replace(b"\n", b"\r").partition(b"\r")
    if rest.strip(_BLANK):
        raise DecodeError("batch", name)
    return line.decode("latin-1")


class _Tally:
    """Counts the messages of each batch and the batches of the file against their trailers."""

    def __init__(self) -> None:
        self._messages = 0
        self._batches = 0
        self._open = False
        self._field = ""

    def message(self) -> None:
        """One more; messages without a batch header make a batch of their own."""
        if not self._open:
            self._start()
        self._messages += 1

    def envelope(self, name: str, line: str) -> None:
        """A header opens; a trailer is checked and closes."""
        if name in ("FHS", "BHS"):
            self._field = declared(line).field
        field = self._field or line[3:4]
        given = (line.split(field) if field else [line])[1:2]
        if name == "BHS":
            self._start()
        elif name == "BTS":
            if not self._open:
                self._start()
            _check(given, self._messages, "BTS-1")
            self._open = False
        elif name == "FTS":
            _check(given, self._batches, "FTS-1")
            self._batches = 0
            self._open = False

    def _start(self) -> None:
        self._open = True
        self._batches += 1
        self._messages = 0


def _check(given: list[str], found: int, where: str) -> None:
    text = given[0].strip() if given else ""
    if text in ("", '""'):
        return
    if not (text.isascii() and text.isdigit() and len(text) < 10) or int(text) != found:
        raise DecodeError("batch-count", where)

"""From a stream of bytes to whole frames: the first thing that happens to an MLLP message.

HL7 v2.5.1 Appendix C, minimal lower layer protocol release 1. A frame is `0B`, the content,
`1C 0D`. The result never depends on how the network cut the stream, and the work is linear in
its length.
"""

from __future__ import annotations

from typing import NamedTuple

START = 0x0B
END = 0x1C
INCOMPLETE = "incomplete"
TOO_LARGE = "too-large"
JUNK = "junk"
#: How much is kept of bytes that are no frame, and of a frame above the limit.
KEEP = 64 * 1024
_STRICT_END = b"\x1c\r"
_LENIENT_END = b"\x1c"
_BLANK = b"\r\n\t "


class Piece(NamedTuple):
    """The content of one frame, or bytes that are none and the word for why."""

    body: bytes
    damage: str = ""


def frame(body: bytes) -> bytes:
    """The bytes that go over the wire for one content."""
    return b"\x0b%b\x1c\r" % body


class Framer:
    """Cuts one connection's bytes into pieces.

    `limit` is the longest content in bytes. `lenient` takes a lone `1C` for the end of a
    frame; otherwise `1C` without `0D` is content. Once `ended`, after a frame that is too large
    or junk without end, the connection has no frames left that could be found.
    """

    __slots__ = ("_blank", "_end", "_held", "_inside", "_limit", "_seen", "ended")

    def __init__(self, limit: int, *, lenient: bool = False) -> None:
        self._limit = limit
        self._end = _LENIENT_END if lenient else _STRICT_END
        self._blank = _BLANK + _LENIENT_END if lenient else _BLANK
        self._held = bytearray()
        self._inside = False
        self._seen = 0
        self.ended = False

    @property
    def pending(self) -> bool:
        """Whether something has begun that is not yet complete."""
        return self._inside or bool(self._held)

    def feed(self, data: bytes) -> list[Piece]:
        """The pieces that these bytes complete, in order."""
        pieces: list[Piece] = []
        if self.ended:
            return pieces
        held = self._held
        if held:
            held += data
            del held[: self._scan(held, pieces)]
        else:
            kept = self._scan(data, pieces)
            if kept < len(data):
                held += memoryview(data)[kept:]
        return pieces

    def finish(self) -> list[Piece]:
        """What is left when no more bytes will come."""
        self.ended = True
        rest = bytes(self._held)
        self._held.clear()
        inside, self._inside = self._inside, False
        if not rest.strip(self._blank):
            return []
        return [Piece(rest, INCOMPLETE) if inside else Piece(rest.rstrip(self._blank), JUNK)]

    def _scan(self, view: bytes | bytearray, pieces: list[Piece]) -> int:
        """Append the pieces found; returns from where on bytes must be kept."""
        size = len(view)
        at, seen = 0, self._seen
        end = -2
        while not self.ended:
            if not self._inside:
                start = view.find(START, seen)
                at = self._outside(view, at, seen, start, pieces)
                if start < 0:
                    seen = size
                    break
                self._inside = True
                at = seen = start + 1
                continue
            if end != -1 and end < at:
                # One byte back: the first half of the end block may have been seen before.
                end = view.find(self._end, max(at, seen - 1))
            start = view.find(START, seen, end if end >= 0 else size)
            stop = start if start >= 0 else end
            if self._too_large(view, at, stop):
                pieces.append(Piece(bytes(view[at : at + min(KEEP, self._limit)]), TOO_LARGE))
                self.ended = True
            elif start >= 0:
                body = bytes(view[at:start])
                if body.strip(self._blank):
                    pieces.append(Piece(body, INCOMPLETE))
                at = seen = start + 1
            elif end >= 0:
                pieces.append(Piece(bytes(view[at:end])))
                at = seen = end + len(self._end)
                self._inside = False
            else:
                seen = size
                break
        if self.ended:
            at = seen = size
            self._inside = False
        self._seen = seen - at
        return at

    def _too_large(self, view: bytes | bytearray, at: int, stop: int) -> bool:
        if stop < 0:
            stop = len(view)
            if self._end is _STRICT_END and stop > at and view[-1] == END:
                stop -= 1
        return stop - at > self._limit

    def _outside(
        self, view: bytes | bytearray, at: int, seen: int, start: int, pieces: list[Piece]
    ) -> int:
        """Judge the bytes before a frame; returns where junk begins that is not over yet."""
        stop = start if start >= 0 else len(view)
        if stop == at:
            return at
        if seen == at:  # otherwise junk is held already and begins here
            at = stop - len(bytes(view[at:stop]).lstrip(self._blank))
        if stop - at > KEEP:
            pieces.append(Piece(bytes(view[at : at + KEEP]).rstrip(self._blank), JUNK))
            self.ended = True
        elif start >= 0 and stop > at:
            pieces.append(Piece(bytes(view[at:stop]).rstrip(self._blank), JUNK))
        return at

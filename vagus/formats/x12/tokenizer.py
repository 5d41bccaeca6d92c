"""From bytes to segments: first step of reading, in pieces so that size does not matter.

Nothing is thrown away: the segments of all chunks, joined with their terminators, and whatever
stood before, between and after the interchanges, are the bytes that came in. One byte is one
character (latin-1), so that no character set can break the reading.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate

from vagus.formats.x12.delimiters import DEFAULT, ISA_LENGTH, Delimiters, declared

CHUNK = 1 << 18
LONGEST_SEGMENT = 1 << 16
BLANK = "\r\n\t \x00\x1a"
BOM = "\xef\xbb\xbf"
#: What the other EDI standard begins with.
EDIFACT = ("UNA", "UNB+")
BREAKS = "\r\n"


@dataclass(slots=True)
class Chunk:
    """A run of whole segments of one interchange, raw, without their terminators.

    `offset` counts bytes from the start of the input. `fault` is a kind of finding; then
    `segments` holds what it is about: text outside an interchange, an unfinished segment.
    """

    offset: int
    segments: list[str]
    delimiters: Delimiters
    fault: str = ""
    starts: bool = False  # the only segment is an ISA
    is_plain: bool = False  # no segment has blanks or line ends around it
    _starts: list[int] = field(default_factory=list)  # offsets, once one is asked for

    @property
    def text(self) -> str:
        """The characters as they came in."""
        if self.fault and not self.starts:
            return self.segments[0]
        return self.delimiters.terminator.join([*self.segments, ""])

    @property
    def end(self) -> int:
        """The offset of what comes after it."""
        return self.offset + len(self.text)

    def clean(self) -> list[str]:
        """The segments without the line ends and blanks that stand around them."""
        if self.is_plain:
            return self.segments
        return [segment.lstrip(BLANK).rstrip(BREAKS) for segment in self.segments]

    def where(self, index: int) -> int:
        """The offset in bytes of the segment at an index."""
        if not self._starts:
            lengths = (len(segment) + 1 for segment in self.segments)
            self._starts = list(accumulate(lengths, initial=self.offset))
        segment = self.segments[index]
        return self._starts[index] + len(segment) - len(segment.lstrip(BLANK))


def chunks(pieces: Iterable[bytes]) -> Iterator[Chunk]:
    """The segments of an input that arrives in pieces of any size.

    A segment longer than LONGEST_SEGMENT comes alone in a chunk with the fault `segment-too-long`,
    in parts, so that memory stays bounded whatever arrives.
    """
    reader = _Reader()
    for piece in pieces:
        for at in range(0, len(piece), CHUNK):
            reader.text += piece[at : at + CHUNK].decode("latin-1")
            yield from reader.read(is_last=False)
    yield from reader.read(is_last=True)


class _Reader:
    def __init__(self) -> None:
        self.text = ""
        self.offset = 0
        self.delimiters: Delimiters | None = None
        self._is_too_long = False  # within a segment of which a part has been given out

    def read(self, is_last: bool) -> Iterator[Chunk]:
        while self.text:
            before = self.offset
            if self.delimiters is None:
                yield from self._open(is_last)
            else:
                yield from self._segments(self.delimiters, is_last)
            if self.offset == before:
                return

    def _open(self, is_last: bool) -> Iterator[Chunk]:
        """Look for the next ISA; what stands before it is a chunk of its own."""
        start = _isa(self.text)
        if start < 0:
            end = len(self.text) if is_last else len(self.text) - 2
            if end > 0:
                yield self._outside(end)
            return
        header = declared(self.text, start)
        if header is None:
            if is_last or len(self.text) - start >= 4 * ISA_LENGTH:
                yield self._outside(start + 3)
            return
        if start:
            yield self._outside(start)
        fault = header.fault or ("" if header.is_fixed else "isa-length")
        self.delimiters = None if header.fault else header.delimiters
        segment = self.text[: header.end - start]
        yield Chunk(self.offset, [segment], header.delimiters, fault, starts=True)
        self._drop(len(segment) + 1)

    def _outside(self, end: int) -> Chunk:
        text = self.text[:end]
        blank = not text.strip(BLANK)
        chunk = Chunk(self.offset, [text], DEFAULT, "blank" if blank else "outside-interchange")
        self._drop(end)
        return chunk

    def _segments(self, delimiters: Delimiters, is_last: bool) -> Iterator[Chunk]:
        if self._is_too_long:
            yield self._rest(delimiters)
            return
        text = self._window(delimiters)
        found = text.split(delimiters.terminator)
        tail = found.pop()
        stop = _stop(text, found, delimiters.element)
        long = _long(text, found)
        if 0 <= long < (stop if stop >= 0 else len(found)):
            found, stop, tail, self._is_too_long = found[:long], -1, "", True
        elif stop >= 0:
            # Whatever follows an IEA, or a second ISA, is looked at afresh.
            self.delimiters = None
            found = found[:stop]
        elif len(tail) > LONGEST_SEGMENT:
            self._is_too_long = True
        if found:
            yield Chunk(self.offset, found, delimiters, is_plain=self._is_plain(delimiters))
            self._drop(sum(map(len, found)) + len(found))
        if stop >= 0:
            yield from self._open(is_last)
        elif self._is_too_long:
            yield self._rest(delimiters)
        elif is_last and tail:
            blank = not tail.strip(BLANK)
            yield Chunk(self.offset, [tail], delimiters, "blank" if blank else "unterminated")
            self._drop(len(tail))

    def _window(self, delimiters: Delimiters) -> str:
        """The text up to where an interchange may end: many small ones are each looked at once."""
        for word in ("IEA", "ISA" + delimiters.element):
            at = self.text.find(word)
            end = self.text.find(delimiters.terminator, at) if at >= 0 else -1
            if end >= 0:
                return self.text[: end + 1]
        return self.text

    def _rest(self, delimiters: Delimiters) -> Chunk:
        """As much as there is of a segment that is too long."""
        end = self.text.find(delimiters.terminator) + 1
        self._is_too_long = not end
        text = self.text[:end] if end else self.text
        chunk = Chunk(self.offset, [text], delimiters, "segment-too-long")
        self._drop(len(text))
        return chunk

    def _is_plain(self, delimiters: Delimiters) -> bool:
        text = self.text
        after = delimiters.terminator + " "
        return not ("\n" in text or "\r" in text or after in text or text[:1] in BLANK)

    def _drop(self, count: int) -> None:
        self.text = self.text[count:]
        self.offset += count


def _stop(text: str, segments: list[str], element: str) -> int:
    """How many segments still belong to an interchange that ends among them; -1: all of them."""
    isa, iea = "ISA" + element, "IEA" + element
    if isa not in text and "IEA" not in text:
        return -1
    for index, segment in enumerate(segments):
        start = segment.lstrip(BLANK)[:4]
        if start in (iea, "IEA"):
            return index + 1
        if start == isa:
            return index
    return -1


def _long(text: str, segments: list[str]) -> int:
    """The index of the first segment that is too long; -1 when none is."""
    if len(text) <= LONGEST_SEGMENT:
        return -1
    lengths = map(len, segments)
    return next((at for at, length in enumerate(lengths) if length > LONGEST_SEGMENT), -1)


def _isa(text: str) -> int:
    """Where an ISA seems to begin: the word, and a separator after it; -1 when nowhere."""
    at = text.find("ISA")
    while at >= 0:
        after = text[at + 3 : at + 4]
        if not after or not (after.isalnum() or after in BLANK):
            return at
        at = text.find("ISA", at + 3)
    return -1


def looks_like(head: bytes) -> bool:
    """Whether the first bytes of an input are X12, or meant to be: an ISA, GS or ST, or EDIFACT.

    Prose may stand before ISA; an input that begins as HL7 v2 is none whatever it quotes.
    """
    text = head.decode("latin-1")
    start = text.removeprefix(BOM).lstrip(BLANK)
    if start.startswith(("MSH", "FHS", "BHS", "\x0b", "{", "[")):
        return False
    if start.startswith(("ISA", "GS*", "ST*", *EDIFACT)):
        return True
    at = _isa(text)
    return at >= 0 and declared(text, at) is not None

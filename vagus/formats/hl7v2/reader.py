"""From the bytes of one message to a `Message`: first step after a frame has been split.

The text is decoded once, cut at the segment terminators (`\\r`; `\\n` and `\\r\\n` tolerated) and
each segment at its field separator; nothing finer is touched (HL7 v2.5.1 §2.5 and §2.6).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from vagus.formats.format import Terms
from vagus.formats.hl7v2 import charsets
from vagus.formats.hl7v2.message import NULL, Message
from vagus.formats.hl7v2.separators import declared
from vagus.formats.hl7v2.structures import structure_of
from vagus.kernel.errors import DecodeError

MAX_FIELDS = 1_000_000
_PADDING = [""] * 22
_SAFE = re.compile(r"[A-Z0-9_]{1,20}")
#: What may be a code and a trigger event by the standard's own patterns; the rest is not logged.
_CODE = re.compile(r"[A-Z][A-Z0-9]{2}")
_TRIGGER = re.compile(r"[A-Z][A-Z0-9][0-9]|Z[A-Z0-9]{2}")
_VERSION = re.compile(r"\d[0-9A-Z.]{0,9}")
_SEGMENT = re.compile(r"[A-Z][A-Z0-9]{2}")
_BLANK = " \t\x00\x1a\x1c"
_BEFORE = "\ufeff\r\n\t "
# A set of names saves a pattern match a segment; those that may not stand inside a message are
# left out, so they come to be looked at.
_USUAL = frozenset(
    "EVN PID PD1 NK1 PV1 PV2 OBX AL1 DG1 PR1 GT1 IN1 IN2 IN3 MRG SCH RGS AIS AIG AIL AIP NTE TQ1"
    " ROL SFT ACC DB1 DRG ORC OBR MSA ERR".split()
)
_ENVELOPE = frozenset(("MSH", "FHS", "BHS", "BTS", "FTS"))


class _Event(NamedTuple):
    """What MSH-9 says, in words that are safe to log."""

    type: str
    code: str
    trigger: str
    structure: str


def decode(body: bytes, terms: Terms) -> Message:
    """The message that the bytes are; raises DecodeError with a place and never a value."""
    if body.isascii() and body.startswith(b"MSH"):
        message = read(body.decode("ascii"), charsets.UNNAMED)
        named = message.header[18] or terms.charset
        if not named:
            return message
        message.charset = charsets.codec(named, message.separators.repetition)
        if charsets.is_plain(message.charset):
            return message
    return read(*_text(body, terms.charset))


def read(text: str, charset: str) -> Message:
    """The message that a text beginning with MSH is; `charset` is remembered for its reply."""
    if "\n" in text:
        text = text.replace("\r\n", "\r").replace("\n", "\r")
    separators = declared(text)
    field = separators.field
    if len(text) > MAX_FIELDS and text.count(field) + text.count("\r") > MAX_FIELDS:
        raise DecodeError("too-many-fields")
    segments = [line.split(field) for line in text.split("\r") if line]
    header = segments[0]
    header.insert(1, field)
    for segment in segments:
        if segment[0] not in _USUAL and segment is not header:
            segments = _named(segments)
            break
    message = Message()
    message.segments = segments
    message.separators = separators
    message.charset = charset
    message._firsts = None
    _head(message, header)
    after = 5 + len(header[2]) if len(header) > 2 else 9
    message.has_escapes = bool(separators.escape) and text.find(separators.escape, after) >= 0
    message.has_nulls = NULL in text
    return message


def _head(message: Message, header: list[str]) -> None:
    padded = header + _PADDING[len(header) :]
    message.header = padded
    component = message.separators.component
    event = _event(padded[9][:80], component)
    message.type, message.code, message.trigger, message.structure = event
    message.control = padded[10]
    message.sender = f"{padded[3]}|{padded[4]}"
    message.processing = padded[11].split(component, 1)[0]
    message.version = _version(padded[12][:40], component)


@lru_cache(maxsize=256)
def _event(value: str, component: str) -> _Event:
    parts = value.split(component)
    code, trigger, named = (*parts, "", "")[:3]
    sound = _CODE.fullmatch(code) and (not trigger or _TRIGGER.fullmatch(trigger))
    if not sound:
        return _Event("unknown", "", "", "")
    structure = structure_of(code, trigger)
    if not structure and _SAFE.fullmatch(named):
        structure = named
    return _Event(f"{code}^{trigger}" if trigger else code, code, trigger, structure)


@lru_cache(maxsize=256)
def _version(value: str, component: str) -> str:
    version = value.split(component, 1)[0]
    return version if not version or _VERSION.fullmatch(version) else "unknown"


def _text(body: bytes, unnamed: str) -> tuple[str, str]:
    """The text of a message and the codec it was read with."""
    charsets.refuse_wide(body)
    text = _from_msh(body.decode("latin-1").removeprefix("\xef\xbb\xbf"))
    named = _msh18(text)
    name = charsets.codec(named or unnamed, text[5:6]) or charsets.UNNAMED
    text = _from_msh(charsets.text(body, name))
    if _msh18(text) != named:
        raise DecodeError("charset", charsets.WHERE)
    return text, name


def _from_msh(text: str) -> str:
    text = text.lstrip(_BEFORE)
    if not text.startswith("MSH"):
        raise DecodeError("no-msh", "MSH")
    return text


def _msh18(text: str) -> str:
    """MSH-18 without cutting the other segments."""
    fields = text.split(text[3:4] or "|", 18)
    if len(fields) < 18:
        return ""
    value = fields[17]
    before = "".join(fields[:17])
    if "\r" in before or "\n" in before:
        return ""
    return value.split("\r", 1)[0].split("\n", 1)[0]


def _named(segments: list[list[str]]) -> list[list[str]]:
    """The segments without blank lines, once it is sure that every one has a proper name.

    A line that is none is most often an unescaped line end inside a field: splitting there
    would lose half of that field silently.
    """
    kept = segments[:1]
    for index, segment in enumerate(segments[1:], 2):
        name = segment[0]
        if len(segment) == 1 and not name.strip(_BLANK):
            continue
        if name in _ENVELOPE:
            raise DecodeError("several-messages", f"segment {index}")
        if not _SEGMENT.fullmatch(name):
            raise DecodeError("segment-name", f"segment {index}")
        kept.append(segment)
    return kept

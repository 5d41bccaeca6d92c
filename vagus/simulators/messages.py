"""The messages a simulator sends: read from files, told apart by patient, numbered anew.

HL7 v2.5.1 §2.5.4 (delimiters of MSH-1 and MSH-2), §2.15.9 (MSH). Works on bytes, so that every
character set and every damaged message goes out as it was written.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

_HEADER = b"MSH"
#: Where a patient's identifier stands: segment to field.
_IDENTIFIER = {b"PID": 3, b"MRG": 1}
_CONTROL, _TIME, _TYPE = 9, 6, 8


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it goes over the wire, segments ended by CR; `code` is MSH-9.1."""

    body: bytes
    code: str
    patients: tuple[bytes, ...]


def read(paths: Iterable[Path]) -> list[Message]:
    """The messages of the files, one each, in the order given; raises OSError."""
    return [_message(wire(path.read_bytes())) for path in paths]


def wire(text: bytes) -> bytes:
    """The bytes with the line ends of a text editor turned into segment ends."""
    return text.replace(b"\r\n", b"\r").replace(b"\n", b"\r")


def field(body: bytes, number: int) -> bytes:
    """A field of the MSH segment by its index after splitting, empty when absent."""
    if not body.startswith(_HEADER) or len(body) < 4:
        return b""
    fields = body.split(b"\r", 1)[0].split(body[3:4])
    return fields[number] if number < len(fields) else b""


def control(body: bytes) -> bytes:
    """MSH-10, empty when absent."""
    return field(body, _CONTROL)


def renumbered(body: bytes, mark: str, now: float) -> bytes:
    """The message with `mark` added to every MSH-10, and every MSH-7 set to `now`.

    An MSH-7 without an offset is left alone: it stands for a sender whose zone is only known to
    the receiver. What has no readable MSH, or no MSH-10, is returned as it is.
    """
    segments = body.split(b"\r")
    for at, segment in enumerate(segments):
        if segment.startswith(_HEADER) and len(segment) > 3:
            segments[at] = _renumbered(segment, mark.encode(), now)
    return b"\r".join(segments)


def shares(messages: Sequence[Message], connections: int) -> list[list[Message]]:
    """The messages by connection, in order; all of one patient, merges included, on one."""
    family: dict[bytes, bytes] = {}

    def head(patient: bytes) -> bytes:
        while (above := family.setdefault(patient, patient)) != patient:
            patient = above
        return patient

    for message in messages:
        for other in message.patients[1:]:
            family[head(other)] = head(message.patients[0])
    seats: dict[bytes, int] = {}
    result: list[list[Message]] = [[] for _ in range(connections)]
    for message in messages:
        key = head(message.patients[0]) if message.patients else b""
        result[seats.setdefault(key, len(seats) % connections)].append(message)
    return result


def _message(body: bytes) -> Message:
    separator = body[4:5] if body.startswith(_HEADER) else b""
    kind = field(body, _TYPE)
    code = kind.split(separator, 1)[0] if separator else kind
    return Message(body, code.decode("ascii", "replace"), tuple(_patients(body)))


def _patients(body: bytes) -> Iterable[bytes]:
    if not body.startswith(_HEADER) or len(body) < 6:
        return
    between, component, repetition = body[3:4], body[4:5], body[5:6]
    for segment in body.split(b"\r"):
        number = _IDENTIFIER.get(segment[:3])
        fields = segment.split(between) if number else []
        if number and number < len(fields):
            identifier = fields[number].split(repetition, 1)[0].split(component, 1)[0]
            if identifier:
                yield identifier


def _renumbered(segment: bytes, mark: bytes, now: float) -> bytes:
    separator = segment[3:4]
    fields = segment.split(separator)
    if len(fields) > _CONTROL and fields[_CONTROL]:
        fields[_CONTROL] += mark
    if len(fields) > _TIME and (b"+" in fields[_TIME] or b"-" in fields[_TIME]):
        fields[_TIME] = time.strftime("%Y%m%d%H%M%S+0000", time.gmtime(now)).encode()
    return separator.join(fields)

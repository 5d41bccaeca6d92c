"""Seals: a keyed hash chain over everything a commit made final, one link for each batch.

What is sealed never changes afterwards: a message as accepted, its outcome with the deliveries it
owes, a delivery made, an event. So the chain can be recomputed from the rows at any time. What may
still change (a delivery that waits or is dead) must agree with its newest event.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from struct import Struct

from vagus.kernel.keys import Keyset

_LINK = Struct(">qqqqq")
_ACCEPT = Struct(">cqqqqiiii")
_ROUTED = Struct(">cqqi")
_ENDED = Struct(">cqqiii")
_TARGET = Struct(">qqi")
_DELIVERED = Struct(">cqqqqqi")
_EVENT = Struct(">cqqqqqqqiii")
_NONE = -(1 << 62)


class Sealer:
    """Computes links of the chain with a key of this deployment."""

    __slots__ = ("_key",)

    def __init__(self, keyset: Keyset) -> None:
        self._key = keyset.derive("journal seals")

    def start(self, day: str, at: int, link: bytes) -> bytes:
        """The digest of a day's seal 0; `link` is the day before's digest, or empty."""
        return hmac.digest(self._key, f"day {day} {at} ".encode() + link, "sha256")

    def link(self, previous: bytes, seal: tuple[int, int, int, int, int], records: bytes) -> bytes:
        """The digest of one seal (n, at, first, last, count) over its records."""
        return hmac.digest(self._key, previous + _LINK.pack(*seal) + records, "sha256")


def accepted(
    row: tuple[int, int, str, str, bytes | None, int, bytes, int | None, str | None],
) -> bytes:
    """A message as accepted: all columns but reply, seal and state."""
    message, endpoint, kind, control, subject, sender, digest, cause, override = row
    kind_, control_ = _raw(kind), _raw(control)
    override_ = b"" if override is None else _raw(override)
    subject_ = subject or b""
    return b"".join(
        (
            _ACCEPT.pack(
                b"A",
                message,
                endpoint,
                sender,
                _NONE if cause is None else cause,
                len(kind_),
                len(control_),
                -1 if subject is None else len(subject_),
                -1 if override is None else len(override_),
            ),
            digest,
            kind_,
            control_,
            subject_,
            override_,
        )
    )


def routed(
    message: int, fanout: int, mapping: bytes, targets: Iterable[tuple[int, int, bytes]]
) -> bytes:
    """A message that was mapped, with what it owes: part, destination, lane, in that order."""
    record = _ROUTED.pack(b"R", message, fanout, len(mapping)) + mapping
    for part, destination, lane in targets:
        record += _TARGET.pack(part, destination, len(lane)) + lane
    return record


def ended(message: int, state: int, stage: str, reason: str, where: str | None) -> bytes:
    """A message that was filtered or died; giving it up later is an event, not another outcome."""
    raw = [_raw(stage), _raw(reason), b"" if where is None else _raw(where)]
    lengths = [len(raw[0]), len(raw[1]), -1 if where is None else len(raw[2])]
    state = 3 if state == 4 else state
    return b"".join((_ENDED.pack(b"O", message, state, *lengths), *raw))


def delivered(
    message: int, part: int, destination: int, attempts: int, done: int, digest: bytes
) -> bytes:
    """A delivery that a peer has taken."""
    head = _DELIVERED.pack(b"D", message, part, destination, attempts, done, len(digest))
    return head + digest


def event(
    row: tuple[int, int, int, str, str, str, int | None, int | None, int | None, int | None],
) -> bytes:
    """An event: message, n, at, kind, actor, detail, part, destination, attempts, due."""
    message, n, at, *rest = row
    texts = [_raw(text) for text in rest[:3] if isinstance(text, str)]
    numbers = [_NONE if number is None else number for number in rest[3:]]
    lengths = [len(text) for text in texts]
    return _EVENT.pack(b"E", message, n, at, *numbers, *lengths) + b"".join(texts)


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")

"""What every wire format offers to the rest of the engine.

Channels hold a `Format` and never name one: they split what arrived, decode it, ask for the
values that order and identify it, and have the reply written that the format owes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from vagus.formats.finding import Finding
from vagus.kernel.diagnostics import Diagnostics
from vagus.kernel.strictyaml import Fields


class Verdict(StrEnum):
    """What became of a message, as far as its sender must know."""

    ACCEPTED = "accepted"
    ERROR = "error"  # the content is at fault; HL7 v2: AE
    REJECTED = "rejected"  # not taken at all; HL7 v2: AR


class Stage(StrEnum):
    """The moment a reply is owed: safely stored, or done with."""

    STORED = "stored"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Answer:
    """A verdict with its standard code and place, never a value of the message.

    `findings` are the errors of a check: the reply lists them one by one, where it has room.
    """

    verdict: Verdict
    code: str = "0"
    where: str = ""
    findings: Sequence[Finding] = ()


@dataclass(frozen=True, slots=True)
class Terms:
    """What an endpoint accepts, and how it reads what the message leaves unsaid."""

    charset: str = ""  # used when the message names none; empty = the format's default
    processing: str = ""  # e.g. P; empty = any
    versions: tuple[str, ...] = ()  # empty = every version the format knows
    zone: str = "UTC"  # IANA name for times without an offset


class Decoded(Protocol):
    """One decoded message."""

    type: str  # e.g. ADT^A01; a word of the standard, safe to log
    control: str  # the sender's id of the message; may be empty
    sender: str  # who sent it, for duplicate detection; never logged
    version: str
    structure: str  # the shape the standard gives this type; may be empty


class Format(Protocol):
    """One wire format. All methods are pure and synchronous."""

    name: str

    def split(self, frame: bytes) -> Sequence[bytes]:
        """The messages of one frame or file, batches opened; raises DecodeError."""
        ...

    def decode(self, body: bytes, terms: Terms) -> Any:
        """The message as a tree, lazily; raises DecodeError. Returns a `Decoded`."""
        ...

    def objection(self, message: Any, terms: Terms) -> Answer | None:
        """Why the endpoint cannot take a readable message, or None."""
        ...

    def refusal(self, error: Exception) -> Answer:
        """The answer owed for bytes whose decoding raised that error."""
        ...

    def check(
        self, message: Any, profile: Any | None = None, *, strict: bool = False
    ) -> Sequence[Finding]:
        """What in a message breaks the standard, or a site's profile; never raises for it.

        `strict` adds what a slower checker finds; raises ConfigError when it is not installed.
        """
        ...

    def profile(self, node: Fields, diagnostics: Diagnostics) -> Any | None:
        """The profile that a site's document holds, for `check`; None after a diagnostic."""
        ...

    def unreadable(self, error: Exception) -> Finding:
        """What is wrong with bytes whose splitting or decoding raised that error."""
        ...

    def divide(self, message: Any, name: str) -> Sequence[Any]:
        """One message for each occurrence of a segment or group."""
        ...

    def parts(self) -> Sequence[str]:
        """The names by which messages may be divided, but for those that sites invent."""
        ...

    def compose(self, segments: Sequence[Any]) -> bytes:
        """The bytes of what a mapping to this format made; raises MessageError."""
        ...

    def encode(self, message: Any) -> bytes:
        """The bytes of a message, as it would be sent."""
        ...

    def lane_keys(self, message: Any) -> tuple[str, ...]:
        """What must stay in order by default (patients); empty = unknown."""
        ...

    def stages(self, message: Any) -> frozenset[Stage] | None:
        """The stages at which the sender asks to hear; None: at one, whichever we choose."""
        ...

    def reply(
        self,
        body: bytes,
        message: Any | None,
        answer: Answer,
        stage: Stage,
        control: str,
        now: float,
    ) -> bytes | None:
        """The reply owed at this stage, or None when none is owed."""
        ...

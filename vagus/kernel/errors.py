"""Every error Vagus raises on purpose: who is at fault, and whether trying again can help.

    VagusError                       its docstring is its default message
    ├─ ConfigError                   to be mended before running; carries diagnostics
    ├─ MessageError                  this message is at fault: dead letter, never retried
    │   ├─ DecodeError               the bytes are not the format they should be
    │   ├─ MappingError              a mapping could not be completed
    │   ├─ ValidationFailed          the canonical result breaks the model
    │   └─ Unroutable                no destination wants it
    ├─ DeliveryError                 sending failed
    │   ├─ DeliveryDelayed           try again
    │   └─ DeliveryRejected          do not
    └─ EngineFault                   ours: nothing is acknowledged

No error ever holds message content: codes and places only.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from vagus.kernel.diagnostic import Diagnostic


class VagusError(Exception):
    """Something went wrong in Vagus."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").strip().split("\n")[0])


class ConfigError(VagusError):
    """The configuration must be mended before anything can run."""

    def __init__(self, message: str | None = None, diagnostics: Sequence[Diagnostic] = ()) -> None:
        lines = [message] if message else []
        lines += [str(item) for item in diagnostics]
        super().__init__("\n".join(lines) or None)
        self.diagnostics = list(diagnostics)


class MessageError(VagusError):
    """This message is at fault and goes to the dead letters.

    `code` comes from a closed list of words; `where` is a place in the message
    (`PID-3.1`), never a value.
    """

    stage = "message"

    def __init__(self, code: str, where: str = "", message: str | None = None) -> None:
        text = message or f"{code} at {where}" if where else message or code
        super().__init__(text)
        self.code = code
        self.where = where


class DecodeError(MessageError):
    """The bytes cannot be read as the format they should be."""

    stage = "decode"


class MappingError(MessageError):
    """A mapping could not be completed for this message."""

    stage = "map"

    def __init__(
        self, code: str, *, mapping: str, line: int = 0, path: str = "", where: str = ""
    ) -> None:
        super().__init__(code, where, f"{code} in mapping {mapping}, line {line}: {path}")
        self.mapping = mapping
        self.line = line
        self.path = path


class ValidationFailed(MessageError):
    """The canonical result breaks the model; `issues` lists the places and codes."""

    stage = "validate"

    def __init__(self, code: str, where: str = "", issues: Sequence[object] = ()) -> None:
        super().__init__(code, where)
        self.issues = list(issues)


class Unroutable(MessageError):
    """No destination of the channel wants this event."""

    stage = "route"


class Fault(StrEnum):
    """Who made a delivery fail: the destination as a whole, or this one message."""

    DESTINATION = "destination"
    MESSAGE = "message"


class DeliveryError(VagusError):
    """Sending failed; `code` comes from a closed list of words (`refused`, `timeout`, `AE`)."""

    def __init__(self, code: str, message: str | None = None) -> None:
        super().__init__(message or code)
        self.code = code


class DeliveryDelayed(DeliveryError):
    """Sending failed and may be tried again.

    `after` is the peer's wish in seconds, if it named one; `unknown` says that the peer may
    have taken the message, so the very same bytes must be sent again first.
    """

    def __init__(
        self,
        code: str,
        *,
        fault: Fault = Fault.DESTINATION,
        after: float | None = None,
        unknown: bool = False,
    ) -> None:
        super().__init__(code)
        self.fault = fault
        self.after = after
        self.unknown = unknown


class DeliveryRejected(DeliveryError):
    """The peer refused the message for good."""


class EngineFault(VagusError):
    """Vagus itself cannot go on: store, broker or keys are unavailable."""

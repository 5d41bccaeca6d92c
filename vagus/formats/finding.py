"""What a check of a message finds: where, how bad, what, in words that hold nothing of it."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Severity(StrEnum):
    """How bad a finding is: an error breaks the standard, a warning should be looked at."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Finding(NamedTuple):
    """One thing about a message, without any value of it.

    `code` is a stable word; `level` is the depth of the check that found it, by the format's own
    scale; `standard` is the code that the format's reply has for it, or ''.
    """

    severity: Severity
    code: str
    level: int
    where: str
    text: str
    standard: str = ""

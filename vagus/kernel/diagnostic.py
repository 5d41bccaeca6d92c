"""One finding about the user's files: where, how bad, what, in the form that compilers use."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad a diagnostic is: an error stops the project from running."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A position in a file, counted from 1."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, order=True)
class Diagnostic:
    """One finding about one place, with a stable code and a hint at the remedy."""

    place: Place
    severity: Severity
    code: str
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.severity} {self.code}: {self.text}"

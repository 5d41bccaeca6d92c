"""What reading a file yields: its interchanges, groups and sets, each once it is over."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from vagus.formats.finding import Severity
from vagus.formats.x12.delimiters import Delimiters
from vagus.formats.x12.findings import Finding


class Verdict(StrEnum):
    """What becomes of a set or group, in the letters of IK501 and AK901."""

    ACCEPTED = "A"
    NOTED = "E"  # accepted, with errors noted
    PARTLY = "P"
    REJECTED = "R"


def verdict(errors: int, warnings: int) -> Verdict:
    """The verdict that so many errors and warnings deserve."""
    if errors:
        return Verdict.REJECTED
    return Verdict.NOTED if warnings else Verdict.ACCEPTED


@dataclass(slots=True)
class TransactionSet:
    """A transaction set, from ST to SE.

    `type` is the transaction, told apart where one ST01 has several guides (837P, 277CA).
    `version` is the guide's id as the sender names it; `guide` ours, '' when there is none.
    `offset` and `size` are bytes; `units` counts claims, patients or events. The verdict is that
    of syntax and guide (SNIP 1 and 2): what is beyond concerns single units.
    """

    transaction: str
    type: str
    version: str
    guide: str
    control: tuple[str, str, str]
    offset: int
    size: int = 0
    segments: int = 0
    units: int = 0
    verdict: Verdict = Verdict.ACCEPTED
    findings: list[Finding] = field(default_factory=list)


@dataclass(slots=True)
class Group:
    """A functional group, from GS to GE. `received` and `accepted` count its sets."""

    code: str  # GS01
    sender: str
    receiver: str
    version: str
    control: tuple[str, str, str]
    included: str = ""  # GE01 as the sender counts
    received: int = 0
    accepted: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def verdict(self) -> Verdict:
        """All, some or none of its sets are accepted (AK901)."""
        if has_errors(self.findings) or not self.accepted:
            return Verdict.REJECTED
        if self.accepted < self.received:
            return Verdict.PARTLY
        return Verdict.ACCEPTED


class Acknowledged(NamedTuple):
    """What a TA1 says of an interchange that we sent: its ISA13, the verdict, and the note."""

    control: str
    date: str
    time: str
    verdict: str  # A, E or R
    note: str


@dataclass(slots=True)
class Interchange:
    """An interchange, from ISA to IEA; identifiers without the blanks that pad them."""

    control: tuple[str, str, str]
    delimiters: Delimiters
    sender: str  # qualifier and identifier: ZZ/RIVERSIDE
    receiver: str
    version: str
    usage: str  # P production, T test
    wants_acknowledgement: bool
    date: str
    time: str
    offset: int
    size: int = 0
    groups: int = 0
    acknowledged: list[Acknowledged] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


@dataclass(slots=True)
class Outside:
    """What stands outside any interchange."""

    offset: int
    size: int
    findings: list[Finding] = field(default_factory=list)


Result = TransactionSet | Group | Interchange | Outside


def has_errors(findings: Iterable[Finding]) -> bool:
    """Whether any of them is an error."""
    return any(item.severity is Severity.ERROR for item in findings)

"""What is wrong with an X12 file: the closed list of kinds, and one finding at one place.

A finding is data; acknowledgements are projections of findings. It holds places, codes and
control numbers, never a value: an acknowledgement that must quote one reads it at `offset`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from vagus.formats import finding as common
from vagus.formats.finding import Severity

#: The highest SNIP level that a set's acknowledgement answers for.
GUIDE = 2


class Kind(NamedTuple):
    """What a kind of finding means.

    `snip` is its level (WEDI SNIP types 1 to 7); `segment` its code in IK304, `element` in IK403,
    `set` in IK502, `group` in AK905, `interchange` in TA105, each '' where none fits.
    """

    snip: int
    text: str
    segment: str = ""
    element: str = ""
    set: str = ""
    group: str = ""
    interchange: str = ""
    severity: Severity = Severity.ERROR


_NOTE, _WARNING = Severity.INFO, Severity.WARNING

KINDS: dict[str, Kind] = {
    # the interchange
    "no-interchange": Kind(1, "no ISA segment was found", interchange="022"),
    "edifact": Kind(1, "this is UN/EDIFACT, not X12"),
    "outside-interchange": Kind(1, "there is text outside any interchange", severity=_NOTE),
    "byte-order-mark": Kind(1, "a byte order mark stands before ISA", severity=_NOTE),
    "isa-length": Kind(1, "ISA is not 106 characters long", interchange="022"),
    "isa-element": Kind(1, "an element of ISA is not as it must be", interchange="022"),
    "isa-version": Kind(1, "ISA12 names a version that cannot be read", interchange="017"),
    "isa-date": Kind(1, "the date of the interchange is none", interchange="014"),
    "isa-time": Kind(1, "the time of the interchange is none", interchange="015"),
    "isa-usage": Kind(1, "ISA15 must be P or T", interchange="020"),
    "isa-acknowledgement": Kind(1, "ISA14 must be 0 or 1", interchange="019"),
    "delimiters-equal": Kind(1, "two delimiters are the same character", interchange="026"),
    "delimiter-letter": Kind(1, "a delimiter is a letter, a digit or a blank", interchange="026"),
    "no-repetition": Kind(
        1, "ISA11 declares no repetition separator; none is used", severity=_NOTE
    ),
    "iea-missing": Kind(1, "the interchange does not end with IEA", interchange="023"),
    "iea-control": Kind(1, "IEA02 is not the control number of ISA13", interchange="001"),
    "iea-count": Kind(1, "IEA01 counts other groups than there are", interchange="021"),
    "unterminated": Kind(1, "the last segment is cut off", interchange="023"),
    "segment-too-long": Kind(1, "a segment is longer than 64 KiB", interchange="022"),
    "misplaced-segment": Kind(1, "a segment stands where none may", interchange="022"),
    "control-repeated": Kind(1, "a control number is used twice"),
    # the functional group
    "gs-missing": Kind(1, "a transaction set stands outside any group", interchange="024"),
    "gs-element": Kind(1, "an element of GS is not as it must be", group="6"),
    "ge-missing": Kind(1, "the group does not end with GE", group="3"),
    "ge-control": Kind(1, "GE02 is not the control number of GS06", group="4"),
    "ge-count": Kind(1, "GE01 counts other sets than there are", group="5"),
    "group-repeated": Kind(1, "GS06 was used before in this interchange", group="19"),
    "group-other": Kind(1, "the group holds a set of another kind", group="1"),
    "version-unknown": Kind(2, "no guide of this version is known here", group="2"),
    "version-alias": Kind(
        2, "the version is an older name of a guide and was read as that", severity=_NOTE
    ),
    # the transaction set
    "set-unsupported": Kind(1, "this transaction is not known here", set="1"),
    "se-missing": Kind(1, "the set does not end with SE", set="2"),
    "se-control": Kind(1, "SE02 is not the control number of ST02", set="3"),
    "se-count": Kind(1, "SE01 counts other segments than there are", set="4"),
    "set-control": Kind(1, "ST02 is no control number", set="7"),
    "set-repeated": Kind(1, "ST02 was used before in this group", set="23"),
    "set-version": Kind(2, "ST03 is not the version of GS08", set="19"),
    "too-many-findings": Kind(1, "more findings were counted than are listed", severity=_NOTE),
    # segments
    "unknown-segment": Kind(1, "no segment has this id", segment="1"),
    "unexpected-segment": Kind(2, "the segment is not expected here", segment="2"),
    "not-in-set": Kind(2, "the segment is not used in this transaction", segment="6"),
    "missing-segment": Kind(2, "a required segment is missing", segment="3"),
    "missing-loop": Kind(2, "a required loop is missing", segment="3"),
    "too-many-loops": Kind(2, "the loop stands more often than it may", segment="4"),
    "too-many-segments": Kind(2, "the segment stands more often than it may", segment="5"),
    "wrong-order": Kind(2, "the segment stands too late", segment="7"),
    "empty-segment": Kind(1, "the segment has no elements", segment="8"),
    # elements
    "missing-element": Kind(2, "a required element is missing", "8", "1"),
    "missing-conditional": Kind(
        1, "an element is missing that others of the segment require", "8", "2"
    ),
    "too-many-elements": Kind(1, "the segment has no element of that number", "8", "3"),
    "too-short": Kind(1, "the element is too short", "8", "4"),
    "too-long": Kind(1, "the element is too long", "8", "5"),
    "bad-character": Kind(1, "the element has a character it may not have", "8", "6"),
    "trailing-blank": Kind(1, "the element ends with a blank", "8", "6", severity=_WARNING),
    "bad-code": Kind(2, "the code is not one of those allowed here", "8", "7"),
    "bad-date": Kind(1, "this is no date, or not in the form named", "8", "8"),
    "bad-time": Kind(1, "this is no time", "8", "9"),
    "excluded": Kind(1, "the element may not stand beside another one", "8", "10"),
    "too-many-repeats": Kind(1, "the element is repeated too often", "8", "12"),
    "too-many-components": Kind(1, "the element has too many components", "8", "13"),
    "not-used": Kind(2, "the element is not used here", "8", "I10"),
    "trailing-separator": Kind(1, "separators stand after the last element", severity=_NOTE),
    # levels
    "hl-number": Kind(1, "HL01 does not count up by one from 1", "8", "7"),
    "hl-parent": Kind(1, "HL02 does not name the level above", "8", "7"),
    "hl-children": Kind(2, "HL04 and what stands below the level disagree", severity=_WARNING),
    "line-number": Kind(2, "LX01 does not count up by one from 1", "8", "7", severity=_WARNING),
    # balancing
    "claim-balance": Kind(3, "the charges of the lines do not add up to the claim's"),
    "payer-balance": Kind(3, "charge, adjustments and paid amount of another payer do not agree"),
    "line-balance": Kind(3, "charge, adjustments and paid amount of the line do not agree"),
    "paid-balance": Kind(3, "charge, adjustments and paid amount of the claim do not agree"),
    "charge-balance": Kind(3, "the charges of the lines do not add up to the claim's"),
    "patient-balance": Kind(
        3, "the patient's part is not the sum of its adjustments", severity=_WARNING
    ),
    "payment-balance": Kind(3, "claims and provider adjustments do not add up to the payment"),
    # situations and codes
    "needed-segment": Kind(4, "a segment is missing that the rest requires", segment="I6"),
    "needed-element": Kind(4, "an element is missing that the rest requires", "8", "I9"),
    "unwanted-segment": Kind(4, "the segment may not stand beside the rest", segment="I9"),
    "unwanted-element": Kind(4, "the element may not stand beside the rest", "8", "I13"),
    "short-zip": Kind(5, "a ZIP code of nine digits is wanted here", "8", "7", severity=_WARNING),
    "bad-npi": Kind(5, "the check digit of the NPI is wrong", "8", "7"),
    "bad-shape": Kind(5, "the code does not have the shape of its code set", "8", "7"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong at one place.

    `position` counts segments from ST = 1 (0: not in a set); `offset` counts bytes of the file.
    `unit` is the ordinal, from 1, of the claim, patient or event of the set; 0: none.
    `control` is ISA13, GS06 and ST02 as far as known; `number` is that of the data element.
    """

    kind: str
    severity: Severity
    segment: str = ""
    position: int = 0
    loop: str = ""
    element: int = 0
    component: int = 0
    repeat: int = 0
    number: str = ""
    offset: int = 0
    unit: int = 0
    control: tuple[str, str, str] = ("", "", "")
    rule: str = ""

    @property
    def snip(self) -> int:
        """The SNIP level."""
        return KINDS[self.kind].snip

    @property
    def is_service(self) -> bool:
        """Whether it is about the service segments, not about what they enclose."""
        kind = KINDS[self.kind]
        return kind.snip <= GUIDE and not kind.segment

    @property
    def text(self) -> str:
        """What is wrong, in words, without a value."""
        text = KINDS[self.kind].text
        return f"{text}: {self.rule}" if self.rule else text

    @property
    def where(self) -> str:
        """The place for people: `ISA 000000012, GS 1, ST 0001, segment 8, 2100C/NM1-09`."""
        named = zip(("ISA", "GS", "ST"), self.control, strict=True)
        # What is no number may be anything, for nothing says that the file is sound.
        parts = [
            f"{name} {number if number.isdecimal() else '?'}" for name, number in named if number
        ]
        if self.position:
            parts.append(f"segment {self.position}")
        if place := self.place:
            parts.append(place)
        return ", ".join(parts)

    @property
    def place(self) -> str:
        """The path of the element: `2100C/NM1-09`, `2300/HI-01-2`."""
        if not self.segment:
            return ""
        path = f"{self.loop}/{self.segment}" if self.loop else self.segment
        if self.element:
            path += f"-{self.element:02}"
        if self.component:
            path += f"-{self.component}"
        return path + (f"({self.repeat})" if self.repeat else "")

    @property
    def plain(self) -> common.Finding:
        """The finding in the form that every format shares."""
        kind = KINDS[self.kind]
        code = kind.element or kind.segment or kind.set or kind.group or kind.interchange
        return common.Finding(self.severity, self.kind, kind.snip, self.where, self.text, code)


def finding(kind: str, **place: object) -> Finding:
    """A finding of a kind, as severe as its kind says."""
    return Finding(kind, KINDS[kind].severity, **place)  # type: ignore[arg-type]

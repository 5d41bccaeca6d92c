"""Checks of service segments, which enclose the transaction sets: ISA, TA1, GS (X12.5, X12.6)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from vagus.formats.data import document
from vagus.formats.x12 import dictionary, elements, notation, values
from vagus.formats.x12.delimiters import Delimiters
from vagus.formats.x12.elements import Fault
from vagus.formats.x12.tree import Line, Loop

_ISA_LENGTHS = (2, 10, 2, 10, 2, 15, 2, 15, 6, 4, 1, 5, 9, 1, 1, 1)
_VERSIONS = frozenset(("00401", "00501", "00602"))
#: The range of lengths of each element of GS.
_GS_LENGTHS = ((2, 2), (2, 15), (2, 15), (8, 8), (4, 8), (1, 9), (1, 2), (1, 12))


def header_faults(isa: Sequence[str], delimiters: Delimiters) -> Iterator[tuple[str, int]]:
    """What is wrong with an ISA, given its 17 parts: kinds of finding and elements."""
    checks = {
        9: ("isa-date", len(isa[9]) == 6 and values.is_date(isa[9])),
        10: ("isa-time", not values.fault("TM", isa[10])),
        12: ("isa-version", isa[12] in _VERSIONS),
        13: ("isa-element", isa[13].isdecimal()),
        14: ("isa-acknowledgement", isa[14] in ("0", "1")),
        15: ("isa-usage", isa[15] in ("P", "T")),
    }
    for number, length in enumerate(_ISA_LENGTHS, 1):
        kind, is_sound = checks.get(number, ("isa-element", True))
        if not is_sound or len(isa[number]) != length:
            yield kind, number
    if not delimiters.repetition and isa[12] >= "00402":
        yield "no-repetition", 11


def group_faults(gs: Sequence[str]) -> Iterator[tuple[str, int]]:
    """What is wrong with a GS."""
    for number, (shortest, longest) in enumerate(_GS_LENGTHS, 1):
        value = gs[number] if number < len(gs) else ""
        is_sound = shortest <= len(value) <= longest
        if number == 4:
            is_sound = is_sound and values.is_date(value)
        elif number == 5:
            is_sound = is_sound and not values.fault("TM", value)
        elif number == 6:
            is_sound = is_sound and value.isdecimal()
        if not is_sound:
            yield "gs-element", number


def acknowledgement_faults(raw: str, delimiters: Delimiters) -> list[Fault]:
    """What is wrong with a TA1, which stands between ISA and the first GS."""
    return elements.faults(raw, _ta1(), delimiters)


@cache
def _ta1() -> Line:
    release = "005010"
    shared = dictionary.texts(document(dictionary.DATA / release / "shared.yaml"))
    said = notation.statement(shared["ta1"], shared)
    segment = dictionary.segments(release)["TA1"]
    root = Loop("", True, 1, None)
    return Line("TA1", "TA1", root, False, said.most, said.uses, (), segment, 0, 0, None)

"""The notation in which a guide says what one segment may hold, one line a segment.

    R 1 | 01=PR,2B 02 03? 13?(1=HC 2 3-6?) 03?=$service_types*99 02/1-20 ; P0304

Usage (R required, S situational) and the most times it may stand; then each element used: `?` is
situational, `=` a closed list of codes, `@` a code set outside the guide, `*` repetitions, `/` a
narrower length, brackets hold components, `04-19?` is a run, and
`_` stands for a blank within a code. An element not listed is not used.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from vagus.formats.x12.dictionary import Note, notes

UNLIMITED = 10**9
_USAGE = re.compile(r"([RS]) (\d+|\*)")
_ITEM = re.compile(
    r"(?P<first>\d+)(?:-(?P<last>\d+))?(?P<optional>\?)?(?:\((?P<parts>[^)]*)\))?"
    r"(?:=(?P<codes>[^\s*/@]+))?(?:@(?P<external>\w+))?"
    r"(?:/(?P<shortest>\d+)-(?P<longest>\d+))?(?:\*(?P<times>\d+))?"
)
_TOKEN = re.compile(r"[^\s(]+(?:\([^)]*\)\S*)?")


@dataclass(frozen=True, slots=True)
class Use:
    """How a guide uses one element of a segment, or one component of a composite.

    `codes` is None where any value goes; `times` counts repetitions; `length` narrows that of
    the dictionary.
    """

    number: int
    required: bool
    codes: frozenset[str] | None = None
    external: str = ""
    times: int = 1
    length: tuple[int, int] | None = None
    parts: tuple[Use, ...] = ()


@dataclass(frozen=True, slots=True)
class Statement:
    """What the notation says of one segment."""

    required: bool
    most: int
    uses: tuple[Use, ...]
    notes: tuple[Note, ...] = ()


def usage(text: str) -> tuple[bool, int]:
    """Whether `R 1` or `S *` is required, and the most times; raises ValueError."""
    match = _USAGE.fullmatch(text.strip())
    if not match:
        raise ValueError(f"'{text}' is no usage; write 'R 1', 'S 5' or 'S *'")
    return match[1] == "R", UNLIMITED if match[2] == "*" else int(match[2])


def statement(text: str, codes: Mapping[str, str]) -> Statement:
    """The statement a line makes; `codes` are the lists that `$name` stands for.

    Raises ValueError with what is wrong.
    """
    head, _, body = text.partition("|")
    required, most = usage(head)
    elements, _, relations = body.partition(";")
    return Statement(required, most, _uses(_expanded(elements, codes), codes), notes(relations))


def _expanded(text: str, codes: Mapping[str, str]) -> str:
    """`$contact` alone stands for elements."""
    words = text.split()
    return " ".join(_named(word[1:], codes) if word.startswith("$") else word for word in words)


def _named(name: str, codes: Mapping[str, str]) -> str:
    if name not in codes:
        raise ValueError(f"no list is called '{name}'")
    return codes[name]


def _uses(text: str, codes: Mapping[str, str]) -> tuple[Use, ...]:
    found: list[Use] = []
    for token in _TOKEN.findall(text):
        match = _ITEM.fullmatch(token)
        if not match:
            raise ValueError(f"'{token}' names no element; write '03', '03?' or '03=A,B'")
        first, last = int(match["first"]), int(match["last"] or match["first"])
        found += [_use(number, match, codes) for number in range(first, last + 1)]
    numbers = [use.number for use in found]
    if numbers != sorted(set(numbers)):
        raise ValueError("elements stand in the order of their numbers, each once")
    return tuple(found)


def _use(number: int, match: re.Match[str], codes: Mapping[str, str]) -> Use:
    return Use(
        number,
        required=not match["optional"],
        codes=_codes(match["codes"], codes),
        external=match["external"] or "",
        times=int(match["times"] or 1),
        length=(int(match["shortest"]), int(match["longest"])) if match["shortest"] else None,
        parts=_uses(match["parts"], codes) if match["parts"] else (),
    )


def _codes(text: str | None, codes: Mapping[str, str]) -> frozenset[str] | None:
    if text is None:
        return None
    if text.startswith("$"):
        text = _named(text[1:], codes)
    return frozenset(code.replace("_", " ") for code in text.replace(" ", "").split(","))

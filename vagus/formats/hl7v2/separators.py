"""The delimiters of one message, declared by itself in MSH-1 and MSH-2 (HL7 v2.5.1 §2.5.4)."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from vagus.kernel.errors import DecodeError

_PREFIX = "MSH|^~\\&|"


class Separators(NamedTuple):
    """The delimiters in MSH's order; '' where the message declares none."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"
    truncation: str = ""

    @property
    def encoding(self) -> str:
        """The text of MSH-2."""
        return "".join(self[1:])


DEFAULT = Separators()


def declared(header: str) -> Separators:
    """The delimiters a text beginning with MSH, FHS or BHS declares; raises DecodeError.

    They must be distinct and printable, and neither letters, digits nor the double quote:
    anything else would let a sender redefine the meaning of ordinary text.
    """
    if header.startswith(_PREFIX):
        return DEFAULT
    segment, field = header[:3], header[3:4]
    encoding, found, _ = header[4:10].partition(field) if field else ("", "", "")
    if not found:
        encoding = encoding.split("\r")[0].split("\n")[0]
    return _checked(segment, field, encoding)


@lru_cache(maxsize=64)
def _checked(segment: str, field: str, encoding: str) -> Separators:
    if not _usable(field):
        raise DecodeError("separators", f"{segment}-1")
    if not 1 <= len(encoding) <= 5 or len({field, *encoding}) != len(encoding) + 1:
        raise DecodeError("separators", f"{segment}-2")
    if not all(map(_usable, encoding)):
        raise DecodeError("separators", f"{segment}-2")
    return Separators(field, *encoding, *[""] * (5 - len(encoding)))


def _usable(char: str) -> bool:
    return "!" <= char <= "~" and not char.isalnum() and char != '"'

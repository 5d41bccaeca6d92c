"""Making values safe to write: X12 has no escape, so a delimiter in a value must go.

What is changed is told by place, so that nothing is altered in silence. Identifiers are never
altered: one that cannot be written as it is stops the set.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum

from vagus.formats.x12.delimiters import Delimiters

_PLAIN = {
    "\u2018": "'", "\u2019": "'", "\u201a": "'", "\u2032": "'", "\u00b4": "'", "\u201c": '"',
    "\u201d": '"', "\u201e": '"', "\u2033": '"', "\u2010": "-", "\u2011": "-", "\u2012": "-",
    "\u2013": "-", "\u2014": "-", "\u2015": "-", "\u2212": "-", "\u2026": "...", "\u00df": "ss",
    "\u00e6": "ae", "\u00c6": "AE", "\u00f8": "o", "\u00d8": "O", "\u0153": "oe", "\u0152": "OE",
    "\u0142": "l", "\u0141": "L", "\u0111": "d", "\u0110": "D",
}  # fmt: skip
_TRANSLATION = str.maketrans(_PLAIN)
_BLANKS = re.compile(r" {2,}")
_UNSAFE = re.compile(r"[^ -~]")
_NOT_BASIC = re.compile(r"""[^A-Z0-9!"&'()*+,\-./:;?= ]""")


class Charset(StrEnum):
    """The characters that a partner takes (X12.6 §3.3)."""

    BASIC = "basic"  # upper case and a few marks
    EXTENDED = "extended"  # printable ASCII


def cleaned(value: str, delimiters: Delimiters, charset: Charset) -> str:
    """A value with nothing in it that the delimiters or the character set forbid.

    Letters lose their accents, typographic marks become plain ones; what is left over, control
    characters and delimiters become blanks, of which no two stand together.
    """
    text = value.translate(_TRANSLATION)
    text = "".join(
        char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char)
    )
    if charset is Charset.BASIC:
        text = _NOT_BASIC.sub(" ", text.upper())
    text = _UNSAFE.sub(" ", text)
    for mark in delimiters:
        if mark:
            text = text.replace(mark, " ")
    return _BLANKS.sub(" ", text).strip()

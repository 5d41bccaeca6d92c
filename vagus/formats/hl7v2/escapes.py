r"""Escape sequences: from what stands in a field to the text it means, and back (v2.5.1 §2.7).

`\F\ \S\ \T\ \R\ \E\ \P\` stand for the delimiters, `\Xhh..\` for bytes of the message's charset,
`\.br\` and its like for layout; highlighting (`\H\ \N\`) vanishes. Whatever is unknown or
unterminated stays as it is and is counted. Decode once, after splitting.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from vagus.formats.hl7v2.separators import Separators

_HEX = re.compile(r"X(?:[0-9A-Fa-f]{2})+")
_LAYOUT = re.compile(r"\.(?:(br|ce|fi|nf)|(sp|sk) ?\+?([1-9]\d?)?|(?:in|ti) ?[+-]?\d{1,3})")
_FOREIGN = re.compile(r"[A-Z][0-9A-Za-z]{0,32}")


def unescape(value: str, separators: Separators, charset: str = "utf-8") -> str:
    """The text that a raw leaf means."""
    escape = separators.escape
    if not escape or escape not in value:
        return value
    return _decoded(value, separators, charset)[0]


def unescape_counting(
    value: str, separators: Separators, charset: str = "utf-8"
) -> tuple[str, int]:
    """The text that a raw leaf means, and how many escapes in it could not be understood."""
    escape = separators.escape
    if not escape or escape not in value:
        return value, 0
    return _decoded(value, separators, charset)


def escape(text: str, separators: Separators) -> str:
    """The text as it must stand in a leaf, so that no character of it delimits anything.

    Raises ValueError, without the text, when the message declares no escape character and one
    is needed.
    """
    mark = separators.escape
    if _harmless(separators)(text):
        return text
    special = _specials(separators)
    if text == '""':
        special = {**special, '"': "X22"}
    if not mark:
        raise ValueError("the message declares no escape character")
    return "".join(
        f"{mark}{special[char]}{mark}"
        if char in special
        else f"{mark}X{ord(char):02X}{mark}"
        if char < " " or char == "\x7f"
        else char
        for char in text
    )


@lru_cache(maxsize=64)
def _harmless(separators: Separators) -> Callable[[str], object]:
    """A test of texts in which nothing is to be escaped."""
    delimiters = re.escape("".join(separators))
    return re.compile(f'(?!""\\Z)[^{delimiters}\x00-\x1f\x7f]*\\Z').match


def _specials(separators: Separators) -> dict[str, str]:
    names = zip(separators, "FSRETP", strict=True)
    return {char: name for char, name in names if char}


def _decoded(value: str, separators: Separators, charset: str) -> tuple[str, int]:
    mark = separators.escape
    meanings = {name: char for char, name in _specials(separators).items()}
    meanings.setdefault("P", "#")
    meanings.update(H="", N="")
    out: list[str] = []
    unknown = 0
    position = 0
    while True:
        start = value.find(mark, position)
        if start < 0:
            out.append(value[position:])
            return "".join(out), unknown
        out.append(value[position:start])
        end = value.find(mark, start + 1)
        if end < 0:
            out.append(value[start:])
            return "".join(out), unknown + 1
        code = value[start + 1 : end]
        if (meaning := meanings.get(code)) is not None or (meaning := _layout(code)) is not None:
            out.append(meaning)
            position = end + 1
        elif code.startswith("X") and (position := _run(value, start, mark)) > start:
            text = _bytes(value[start:position], mark, charset)
            unknown += text is None
            out.append(value[start:position] if text is None else text)
        else:
            unknown += 1
            whole = _FOREIGN.fullmatch(code) is not None
            position = end + 1 if whole else end
            out.append(value[start:position])


def _layout(code: str) -> str | None:
    """What a formatting command of FT leaves in plain text."""
    if not code.startswith("."):
        return None
    match = _LAYOUT.fullmatch(code)
    if match is None:
        return None
    word, repeated, times = match.groups()
    if repeated:
        return ("\n" if repeated == "sp" else " ") * int(times or 1)
    return "\n" if word in ("br", "ce") else ""


def _run(value: str, start: int, mark: str) -> int:
    """Where a run of hexadecimal escapes ends; `start` when none begins there.

    A sender may cut one character's bytes into several escapes, so a run is read as one.
    """
    position = start
    while value.startswith(mark + "X", position):
        end = value.find(mark, position + 1)
        if end < 0 or not _HEX.fullmatch(value, position + 1, end):
            break
        position = end + 1
    return position


def _bytes(run: str, mark: str, charset: str) -> str | None:
    digits = run.replace(mark, "").replace("X", "")
    try:
        return bytes.fromhex(digits).decode(charset)
    except UnicodeDecodeError:
        return None

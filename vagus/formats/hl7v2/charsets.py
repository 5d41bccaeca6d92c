"""From the character set a message names (MSH-18, table 0211) to text, strictly.

Nothing is guessed and nothing is replaced: bytes that are not what the message says they are
make a `DecodeError`. What names nothing is UTF-8, of which ASCII is a part.
"""

from __future__ import annotations

from vagus.kernel.errors import DecodeError

WHERE = "MSH-18"
UNNAMED = "utf-8"

_CODECS = {
    "ASCII": "ascii",
    "ISO IR6": "ascii",
    "ISO IR14": "shift_jis",
    "ISO IR87": "iso2022_jp_2",
    "ISO IR159": "iso2022_jp_2",
    "GB 18030-2000": "gb18030",
    "KS X 1001": "euc_kr",
    "BIG-5": "big5",
    "UNICODE": "utf-8",
    "UNICODE UTF-8": "utf-8",
    **{f"8859/{part}": f"iso8859-{part}" for part in (1, 2, 3, 4, 5, 6, 7, 8, 9, 15)},
}
# Not in the table, yet unmistakable and common in the field, in messages as in settings.
_ALIASES = {
    "UTF-8": "utf-8",
    "UTF8": "utf-8",
    "US-ASCII": "ascii",
    "LATIN-1": "iso8859-1",
    "BIG5": "big5",
    "GB18030": "gb18030",
    **{f"ISO-8859-{part}": f"iso8859-{part}" for part in (1, 2, 3, 4, 5, 6, 7, 8, 9, 15)},
    **{f"WINDOWS-{page}": f"cp{page}" for page in range(1250, 1259)},
    **{f"CP{page}": f"cp{page}" for page in range(1250, 1259)},
}
_SHIFTED = frozenset(("ISO IR87", "ISO IR159"))
_BOM = b"\xef\xbb\xbf"
_WIDE = (b"\xff\xfe", b"\xfe\xff", b"\x00M", b"M\x00")


def codec(names: str, repetition: str = "~") -> str:
    """The Python codec of MSH-18's value, '' when it names none; raises DecodeError.

    The first repetition is the default; the Japanese sets that later ones may add are switched
    to within the text (ISO 2022).
    """
    if not names:
        return ""
    word = names.upper()
    found = _CODECS.get(word) or _ALIASES.get(word)
    if found:
        return found
    parts = [part.strip() for part in names.split(repetition)] if repetition else [names]
    if any(part in _SHIFTED for part in parts[1:]):
        return "iso2022_jp_2"
    if len(parts) > 1 or parts[0] != names:
        return codec(parts[0], "") if parts[0] else UNNAMED
    raise DecodeError("charset", WHERE)


def is_plain(name: str) -> bool:
    """Whether bytes below 128 always mean the ASCII characters in that codec."""
    return name != "iso2022_jp_2"


def text(body: bytes, name: str) -> str:
    """The bytes read with a codec, a UTF-8 mark at their head dropped; raises DecodeError."""
    if body.startswith(_BOM):
        if name != "utf-8":
            raise DecodeError("charset", WHERE)
        body = body[3:]
    try:
        return body.decode(name)
    except UnicodeDecodeError:
        raise DecodeError("charset", WHERE) from None


def refuse_wide(body: bytes) -> None:
    """Raise DecodeError for UTF-16 or UTF-32, which HL7 v2 over MLLP cannot carry."""
    if body.startswith(_WIDE):
        raise DecodeError("charset", WHERE)

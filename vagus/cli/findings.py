"""What is wrong with a message, as a JSON object: code and place, never a value."""

from __future__ import annotations

from typing import TypedDict

TEXTS = {
    "unsupported-format": "only HL7 v2 can be read so far",
    "no-msh": "it does not begin with an MSH segment",
    "separators": "the delimiters declared in MSH-1 and MSH-2 cannot be used",
    "charset": "the bytes are not in the character set that MSH-18 names",
    "segment-name": "a line is no segment; most often an unescaped line end inside a field",
    "several-messages": "a header stands inside another message",
    "too-many-fields": "it has more fields than any real message",
    "batch": "segments stand outside any message of the batch",
    "batch-count": "the trailer counts otherwise than what is there",
    "no-mapping": "no mapping fits this type of message; name one with --mapping",
    "hl7-101": "a required field is missing",
    "hl7-200": "the message type is not known",
    "hl7-201": "the trigger event is not known",
    "hl7-202": "the processing id is not accepted",
    "hl7-203": "the version is not known",
}


class Finding(TypedDict, total=False):
    """One thing about a message that a person should know."""

    message: int
    severity: str
    code: str
    where: str
    text: str
    line: int


def error(code: str, where: str = "", text: str = "") -> Finding:
    """Something that stops the message."""
    return _finding("error", code, where, text)


def warning(code: str, where: str = "", text: str = "") -> Finding:
    """Something to look at."""
    return _finding("warning", code, where, text)


def _finding(severity: str, code: str, where: str, text: str) -> Finding:
    told = text or TEXTS.get(code) or code.replace("-", " ")
    place = f" ({where})" if where and where not in told else ""
    return {"severity": severity, "code": code, "where": where, "text": told + place}

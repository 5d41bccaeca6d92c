"""What is wrong with a message, as a JSON object: code and place, never a value."""

from __future__ import annotations

from typing import TypedDict

from vagus.formats.hl7v2.checks.kinds import KINDS

TEXTS = {
    "unsupported-format": "only HL7 v2 can be read so far",
    **{code: kind.text for code, kind in KINDS.items()},
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
    file: str
    messages: int
    types: dict[str, int]


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

"""The acknowledgement owed for a message, in original or enhanced mode (v2.5.1 §2.9, §2.14).

Original mode (MSH-15 and MSH-16 empty) owes one application acknowledgement, at whichever stage
the channel asks; a channel asks at one stage only. Enhanced mode owes an accept acknowledgement
when the message is stored, by MSH-15, and an application acknowledgement when it is done with,
by MSH-16. No text of the message goes back but the header fields that the standard has echoed.
"""

from __future__ import annotations

import re
import time

from vagus.formats.format import Answer, Stage, Verdict
from vagus.formats.hl7v2 import charsets
from vagus.formats.hl7v2.message import NULL, Message
from vagus.formats.hl7v2.places import Place, parse
from vagus.formats.hl7v2.reader import read
from vagus.formats.hl7v2.releases import release
from vagus.formats.hl7v2.separators import Separators
from vagus.kernel.errors import DecodeError

_LETTER = {Verdict.ACCEPTED: "A", Verdict.ERROR: "E", Verdict.REJECTED: "R"}
_CODE_SYSTEM = "HL70357"
_ERRORS = {
    "100": "Segment sequence error",
    "101": "Required field missing",
    "102": "Data type error",
    "103": "Table value not found",
    "104": "Value too long",
    "200": "Unsupported message type",
    "201": "Unsupported event code",
    "202": "Unsupported processing id",
    "203": "Unsupported version id",
    "204": "Unknown key identifier",
    "205": "Duplicate key identifier",
    "206": "Application record locked",
    "207": "Application internal error",
}
_INTERNAL = "207"
_OCCURRENCE = re.compile(r"([A-Z][A-Z0-9]{2})\[(\d{1,6})\]")
#: A reply is no report: whoever wants everything asks `vagus validate`.
_MAX_ERRORS = 100
_UNREADABLE = "MSH|^~\\&|||||||||P|2.5"
_HEADER = re.compile(rb"(?:\A|[\r\n]|\A\xef\xbb\xbf)(MSH[^\r\n]+)")


def reply(
    body: bytes, message: Message | None, answer: Answer, stage: Stage, control: str, now: float
) -> bytes | None:
    """The acknowledgement owed at this stage as bytes in the sender's charset, or None.

    `control` becomes its MSH-10 and `now`, in seconds since 1970, its MSH-7. Without a message,
    whatever the MSH of the body still shows is used.
    """
    if message is None:
        message = _salvaged(body)
    mode = _mode(message, answer, stage)
    if mode is None:
        return None
    segments = [
        _msh(message, control, now, _is_enhanced(message)),
        _msa(message, mode + _LETTER[answer.verdict], answer),
    ]
    segments += [_err(message, *error) for error in _errors(answer)]
    field = message.separators.field
    lines = [field.join(segment).rstrip(field) + "\r" for segment in segments]
    return "".join(lines).encode(message.charset, "replace")


def stages(message: Message) -> frozenset[Stage] | None:
    """The stages for which MSH-15 and MSH-16 ask for a reply; None in original mode.

    Whether one is owed in the end may depend on what became of the message.
    """
    if not _is_enhanced(message):
        return None
    asked = zip(Stage, (message.header[15], message.header[16]), strict=True)
    return frozenset(stage for stage, condition in asked if _asks(condition) not in ("", "NE"))


def _is_enhanced(message: Message) -> bool:
    return bool(_asks(message.header[15]) or _asks(message.header[16]))


def _mode(message: Message, answer: Answer, stage: Stage) -> str | None:
    """'A' for an application, 'C' for an accept acknowledgement, None when none is owed."""
    accept, application = _asks(message.header[15]), _asks(message.header[16])
    is_reply = message.code == "ACK" or message.first("MSA") is not None
    if not accept and not application:
        return None if is_reply else "A"
    if stage is Stage.STORED:
        return "C" if _wanted(accept, answer) else None
    return "A" if not is_reply and _wanted(application, answer) else None


def _asks(value: str) -> str:
    return "" if value == NULL else value


def _wanted(condition: str, answer: Answer) -> bool:
    """Table 0155. A word that is not in it is read as 'always': silence would stop a sender."""
    if condition in ("", "NE"):
        return False
    if condition in ("SU", "ER"):
        return (answer.verdict is Verdict.ACCEPTED) is (condition == "SU")
    return True


def _msh(message: Message, control: str, now: float, enhanced: bool) -> list[str]:
    theirs, separators = message.header, message.separators
    fields = [""] * 19
    fields[0] = "MSH"
    fields[1] = separators.encoding
    fields[2:6] = [_echo(theirs[number]) for number in (5, 6, 3, 4)]
    fields[6] = time.strftime("%Y%m%d%H%M%S+0000", time.gmtime(now))
    fields[8] = _type(message)
    fields[9] = control
    fields[10] = _echo(theirs[11]) or "P"
    fields[11] = _echo(theirs[12]) or "2.5"
    if enhanced:
        fields[14] = fields[15] = "NE"
    fields[17] = _charset(message)
    return fields


def _charset(message: Message) -> str:
    """Their MSH-18, unless it is what made the message unreadable."""
    named = message.header[18]
    try:
        charsets.codec(named, message.separators.repetition)
    except DecodeError:
        return ""
    return _echo(named)


def _type(message: Message) -> str:
    known = release(message.version)
    if not message.trigger or known < (2, 3):
        return "ACK"
    parts = ["ACK", message.trigger] if known < (2, 4) else ["ACK", message.trigger, "ACK"]
    return message.separators.component.join(parts)


def _msa(message: Message, code: str, answer: Answer) -> list[str]:
    text = ""
    if answer.verdict is not Verdict.ACCEPTED and release(message.version) < (2, 4):
        text = _ERRORS.get(answer.code, _ERRORS[_INTERNAL])
    return ["MSA", code, _echo(message.header[10]), text]


def _errors(answer: Answer) -> list[tuple[str, str, str]]:
    """Code, place and severity (table 0516) of each ERR owed."""
    if answer.findings:
        found = answer.findings[:_MAX_ERRORS]
        return [(item.standard, item.where, item.severity[0].upper()) for item in found]
    if answer.verdict is Verdict.ACCEPTED:
        return [(answer.code, answer.where, "I")] if answer.code != "0" else []
    return [(answer.code, answer.where, "E")]


def _err(message: Message, code: str, where: str, severity: str) -> list[str]:
    """ERR with the place as ELD up to 2.4, as ERL from 2.5 on; texts are the table's own."""
    separators = message.separators
    if code not in _ERRORS:
        code = _INTERNAL
    error = (code, _ERRORS[code], _CODE_SYSTEM)
    place, occurrence = _located(where)
    if release(message.version) < (2, 5):
        return ["ERR", _eld(place, occurrence, error, separators)]
    location = _erl(place, occurrence, separators)
    return ["ERR", "", location, separators.component.join(error), severity]


def _located(where: str) -> tuple[Place, str]:
    """A place such as `PID-3` or `NK1[2]-3(1).4`, and which segment of that name is meant."""
    match = _OCCURRENCE.match(where)
    occurrence = match[2] if match else "1"
    try:
        return parse(_OCCURRENCE.sub(r"\1", where)), occurrence
    except ValueError:
        return Place(""), occurrence


def _erl(place: Place, occurrence: str, separators: Separators) -> str:
    if not place.segment:
        return ""
    parts = [place.segment, occurrence]
    if place.field:
        repetition = place.repetition or (1 if place.component else 0)
        numbers = (place.field, repetition, place.component, place.subcomponent)
        parts += [str(number) for number in numbers if number]
    return separators.component.join(parts)


def _eld(place: Place, occurrence: str, error: tuple[str, ...], separators: Separators) -> str:
    where = [place.segment, occurrence, str(place.field)] if place.segment else ["", "", ""]
    if not place.field:
        where[2] = ""
    coded = (separators.subcomponent or " ").join(error) if separators.subcomponent else error[0]
    return separators.component.join([*where, coded])


def _echo(raw: str) -> str:
    """A header field of theirs as it came: delimiters and escapes mean the same in the reply.

    Control characters, which could end the reply's frame early, are left out.
    """
    if raw.isprintable():
        return raw
    return "".join(char for char in raw if char >= " " and char != "\x7f")


def _salvaged(body: bytes) -> Message:
    """The MSH of bytes that could not be decoded, or one that shows nothing.

    It is read byte for byte, and the reply written so, which echoes any charset unharmed.
    """
    found = _HEADER.search(body)
    if found:
        try:
            return read(found[1].decode("latin-1"), "latin-1")
        except DecodeError:
            pass
    return read(_UNREADABLE, "latin-1")

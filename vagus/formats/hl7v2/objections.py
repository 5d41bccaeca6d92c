"""Why an endpoint cannot take a message, or why its bytes could not be read (table 0357)."""

from __future__ import annotations

from vagus.formats.format import Answer, Terms, Verdict
from vagus.formats.hl7v2.message import NULL, Message
from vagus.formats.hl7v2.structures import codes, events, versions
from vagus.kernel.errors import DecodeError

_REFUSALS = {
    "charset": (Verdict.ERROR, "102"),
    "segment-name": (Verdict.ERROR, "100"),
    "several-messages": (Verdict.ERROR, "100"),
    "batch": (Verdict.REJECTED, "100"),
    "batch-count": (Verdict.REJECTED, "100"),
    "no-msh": (Verdict.REJECTED, "100"),
    "separators": (Verdict.REJECTED, "102"),
    "too-many-fields": (Verdict.REJECTED, "104"),
}
_CLOSED = frozenset(("ADT", "SIU"))


def objection(message: Message, terms: Terms) -> Answer | None:
    """The first reason why the endpoint's terms exclude the message, or None."""
    code, trigger = message.code, message.trigger
    if code not in codes() and not code.startswith("Z"):
        return Answer(Verdict.REJECTED, "200", "MSH-9.1")
    if code in _CLOSED and (code, trigger) not in events() and not trigger.startswith("Z"):
        return Answer(Verdict.REJECTED, "201", "MSH-9.2")
    if message.version not in (terms.versions or versions()):
        return Answer(Verdict.REJECTED, "203", "MSH-12")
    if terms.processing and message.processing != terms.processing:
        return Answer(Verdict.REJECTED, "202", "MSH-11")
    if message.control in ("", NULL):
        return Answer(Verdict.ERROR, "101", "MSH-10")
    return None


def refusal(error: Exception) -> Answer:
    """The answer owed for bytes whose splitting or decoding raised that error."""
    if not isinstance(error, DecodeError):
        return Answer(Verdict.REJECTED, "207")
    verdict, code = _REFUSALS.get(error.code, (Verdict.REJECTED, "207"))
    return Answer(verdict, code, error.where)

"""Which patients a message is about: what must stay in order unless a channel says otherwise."""

from __future__ import annotations

from vagus.formats.hl7v2.escapes import unescape
from vagus.formats.hl7v2.message import NULL, Message


def lane_keys(message: Message) -> tuple[str, ...]:
    """One text per patient in message order, `number^authority`; empty when none is named.

    Every PID counts, by its first identifier, and every retired identifier of an MRG: a merge
    waits for both patients. The authority is its namespace, or its universal id where it has
    no namespace, so senders that add the id to some messages still get the same key.
    """
    keys: dict[str, None] = {}
    for segment in message.segments:
        if segment[0] == "PID":
            for number in (3, 2):
                found = _keys(message, segment, number)
                if found:
                    keys[found[0]] = None
                    break
        elif segment[0] == "MRG":
            for number in (1, 4, 2):
                found = _keys(message, segment, number)
                if found:
                    keys.update(dict.fromkeys(found))
                    break
    return tuple(keys)


def _keys(message: Message, segment: list[str], number: int) -> list[str]:
    """The keys of every repetition of a CX field that holds an identifier."""
    value = segment[number] if len(segment) > number else ""
    if not value or value == NULL:
        return []
    separators = message.separators
    repetitions = value.split(separators.repetition) if separators.repetition else [value]
    keys = []
    for repetition in repetitions:
        parts = repetition.split(separators.component, 4)
        if parts[0] and parts[0] != NULL:
            authority = _authority(parts[3], separators.subcomponent) if len(parts) > 3 else ""
            keys.append(_text(message, parts[0]) + "^" + _text(message, authority))
    return keys


def _authority(value: str, subcomponent: str) -> str:
    if not subcomponent or subcomponent not in value:
        return "" if value == NULL else value
    namespace, universal = value.split(subcomponent, 2)[:2]
    return universal if namespace in ("", NULL) else namespace


def _text(message: Message, raw: str) -> str:
    text = unescape(raw, message.separators, message.charset) if message.has_escapes else raw
    return text.strip()

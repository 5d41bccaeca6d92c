"""Every ADT and SIU event: its mapping, and what becomes of the messages of the corpora."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from fhir.resources.R4B import get_fhir_model_class
from pydantic import ValidationError

from map_conformance.official import CORPORA
from map_conformance.oracles import FORMAT, context, decoded, library
from vagus.canonical.validation import Validator
from vagus.formats.hl7v2 import structures
from vagus.kernel.errors import DecodeError, MappingError

CODES = ("ADT", "SIU")


@dataclass
class Event:
    """One event and the messages of it. A message is valid when each of its resources is."""

    name: str
    mapping: str
    messages: int = 0
    refused: int = 0
    resources: int = 0
    valid: int = 0
    valid_by_models: int = 0


@cache
def events() -> tuple[Event, ...]:
    """The events in the order of their names, with what was counted."""
    found: dict[str, Event] = {}
    for (code, trigger), structure in sorted(structures.events().items()):
        if code in CODES:
            name = f"{code}^{trigger}"
            mapping = library().select("hl7v2", structure=structure, type=name)
            found[name] = Event(name, mapping.name if mapping else "")
    validator = Validator()
    for message in _messages():
        event = found.get(message.type)
        if event is not None and event.mapping:
            _count(event, message, validator)
    return tuple(found.values())


def _messages() -> Iterator[Any]:
    for path in sorted(CORPORA.glob("hl7-*/**/*.hl7")):
        try:
            for body in FORMAT.split(path.read_bytes()):
                message = decoded(body)
                if message.code in CODES:
                    yield message
        except DecodeError:
            continue


def _count(event: Event, message: Any, validator: Validator) -> None:
    event.messages += 1
    mapping = library().mapping(event.mapping)
    try:
        bundle = mapping.apply(message, context()).bundle
    except MappingError:
        event.refused += 1
        return
    made = [entry["resource"] for entry in bundle["entry"]]
    event.resources += len(made)
    event.valid += validator.valid(bundle)
    event.valid_by_models += all(map(_accepted, made))


def _accepted(resource: dict[str, Any]) -> bool:
    """Whether the typed models of fhir.resources take a resource."""
    try:
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    except ValidationError:
        return False
    return True

"""A canonical event as an automation sees it: opened, checked against its envelope, read-only."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from vagus.canonical import bundle, cloudevents
from vagus.kernel import jwe
from vagus.kernel.errors import ConfigError, MessageError

_TYPE = "org.vagus."
_VERSION = ".v1"


@dataclass(frozen=True)
class Event:
    """One event. Its repr shows the envelope, never the content."""

    id: str
    type: str  # subject.verb
    source: str  # the project and channel it came from
    time: str  # when the message behind it was accepted, RFC 3339
    lanes: tuple[bytes, ...]  # opaque tokens of what it is in order with
    cause: str  # the id of the event it follows, if it follows one
    content: bytes = field(repr=False)

    @cached_property
    def bundle(self) -> dict[str, Any]:
        """The FHIR R4 Bundle; numbers with a fraction are Decimal. Raises DecodeError."""
        return bundle.loads(self.content)

    def resources(self, kind: str = "") -> Iterator[dict[str, Any]]:
        """The resources of the Bundle, or those of one type."""
        for entry in self.bundle.get("entry", ()):
            if not kind or entry["resource"]["resourceType"] == kind:
                yield entry["resource"]

    def first(self, kind: str) -> dict[str, Any]:
        """The first resource of a type; MessageError `no-such-resource` when there is none."""
        for resource in self.resources(kind):
            return resource
        raise MessageError("no-such-resource", kind)

    def typed(self, kind: str) -> Any:
        """The first resource of a type as a model of fhir.resources (extra `models`).

        Raises MessageError when there is none or it does not fit the model.
        """
        try:
            module = importlib.import_module(f"fhir.resources.R4B.{kind.lower()}")
        except ModuleNotFoundError:
            raise ConfigError(
                f"there is no model of {kind}, or the extra is missing: pip install 'vagus[models]'"
            ) from None
        resource = self.first(kind)
        try:
            return getattr(module, kind).model_validate(resource)
        except ValueError:
            failed = True
        assert failed  # raised out here, because the error of the model keeps the content
        raise MessageError("not-as-modelled", kind)


def opened(id: str, headers: Mapping[str, Any], sealed: bytes, keys: Sequence[jwe.Key]) -> Event:
    """The event of an envelope; MessageError when it cannot be opened or does not belong to it."""

    def attribute(name: str) -> str:
        return str(headers.get(cloudevents.PREFIX + name, ""))

    kind = type_of(headers)
    header, content = jwe.unseal(sealed, keys)
    if header.get("cty") != cloudevents.content_type(id, kind):
        raise MessageError("in-another-envelope")
    return Event(
        id=id,
        type=kind,
        source=attribute("source"),
        time=attribute("time"),
        lanes=lanes_of(headers),
        cause=str(headers.get(cloudevents.CAUSE, "")),
        content=content,
    )


def type_of(headers: Mapping[str, Any]) -> str:
    """The event of an envelope as `subject.verb`; empty when it names none of ours."""
    name = str(headers.get(f"{cloudevents.PREFIX}type", ""))
    ours = name.startswith(_TYPE) and name.endswith(_VERSION)
    return name[len(_TYPE) : -len(_VERSION)] if ours else ""


def lanes_of(headers: Mapping[str, Any]) -> tuple[bytes, ...]:
    """The opaque lanes of an envelope; several for a merge, none where order does not matter."""
    several = headers.get(cloudevents.LANES) or headers.get(f"{cloudevents.PREFIX}partitionkey")
    try:
        return tuple(cloudevents.lane_of(text) for text in str(several or "").split())
    except ValueError:  # not ours; to be refused when it is opened
        return ()

"""The invariants of R4 that the element table cannot say, each as a fragment of JSON schema.

A rule is known by the standard's key (`pat-1`, `app-3`) and written once: the fast validation has
every fragment built in, and the search for issues asks each fragment by itself. What a schema
cannot compare goes through keywords of our own, named in `vagus.canonical.comparisons`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from vagus.canonical.shapes import Shape

Schema = dict[str, Any]


class Rule(NamedTuple):
    """What every object of a shape must satisfy; `element` and `text` say what is needed where."""

    key: str
    element: str
    text: str
    schema: Schema


def rules_of(shape: Shape) -> Iterator[Rule]:
    """The rules for the objects of a shape."""
    yield from BY_SHAPE.get(shape.name, ())
    if shape.kind == "resource" and "contained" in shape.elements:
        yield from _CONTAINED


def _has(*names: str) -> Schema:
    return {"required": list(names)}


def _any(*names: str) -> Schema:
    return {"anyOf": [_has(name) for name in names]}


def _when(condition: Schema, then: Schema) -> Schema:
    return {"if": condition, "then": then}


def _never(schema: Schema) -> Schema:
    return {"not": schema}


def _is(name: str, *codes: str) -> Schema:
    return {"properties": {name: {"enum": list(codes)}}, "required": [name]}


def _coded(name: str, *codes: str) -> Schema:
    """A CodeableConcept that holds one of the codes."""
    coding = {"contains": _is("code", *codes)}
    concept = {"type": "object", "properties": {"coding": coding}, "required": ["coding"]}
    return {"properties": {name: concept}}


def _every(name: str, schema: Schema) -> Schema:
    return {"properties": {name: {"items": schema}}}


def _only_names(*names: str) -> Schema:
    return {"propertyNames": {"enum": list(names)}}


def _entries(kinds: tuple[str, ...], element: str) -> Schema:
    """Every entry has the element when the Bundle is of such a kind, and none has it otherwise."""
    return {
        "if": _is("type", *kinds),
        "then": _every("entry", _has(element)),
        "else": _every("entry", _never(_has(element))),
    }


def _first(kind: str, resource: str) -> Schema:
    first = {"properties": {"resource": _is("resourceType", resource)}, "required": ["resource"]}
    entries = {"properties": {"entry": {"items": [first]}}, "required": ["entry"]}
    return _when(_is("type", kind), entries)


_VALUE = {"propertyNames": {"not": {"pattern": "^_?value"}}}
_SYSTEM = _any("system", "_system")
_MISTAKEN = {**_coded("verificationStatus", "entered-in-error"), **_has("verificationStatus")}
_ABATEMENTS = ("abatementDateTime", "abatementAge", "abatementPeriod", "abatementRange")
_ABATED = _any(*_ABATEMENTS, "abatementString")
_OVER = _coded("clinicalStatus", "inactive", "resolved", "remission")
#: A time may say why it is not known (data-absent-reason) instead of what it is.
_STARTS, _ENDS = _any("start", "_start"), _any("end", "_end")
_TIMES = ("proposed", "cancelled", "waitlist")
_DOCUMENT = _is("type", "document")
_NAMED = {"properties": {"identifier": _has("system", "value")}, "required": ["identifier"]}

_CONTAINED = (
    Rule(
        "dom-2",
        "contained",
        "a contained resource contains none itself",
        _every("contained", _never(_has("contained"))),
    ),
    Rule(
        "dom-4",
        "contained",
        "a contained resource has no version of its own",
        _every("contained", {"properties": {"meta": _never(_any("versionId", "lastUpdated"))}}),
    ),
)

_UNIT = (Rule("qty-3", "system", "a coded unit needs its system", _when(_has("code"), _SYSTEM)),)

BY_SHAPE: dict[str, tuple[Rule, ...]] = {
    "AllergyIntolerance": (
        Rule(
            "ait-1",
            "clinicalStatus",
            "needed unless entered in error",
            {"anyOf": [_MISTAKEN, _has("clinicalStatus")]},
        ),
        Rule(
            "ait-2",
            "clinicalStatus",
            "what is entered in error has no clinical status",
            _when(_MISTAKEN, _never(_has("clinicalStatus"))),
        ),
    ),
    "Appointment": (
        Rule(
            "app-2",
            "end",
            "an appointment has both start and end, or neither",
            {"if": _STARTS, "then": _ENDS, "else": _never(_ENDS)},
        ),
        Rule(
            "app-3",
            "start",
            "only what is proposed, cancelled or on a waitlist goes without times",
            {"anyOf": [{"allOf": [_STARTS, _ENDS]}, _is("status", *_TIMES)]},
        ),
        Rule(
            "app-4",
            "cancelationReason",
            "only what is cancelled or noshow has such a reason",
            _when(_has("cancelationReason"), _is("status", "cancelled", "noshow")),
        ),
        Rule("bad-order", "end", "the end is before the start", {"vagusInOrder": True}),
    ),
    "Appointment.participant": (
        Rule("app-1", "actor", "a participant needs a type or an actor", _any("type", "actor")),
    ),
    "Attachment": (
        Rule(
            "att-1",
            "contentType",
            "data needs its contentType",
            _when(_has("data"), _any("contentType", "_contentType")),
        ),
    ),
    "Bundle": (
        Rule(
            "bdl-1",
            "total",
            "only a searchset or history has a total",
            _when(_has("total"), _is("type", "searchset", "history")),
        ),
        Rule(
            "bdl-2",
            "entry",
            "only the entries of a searchset have a search element",
            {"anyOf": [_is("type", "searchset"), _every("entry", _never(_has("search")))]},
        ),
        Rule(
            "bdl-3",
            "entry",
            "entries have a request in a batch, transaction or history, and only there",
            _entries(("batch", "transaction", "history"), "request"),
        ),
        Rule(
            "bdl-4",
            "entry",
            "entries have a response in a response or history, and only there",
            _entries(("batch-response", "transaction-response", "history"), "response"),
        ),
        Rule(
            "bdl-9",
            "identifier",
            "a document needs an identifier with system and value",
            _when(_DOCUMENT, _NAMED),
        ),
        Rule(
            "bdl-10",
            "timestamp",
            "a document needs a timestamp",
            _when(_DOCUMENT, _any("timestamp", "_timestamp")),
        ),
        Rule(
            "bdl-11",
            "entry",
            "the first resource of a document is a Composition",
            _first("document", "Composition"),
        ),
        Rule(
            "bdl-12",
            "entry",
            "the first resource of a message is a MessageHeader",
            _first("message", "MessageHeader"),
        ),
    ),
    "Bundle.entry": (
        Rule(
            "bdl-5",
            "",
            "an entry needs a resource, a request or a response",
            _any("resource", "request", "response"),
        ),
        Rule(
            "bdl-8",
            "fullUrl",
            "a fullUrl names no version",
            {"properties": {"fullUrl": _never({"pattern": "/_history/"})}},
        ),
    ),
    "Claim": (
        Rule(
            "unknown-sequence",
            "item",
            "an item points at a number that the claim's own lists do not have",
            {"vagusSequences": True},
        ),
    ),
    "Condition": (
        Rule(
            "con-4",
            "clinicalStatus",
            "what has abated is inactive, resolved or in remission",
            _when(_ABATED, {**_OVER, **_has("clinicalStatus")}),
        ),
        Rule(
            "con-5",
            "clinicalStatus",
            "what is entered in error has no clinical status",
            _when(_MISTAKEN, _never(_has("clinicalStatus"))),
        ),
    ),
    "ContactPoint": (
        Rule("cpt-2", "system", "a value needs its system", _when(_has("value"), _SYSTEM)),
    ),
    "Extension": (
        Rule(
            "ext-1",
            "",
            "an extension has either a value or extensions",
            {
                "if": _has("extension"),
                "then": _VALUE,
                "else": _never(_only_names("id", "url", "_url")),
            },
        ),
    ),
    "Observation": (
        Rule(
            "obs-6",
            "dataAbsentReason",
            "a value that is there needs no such reason",
            _when(_has("dataAbsentReason"), _VALUE),
        ),
    ),
    "Organization": (
        Rule("org-1", "name", "needs a name or an identifier", _any("identifier", "name")),
        Rule(
            "org-2",
            "address",
            "an organization has no home address",
            _every("address", _never(_is("use", "home"))),
        ),
        Rule(
            "org-3",
            "telecom",
            "an organization is not reached at a home",
            _every("telecom", _never(_is("use", "home"))),
        ),
    ),
    "Patient.contact": (
        Rule(
            "pat-1",
            "",
            "needs a name, telecom, address or organization",
            _any("name", "telecom", "address", "organization"),
        ),
    ),
    "Period": (
        Rule(
            "per-1",
            "end",
            "the end is before the start",
            _when(_has("start", "end"), {"vagusInOrder": True}),
        ),
    ),
    **dict.fromkeys(("Age", "Count", "Distance", "Duration", "Quantity"), _UNIT),
}

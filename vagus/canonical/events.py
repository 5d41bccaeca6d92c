"""The vocabulary of canonical events, and which event each trigger and transaction is.

An event is named when a message has been decoded; from there on routing, destinations and
downstream consumers know the message by `<subject>.<verb>` alone (HL7 v2.5.1 §3.3 and §10.4,
X12 005010).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vagus.kernel.diagnostics import did_you_mean

_ADT = {
    "A01": "encounter.admitted",
    "A02": "encounter.transferred",
    "A03": "encounter.discharged",
    "A04": "encounter.registered",
    "A05": "encounter.planned",
    "A06": "encounter.reclassified",  # outpatient becomes inpatient
    "A07": "encounter.reclassified",  # and back
    "A08": "patient.updated",
    "A09": "encounter.departed",
    "A10": "encounter.arrived",
    "A11": "encounter.cancelled",
    "A12": "encounter.updated",  # the transfer is taken back
    "A13": "encounter.reopened",  # the discharge is taken back
    "A14": "encounter.planned",
    "A15": "encounter.updated",
    "A16": "encounter.updated",
    "A17": "encounter.transferred",  # two patients swap beds
    "A18": "patient.merged",
    "A20": "location.updated",
    "A21": "encounter.left",
    "A22": "encounter.returned",
    "A23": "encounter.deleted",  # the visit's record, not the person's
    "A24": "patient.linked",
    "A25": "encounter.updated",
    "A26": "encounter.updated",
    "A27": "encounter.cancelled",
    "A28": "patient.registered",
    "A29": "patient.deleted",
    "A30": "patient.merged",
    "A31": "patient.updated",
    "A32": "encounter.updated",
    "A33": "encounter.updated",
    "A34": "patient.merged",
    "A35": "account.merged",
    "A36": "patient.merged",
    "A37": "patient.unlinked",
    "A38": "encounter.cancelled",
    "A39": "patient.merged",
    "A40": "patient.merged",
    "A41": "account.merged",
    "A42": "encounter.merged",
    "A43": "patient.moved",
    "A44": "account.moved",
    "A45": "encounter.moved",
    "A46": "patient.renumbered",
    "A47": "patient.renumbered",
    "A48": "patient.renumbered",
    "A49": "account.renumbered",
    "A50": "encounter.renumbered",
    "A51": "encounter.renumbered",
    "A52": "encounter.updated",
    "A53": "encounter.updated",
    "A54": "encounter.updated",
    "A55": "encounter.updated",
    "A60": "allergy.updated",
    "A61": "encounter.updated",
    "A62": "encounter.updated",
}

_SIU = {
    "S12": "appointment.booked",
    "S13": "appointment.rescheduled",
    "S14": "appointment.modified",
    "S15": "appointment.cancelled",
    "S16": "appointment.discontinued",
    "S17": "appointment.deleted",
    "S18": "appointment.modified",
    "S19": "appointment.modified",
    "S20": "appointment.modified",
    "S21": "appointment.modified",
    "S22": "appointment.modified",
    "S23": "schedule.blocked",
    "S24": "schedule.unblocked",
    "S26": "appointment.noshow",
}

# One ST01 serves several guides, so 277 and 278 carry a word that tells which (X12 GS08, BHT02).
_X12 = {
    "270": "eligibility.requested",
    "271": "eligibility.answered",
    "276": "claim.inquired",
    "277": "claim.status",
    "277CA": "claim.acknowledged",
    "278": "authorization.requested",
    "278-request": "authorization.requested",
    "278-response": "authorization.decided",
    "834": "coverage.updated",
    "835": "remittance.received",
    "837": "claim.submitted",
    "837P": "claim.submitted",
    "837I": "claim.submitted",
    "837D": "claim.submitted",
    "997": "interchange.acknowledged",
    "999": "interchange.acknowledged",
    "TA1": "interchange.acknowledged",
}

#: Which event a message type of a format is: (format, type) -> event.
TABLE: dict[tuple[str, str], str] = {
    **{("hl7v2", f"ADT^{trigger}"): event for trigger, event in _ADT.items()},
    **{("hl7v2", f"SIU^{trigger}"): event for trigger, event in _SIU.items()},
    **{("x12", name): event for name, event in _X12.items()},
}

#: Events that no message carries by itself: consumers raise them from what they find.
_RAISED = (
    "authorization.cancelled",
    "claim.rejected",
    "coverage.updated",
    "work.decided",
    "work.requested",
)

_BY_TRIGGER = {
    name.partition("^")[2]: name for format_name, name in TABLE if format_name == "hl7v2"
}

#: Every event there is.
EVENTS: frozenset[str] = frozenset((*TABLE.values(), *_RAISED))

_SUBJECTS = frozenset(event.split(".")[0] for event in EVENTS)


def event_of(format_name: str, message_type: str) -> str | None:
    """The event of a message type (`ADT^A01`, `ADT^A01^ADT_A01`, `270`), or None: a query such
    as A19 or S25, an unused trigger, or a type that Vagus does not know.
    """
    if format_name == "hl7v2" and message_type.count("^") > 1:
        message_type = "^".join(message_type.split("^")[:2])
    return TABLE.get((format_name, message_type))


#: What an event is written as when the Bundle does not say by which trigger it came about, and the
#: first message type of the table is not the usual one.
_USUAL = {
    "encounter.updated": "ADT^A08",
    "patient.deleted": "ADT^A29",
    "patient.merged": "ADT^A40",
    "patient.renumbered": "ADT^A47",
    "account.merged": "ADT^A41",
}
_TRIGGERS = "http://terminology.hl7.org/CodeSystem/v2-0003"


def written_as(format_name: str, bundle: Mapping[str, Any], event: str = "") -> str:
    """The message type (`ADT^A01`, `270`) that a canonical Bundle becomes in a format: that of the
    trigger in its MessageHeader, else the usual one of the event; '' when there is none.
    """
    if format_name == "hl7v2":
        found = _BY_TRIGGER.get(_trigger(bundle), "") or _USUAL.get(event, "")
        if found:
            return found
    return next(
        (name for (known, name), its in TABLE.items() if known == format_name and its == event), ""
    )


def _trigger(bundle: Mapping[str, Any]) -> str:
    """The trigger event in a Bundle's MessageHeader; '' when it has none."""
    for entry in bundle.get("entry") or ():
        resource = entry.get("resource") or {}
        if resource.get("resourceType") == "MessageHeader":
            coding = resource.get("eventCoding") or {}
            return str(coding.get("code")) if coding.get("system") == _TRIGGERS else ""
    return ""


def matches(pattern: str, event: str) -> bool:
    """Whether a pattern admits an event: `*`, `patient.*`, `*.cancelled` or the event itself."""
    if pattern in ("*", event):
        return True
    subject, _, verb = pattern.partition(".")
    its_subject, _, its_verb = event.partition(".")
    if verb == "*":
        return subject in ("*", its_subject)
    return subject == "*" and verb == its_verb


def pattern_problem(pattern: str) -> str | None:
    """Why a pattern can admit no event, in words for its author; None when it can."""
    if pattern == "*":
        return None
    subject, dot, verb = pattern.partition(".")
    if not dot or not subject or not verb:
        return f"'{pattern}' is not an event pattern: write subject.verb, subject.* or *"
    if subject != "*" and subject not in _SUBJECTS:
        return f"'{subject}' is not a subject of events{did_you_mean(subject, sorted(_SUBJECTS))}"
    if any(matches(pattern, event) for event in EVENTS):
        return None
    verbs = sorted(event.split(".")[1] for event in EVENTS if matches(f"{subject}.*", event))
    whose = "any subject" if subject == "*" else subject
    return f"'{verb}' is not a verb of {whose}{did_you_mean(verb, verbs)}"


def cloud_type(event: str) -> str:
    """The CloudEvents `type` of an event: `org.vagus.appointment.booked.v1`."""
    return f"org.vagus.{event}.v1"

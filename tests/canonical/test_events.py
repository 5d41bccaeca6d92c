from __future__ import annotations

import pytest

from vagus.canonical import events

UNUSED = {19, 56, 57, 58, 59}  # A19 is a query, the others were never assigned


@pytest.mark.parametrize("number", range(1, 63))
def test_every_adt_trigger_is_an_event_or_known_not_to_be(number: int) -> None:
    event = events.event_of("hl7v2", f"ADT^A{number:02}")
    assert (event is None) == (number in UNUSED)


@pytest.mark.parametrize("number", range(12, 27))
def test_every_siu_trigger_is_an_event_except_the_query(number: int) -> None:
    assert (events.event_of("hl7v2", f"SIU^S{number}") is None) == (number == 25)


@pytest.mark.parametrize(
    ("format_name", "message_type", "event"),
    [
        ("hl7v2", "ADT^A01", "encounter.admitted"),
        ("hl7v2", "ADT^A01^ADT_A01", "encounter.admitted"),
        ("hl7v2", "ADT^A40", "patient.merged"),
        ("hl7v2", "ADT^A08", "patient.updated"),
        ("hl7v2", "ADT^A11", "encounter.cancelled"),
        ("hl7v2", "SIU^S12", "appointment.booked"),
        ("hl7v2", "SIU^S26", "appointment.noshow"),
        ("x12", "270", "eligibility.requested"),
        ("x12", "835", "remittance.received"),
        ("x12", "278-response", "authorization.decided"),
        ("x12", "277CA", "claim.acknowledged"),
        ("x12", "ADT^A01", None),
        ("hl7v2", "ADT", None),
        ("hl7v2", "", None),
        ("hl7v2", "ORU^R01", None),
    ],
)
def test_event_of(format_name: str, message_type: str, event: str | None) -> None:
    assert events.event_of(format_name, message_type) == event


def test_the_vocabulary_is_subject_dot_verb_in_small_letters() -> None:
    assert set(events.TABLE.values()) <= events.EVENTS
    for event in events.EVENTS:
        subject, _, verb = event.partition(".")
        assert subject.isalpha() and verb.isalpha() and event.islower(), event


@pytest.mark.parametrize(
    ("pattern", "event", "admitted"),
    [
        ("*", "patient.merged", True),
        ("patient.*", "patient.merged", True),
        ("patient.merged", "patient.merged", True),
        ("*.cancelled", "encounter.cancelled", True),
        ("*.*", "encounter.cancelled", True),
        ("patient.*", "patients.merged", False),
        ("patient", "patient.merged", False),
        ("pat*", "patient.merged", False),
        ("encounter.*", "patient.merged", False),
        ("*.cancelled", "encounter.updated", False),
    ],
)
def test_matches(pattern: str, event: str, admitted: bool) -> None:
    assert events.matches(pattern, event) is admitted


@pytest.mark.parametrize("pattern", ["*", "patient.*", "appointment.booked", "*.cancelled"])
def test_a_pattern_that_can_admit_something_has_no_problem(pattern: str) -> None:
    assert events.pattern_problem(pattern) is None


@pytest.mark.parametrize(
    ("pattern", "hint"),
    [
        ("pacient.*", "did you mean 'patient'?"),
        ("appointment.boked", "did you mean 'booked'?"),
        ("patient.discharged", "'discharged' is not a verb of patient"),
        ("*.boked", "did you mean 'booked'?"),
        ("patient", "write subject.verb"),
        ("", "write subject.verb"),
        ("patient.", "write subject.verb"),
    ],
)
def test_a_pattern_that_admits_nothing_is_explained(pattern: str, hint: str) -> None:
    problem = events.pattern_problem(pattern)
    assert problem is not None and hint in problem


def test_cloud_type() -> None:
    assert events.cloud_type("appointment.booked") == "org.vagus.appointment.booked.v1"

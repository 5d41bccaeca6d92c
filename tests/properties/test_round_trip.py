"""Over the corpora: what the library understood of a message comes back from what it writes."""

from __future__ import annotations

from collections import Counter

import pytest
from properties.round_trip import CORPORA, FORMAT, library, table, trips

from vagus.formats.format import Terms

pytestmark = pytest.mark.skipif(not CORPORA.exists(), reason="no corpora here")

#: The share of the leaves of each type that must come back; a figure that falls is a failing test.
FLOORS = {
    "Account": 1.0,
    "AllergyIntolerance": 1.0,
    "Appointment": 1.0,
    "Condition": 1.0,
    "Coverage": 1.0,
    # CX.7 and CX.8 are dates: a time that a sender put there is cut off; a code that is in CWE.4
    # alone, of the table of the field, is written as CWE.1
    "Encounter": 0.997,
    "Location": 0.91,  # the levels of a place are joined by the way in
    "EpisodeOfCare": 0.99,  # as Encounter
    "Observation": 1.0,
    "Organization": 1.0,
    "Parameters": 0.86,  # a null within a payer's list of addresses or numbers
    "Patient": 0.999,  # an identifier without a value is no CX
    "Practitioner": 0.994,  # one told under two names is written with the first
    "Procedure": 1.0,
    "RelatedPerson": 0.80,  # nothing says which contact of the patient a RelatedPerson is
}
#: Required fields that the message did not have either, or the Bundle does not keep.
ABSENT = {
    *("PID-3", "PID-5", "SCH-6", "SCH-16", "SCH-20", "AIG-4", "IN1-2", "IN1-3"),
    "MRG-1",  # a move names the patient it leaves, and the Bundle does not
}


@pytest.fixture(scope="module")
def found():
    return list(trips(library()))


def test_what_was_understood_comes_back(found):
    assert len(found) >= 70
    figures = table(found)
    fallen = {
        kind: (round(item.share, 4), item.missing.most_common(5))
        for kind, item in figures.items()
        if item.share < FLOORS.get(kind, 1.0)
    }
    assert fallen == {}


def test_the_event_and_its_structure_come_back(found):
    for item in found:
        message = FORMAT.decode(item.wire, Terms())
        assert message.type == item.type, item.file
        assert message.get("MSH-9.3") == message.structure, item.file


def test_what_is_written_keeps_the_standard(found):
    wrong = Counter()
    for item in found:
        for finding in FORMAT.check(FORMAT.decode(item.wire, Terms())):
            if finding.code == "unknown-code":
                continue  # a code that the sender made up stays what it is
            place = finding.where.replace("[", "-").split("-")
            if finding.code != "required-field" or f"{place[0]}-{place[-1]}" not in ABSENT:
                wrong[finding.code, finding.where] += finding.severity == "error"
    assert +wrong == Counter()


def test_a_codes_way_back_is_never_doubtful(found):
    codes = Counter(code for item in found for code in item.warnings)
    assert set(codes) <= {"unmapped-code"}
    assert codes.total() <= 5, codes

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from mappings.catalogue import LIBRARY

OFFICIAL = Path(__file__).parents[4] / "shared/corpora/hl7-v2-to-fhir/mappings/segments"
SHEETS = (
    "MSH[MessageHeader] MSH[Provenance-Source] EVN[Provenance] PID[Patient] PID[Account]"
    " PID[Provenance-Patient] PD1[Patient] PD1[Observation-LivingWill] NK1[Patient]"
    " NK1[RelatedPerson] PV1[Encounter] PV1[Patient] PV1[Coverage] PV2[Encounter]"
    " AL1[AllergyIntolerance] IAM[AllergyIntolerance] DG1[Condition] DG1[Encounter]"
    " OBX[Observation] PR1[Procedure] IN1[Coverage] IN3[CareTeam] SCH[Appointment]"
    " SCH[Provenance] AIG[Appointment] AIL[Appointment] AIP[Appointment] AIS[Appointment]"
    " NTE[Appointment-Comment] NTE[Observation] ROL[Encounter-PractitionerRole]"
    " SFT[MessageHeader] MRG[Account]"
).split()

#: Fields the official tables map and the library does not, and why.
NOT_CARRIED = {
    "PID-35": "an animal is no patient of a payer",
    "PID-36": "an animal is no patient of a payer",
    "PV1-20": "a Coverage needs a payor, which a financial class does not name",
    "PV1-40": "the state of a bed says nothing of the visit",
    "PV1-53": "there are no episodes of care yet",
    "PV1-54": "there are no episodes of care yet",
    "PV2-1": "a place that was once intended",
    "PV2-22": "yes or no is not a security label",
    "IAM-12": "a text beside a date: an element has one value",
    "IAM-15": "the reporter is named, his relation is not told",
    "IAM-17": "a local code; the status has a required set",
    "IAM-27": "a second code for the same substance",
    "DG1-22": "the other diagnosis cannot be found by its number within a message",
    "OBX-4": "how observations hang together differs by sender",
    "OBX-10": "the nature of an abnormal test",
    "OBX-19": "the time of analysis; OBX-14 is carried",
    "OBX-24": "the address of a laboratory that is only named",
    "OBX-25": "the director of a laboratory that is only named",
    "OBX-30": "only results have sub-types",
    "OBX-33": "only results have specimens",
    "PR1-7": "minutes of a procedure whose time is often a day",
    "PR1-16": "a modifier has no place in Procedure.code",
    "PR1-25": "the other procedure cannot be found by its number within a message",
    "IN3-21": "a case manager of the payer",
    "AIS-5": "an offset to a start that AIS-4 or SCH-11 tells",
    "AIS-10": "one service's state is not the booking's",
    "NTE-4": "what kind of remark",
    "NTE-9": "what kind of remark",
    "ROL-1": "the person is named, not made",
    "ROL-11": "the person is named, not made",
    "ROL-12": "the person is named, not made",
    "ROL-13": "the person is named, not made",
    "ROL-14": "the person is named, not made",
}


def read_by_library() -> set[str]:
    """Every field that an expression of the library reads; comments do not count."""
    found: set[str] = set()
    for path in LIBRARY.rglob("*.yaml"):
        for line in path.read_text().splitlines():
            code = re.sub(r"(^|\s)# .*", "", line)
            found.update(re.findall(r"\b[A-Z][A-Z0-9]{2}-[0-9]+", code))
    return found


def mapped_fields(sheet: str) -> set[str]:
    """The fields of one official table that have a FHIR target."""
    path = next(item for item in OFFICIAL.glob("*.csv") if f"_ {sheet} -" in item.name)
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))[2:]
    return {
        row[1].strip()
        for row in rows
        if len(row) > 9 and row[9].strip() and re.fullmatch(r"[A-Z0-9]{3}-\d+", row[1].strip())
    }


@pytest.mark.skipif(not OFFICIAL.exists(), reason="no official tables here")
def test_every_official_row_is_carried_or_left_out_for_a_reason():
    read = read_by_library()
    wanted = set().union(*map(mapped_fields, SHEETS))
    assert len(wanted) > 180
    assert sorted(wanted - read - NOT_CARRIED.keys()) == []
    assert sorted(NOT_CARRIED.keys() & read) == [], "carried after all: take it off the list"
    assert sorted(NOT_CARRIED.keys() - wanted) == [], "not in the official tables"

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from vagus.formats.hl7v2 import dictionary

_FILE = Path(__file__).with_name("corpora_table.py")
_SPEC = importlib.util.spec_from_file_location("corpora_table", _FILE)
assert _SPEC is not None
assert _SPEC.loader is not None
corpora = importlib.util.module_from_spec(_SPEC)
sys.modules["corpora_table"] = corpora
_SPEC.loader.exec_module(corpora)

#: Sent with a discharge eight years before the admission: the finding is the right answer.
CONTRADICTIONS = {"hl7-google-hdh/adt_a01.hl7": ["Encounter: per-1"]}

#: Segments of which every populated field is read or left alone for a reason.
SEGMENTS = ("MSH EVN PID PD1 NK1 PV1 PV2 AL1 DG1 IN1 IN2 GT1 SCH AIS AIG AIL AIP MRG IAM").split()

pytestmark = pytest.mark.skipif(not corpora.CORPORA.exists(), reason="no corpora here")


@pytest.fixture(scope="module")
def found():
    return list(corpora.outcomes(corpora.library()))


def test_every_mapped_message_becomes_valid_fhir(found):
    assert len(found) >= 80
    wrong = {o.file: o.issues for o in found if o.state != "valid"}
    assert wrong == CONTRADICTIONS
    assert not [o.file for o in found if o.state == "refused"]


def test_mapping_twice_gives_the_same_bytes(found):
    assert [o.file for o in found if not o.stable] == []


def test_every_structure_of_the_first_five_is_met(found):
    met = {o.mapping for o in found}
    assert {"ADT_A01", "ADT_A03", "ADT_A05", "ADT_A39", "SIU_S12"} <= met


def test_no_standard_field_is_unread_without_a_written_reason(found):
    """What is left alone stands under `ignore:` with why; the account gives it apart."""
    lost = {item for o in found for item in o.loss if item.split("-")[0] in SEGMENTS}
    assert {item for item in lost if standard(item)} == set()
    assert sum(len(o.left) for o in found) > 500
    assert all(left.why.strip() for o in found for left in o.left)


def standard(item):
    """Whether HL7 knows the field."""
    name, _, number = item.partition("-")
    return dictionary.segment(name).field(int(number)) is not None


def test_names_and_numbers_of_the_patient_are_never_left_alone(found):
    # one A60 carries the segments of a booking, which no A60 has
    left = {f"{i.segment}-{i.field}" for o in found for i in o.left if o.type != "ADT^A60"}
    assert not left & {"PID-3", "PID-5", "PID-7", "PID-8", "PV1-19", "IN1-36", "SCH-2", "AIP-3"}

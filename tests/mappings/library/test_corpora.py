from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

_FILE = Path(__file__).with_name("corpora_table.py")
_SPEC = importlib.util.spec_from_file_location("corpora_table", _FILE)
assert _SPEC is not None
assert _SPEC.loader is not None
corpora = importlib.util.module_from_spec(_SPEC)
sys.modules["corpora_table"] = corpora
_SPEC.loader.exec_module(corpora)

#: Sent with a discharge eight years before the admission: the finding is the right answer.
CONTRADICTIONS = {"hl7-google-hdh/adt_a01.hl7": ["Encounter: per-1"]}

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


def test_names_and_numbers_of_the_patient_are_never_lost(found):
    # one A60 carries the segments of a booking, which no A60 has
    lost = {item for o in found for item in o.loss if o.type != "ADT^A60"}
    assert not lost & {"PID-3", "PID-5", "PID-7", "PID-8", "PV1-19", "IN1-36", "SCH-2", "AIP-3"}

from __future__ import annotations

import subprocess
import sys

import pytest

from vagus.canonical import shapes


def test_patient_has_its_elements_under_json_names() -> None:
    patient = shapes.type("Patient")
    assert patient.kind == "resource"
    gender = patient.elements["gender"]
    assert gender.binding == ("male", "female", "other", "unknown")
    assert not gender.many and not gender.required
    assert patient.elements["name"].many
    practitioners = patient.elements["generalPractitioner"].targets
    assert set(practitioners) == {"Organization", "Practitioner", "PractitionerRole"}


def test_a_choice_is_told_by_its_group() -> None:
    deceased = shapes.type("Patient").elements["deceasedBoolean"]
    assert (deceased.type, deceased.choice, deceased.required) == ("boolean", "deceased[x]", False)
    event = shapes.type("MessageHeader").elements["eventCoding"]
    assert event.choice == "event[x]" and event.required


def test_reserved_words_keep_their_json_name() -> None:
    assert shapes.type("Encounter").elements["class"].required
    assert shapes.type("Coverage").elements["class"].type == "Coverage.class"


def test_backbone_elements_are_shapes_and_references_to_content_are_resolved() -> None:
    assert shapes.type("Patient.contact").kind == "backbone"
    component = shapes.type("Observation.component")
    assert component.elements["referenceRange"].type == "Observation.referenceRange"
    total = shapes.type("ClaimResponse.addItem").elements["adjudication"]
    assert total.type == "ClaimResponse.item.adjudication"
    assert shapes.type("Bundle.entry").elements["link"].type == "Bundle.link"


def test_every_type_that_is_used_exists() -> None:
    for name in shapes.names():
        for element in shapes.type(name).elements.values():
            assert shapes.known(element.type), (name, element.name)
            for target in element.targets:
                assert target in shapes.names("resource"), (name, element.name, target)


def test_it_is_r4_and_not_r4b() -> None:
    resources = shapes.names("resource")
    # R4 has 146 resources beside the two abstract ones.
    assert len(resources) == 148
    assert {"MedicinalProduct", "EffectEvidenceSynthesis", "SubstancePolymer"} <= resources
    assert not {"Ingredient", "Citation", "SubscriptionTopic"} & resources
    extension = shapes.type("Extension").elements
    assert "valueMeta" in extension and "valueRatioRange" not in extension
    assert "Location" in shapes.type("Observation").elements["subject"].targets
    assert "Organization" not in shapes.type("Observation").elements["subject"].targets
    assert shapes.type("MarketingStatus").elements["country"].required


def test_required_primitives_are_required() -> None:
    assert shapes.type("Encounter").elements["status"].required
    assert shapes.type("Appointment.participant").elements["status"].required


def test_an_unknown_name_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        shapes.type("Pacient")
    assert not shapes.known("Pacient")


def test_primitives_have_no_elements() -> None:
    assert shapes.type("dateTime").kind == "primitive"
    assert shapes.names("primitive") == shapes.PRIMITIVES


def test_the_table_needs_no_models_and_loads_quickly() -> None:
    program = (
        "import sys, time; start = time.perf_counter()\n"
        "from vagus.canonical import shapes; shapes.type('Patient')\n"
        "took = time.perf_counter() - start\n"
        "assert 'fhir.resources' not in sys.modules and 'pydantic' not in sys.modules\n"
        "assert took < 1.0, took"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)

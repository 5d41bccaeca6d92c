"""What turns the R4B (4.3.0) element table into the R4 (4.0.1) one, difference by difference.

fhir.resources has no R4. The differences below were found by comparing every element of its R4B
models with the R4 StructureDefinitions and the R4 JSON schema published by HL7 (CC0). Whole
shapes that R4B dropped or rewrote, and the codes of required bindings (the models hold only
what the short descriptions name), are data in `data/r4_additions.json`.
"""

from __future__ import annotations

from typing import Any

#: Resources and datatypes of R4B that R4 does not have. Evidence and EvidenceVariable exist in
#: both but were rewritten: their R4 shapes are among the additions.
NEW_IN_R4B = frozenset(
    (
        "AdministrableProductDefinition",
        "Citation",
        "ClinicalUseDefinition",
        "CodeableReference",
        "Evidence",
        "EvidenceReport",
        "EvidenceVariable",
        "Ingredient",
        "ManufacturedItemDefinition",
        "MedicinalProductDefinition",
        "NutritionProduct",
        "PackagedProductDefinition",
        "RatioRange",
        "RegulatedAuthorization",
        "SubscriptionStatus",
        "SubscriptionTopic",
        "SubstanceDefinition",
    )
)

#: Classes of the models that are no types of the standard.
NOT_FHIR = frozenset(("FHIRPrimitiveExtension", "FHIRResourceModel"))

#: Elements of R4B that R4 does not have: R4's subject[x] here is CodeableConcept or Reference.
NEW_ELEMENTS = (
    ("ActivityDefinition", "subjectCanonical"),
    ("PlanDefinition", "subjectCanonical"),
    ("PlanDefinition.action", "subjectCanonical"),
)

#: Elements whose row differs: (shape, element) -> what R4 says.
CHANGED: dict[tuple[str, str], dict[str, Any]] = {
    ("MarketingStatus", "country"): {"required": True},
    ("MarketingStatus", "dateRange"): {"required": True},
    ("ActivityDefinition", "productReference"): {"targets": ["Medication", "Substance"]},
    ("DiagnosticReport", "subject"): {"targets": ["Device", "Group", "Location", "Patient"]},
    ("Observation", "subject"): {"targets": ["Device", "Group", "Location", "Patient"]},
    ("Group.member", "entity"): {
        "targets": [
            "Device",
            "Group",
            "Medication",
            "Patient",
            "Practitioner",
            "PractitionerRole",
            "Substance",
        ]
    },
}

#: Open types ([x] over every type): R4 allows Meta and knows no CodeableReference or RatioRange.
OPEN_CHOICES = (
    ("Extension", "value"),
    ("ElementDefinition", "defaultValue"),
    ("ElementDefinition", "fixed"),
    ("ElementDefinition", "pattern"),
    ("ElementDefinition.example", "value"),
    ("Parameters.parameter", "value"),
    ("Task.input", "value"),
    ("Task.output", "value"),
)


def to_r4(table: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The R4B table as R4 has it; KeyError when a correction no longer finds its element."""
    gone = NEW_IN_R4B | NOT_FHIR
    result = {name: shape for name, shape in table.items() if name.split(".")[0] not in gone}
    for shape, element in NEW_ELEMENTS:
        del result[shape]["elements"][element]
    for (shape, element), change in CHANGED.items():
        result[shape]["elements"][element].update(change)
    for shape, stem in OPEN_CHOICES:
        _correct_choice(result[shape]["elements"], stem)
    return result


def _correct_choice(elements: dict[str, Any], stem: str) -> None:
    for name in ("CodeableReference", "RatioRange"):
        elements.pop(f"{stem}{name}", None)
    example = elements[f"{stem}Dosage"]
    elements[f"{stem}Meta"] = {**example, "type": "Meta", "targets": None}

"""What is misspelt in the official tables, so that a slip of theirs is no difference of ours."""

from __future__ import annotations

import re

_EXTENSION = "http://hl7.org/fhir/StructureDefinition/"
_WORDS = {
    "payer": "payor",
    "practioner": "practitioner",
    "Practioner": "Practitioner",
    "organziation": "organization",
    "sytem": "system",
    "valueSampedData": "valueSampledData",
}
#: Addresses of pages where the url of an extension belongs, and characters too many.
_TEXTS = {
    "http://www.hl7.org/fhir/extension-condition-asserteddate": (
        f"{_EXTENSION}condition-assertedDate"
    ),
    "http://hl7.org/fhir/R4/extension-humanname-assembly-order.html": (
        f"{_EXTENSION}humanname-assembly-order"
    ),
    "http://hl7.org/fhir/R4/extension-data-absent-reason.html": f"{_EXTENSION}data-absent-reason",
    "http://hl7.org/fhir/v\\5.0/StructureDefinition/extension-Encounter.plannedEndDate": (
        "http://hl7.org/fhir/5.0/StructureDefinition/extension-Encounter.plannedEndDate"
    ),
    "http://hl7.org/fhir/sid/us-ssn.": "http://hl7.org/fhir/sid/us-ssn",
    "http://unitsofmeasure.org/": "http://unitsofmeasure.org",
}
#: A text to write that stands one line too high: field and attribute, text.
MISPLACED = {("PV1-42", "location[4].status"): "reserved"}


def words(attribute: str) -> str:
    """An attribute with the names that FHIR has."""
    for wrong, right in _WORDS.items():
        attribute = re.sub(rf"\b{wrong}\b", right, attribute)
    return attribute


def text(cell: str) -> str:
    """The text that a cell wants written, without its quotes."""
    found = cell.strip("\"'# ")
    return _TEXTS.get(found, found)

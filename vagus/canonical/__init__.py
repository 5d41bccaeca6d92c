"""The canonical model: event vocabulary, FHIR R4 shapes, validation, identifiers and keyed ids."""

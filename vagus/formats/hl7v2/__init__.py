"""HL7 v2: bytes to message and back, batches, acknowledgements, and the standard's own tables."""

"""HL7 v2: bytes to message and back, batches, acknowledgements, and the standard's own tables."""

from vagus.formats.hl7v2.codec import HL7V2
from vagus.formats.hl7v2.message import Message, State

__all__ = ["HL7V2", "Message", "State"]

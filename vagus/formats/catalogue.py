"""The wire formats the engine knows, by the name that channel files use."""

from __future__ import annotations

from vagus.formats.format import Format
from vagus.formats.hl7v2 import HL7V2

FORMATS: dict[str, Format] = {HL7V2.name: HL7V2()}

"""Profiles: what a site demands of messages beyond their standard, one file in `profiles/` each."""

from __future__ import annotations

from typing import Any, NamedTuple

from vagus.formats.catalogue import FORMATS
from vagus.formats.hl7v2 import HL7V2
from vagus.kernel.diagnostics import Diagnostics, did_you_mean
from vagus.kernel.strictyaml import Fields, Node, Text

FOLDER = "profiles"
STANDARD = "standard"  # no profile: the standard alone


class Profile(NamedTuple):
    """A profile by its name, and what its format makes of it."""

    name: str
    format: str
    content: Any


def read(node: Node, diagnostics: Diagnostics) -> Profile | None:
    """The profile of a document; None after a diagnostic of what is wrong with it."""
    if not isinstance(node, Fields):
        diagnostics.error(node.place, "bad-profile", "a profile begins with `profile: NAME`")
        return None
    given = node.entries.get("format")
    format = given.value or "" if isinstance(given, Text) else HL7V2.name
    if format not in FORMATS:
        hint = did_you_mean(format, FORMATS)
        text = f"'{format}' is not a format ({', '.join(FORMATS)}){hint}"
        diagnostics.error(given.place if given else node.place, "unknown-format", text)
        return None
    content = FORMATS[format].profile(node, diagnostics)
    if content is None:
        return None
    name = str(content.name)
    if name == STANDARD:
        text = f"'{STANDARD}' means to check without a profile: choose another name"
        diagnostics.error(node.entries["profile"].place, "reserved-name", text)
        return None
    return Profile(name, format, content)

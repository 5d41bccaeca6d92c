"""Assigning authorities and the system URIs they stand for (HL7 v2 HD to FHIR Identifier.system).

A mapping asks here for every identifier it makes or writes back. An authority that is present
never gives an empty system: two hospitals' record number 123 must not become one patient.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, unquote

from vagus.kernel.diagnostics import Diagnostics, did_you_mean
from vagus.kernel.strictyaml import Fields, Items, Node, Text

_LOCAL = "urn:x-vagus:"
_OID = re.compile(r"[0-2](?:\.(?:0|[1-9][0-9]*))+")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s]+")
_KEYS = ("namespace", "oid", "system")


@dataclass(frozen=True, slots=True)
class Entry:
    """One authority: its namespace and OID in HL7 v2 (either may be empty), and its URI."""

    namespace: str
    oid: str
    system: str


#: Systems every site means by these names; a site's own entries come first.
WELL_KNOWN = (
    Entry("USSSA", "2.16.840.1.113883.4.1", "http://hl7.org/fhir/sid/us-ssn"),
    Entry("NPI", "2.16.840.1.113883.4.6", "http://hl7.org/fhir/sid/us-npi"),
    Entry("MBI", "2.16.840.1.113883.4.927", "http://hl7.org/fhir/sid/us-mbi"),
    Entry("EIN", "2.16.840.1.113883.4.4", "urn:oid:2.16.840.1.113883.4.4"),
    Entry("", "2.16.840.1.113883.4.572", "http://hl7.org/fhir/sid/us-medicare"),
)


class Systems:
    """The registry of one source of messages; `name` is that source."""

    __slots__ = ("_authorities", "_by_namespace", "_by_oid", "_prefix", "name")

    def __init__(self, name: str, entries: Iterable[Entry] = ()) -> None:
        self.name = name
        every = [*WELL_KNOWN, *entries]
        self._by_oid = {entry.oid: entry.system for entry in every if entry.oid}
        self._by_namespace = {entry.namespace: entry.system for entry in every if entry.namespace}
        self._authorities = {entry.system: _hd(entry.namespace, entry.oid) for entry in every}
        self._prefix = f"{_LOCAL}{quote(name, safe='')}:"

    @property
    def authorities(self) -> list[str]:
        """Every namespace and OID by which it knows an authority."""
        return [*self._by_namespace, *self._by_oid]

    def uri(self, namespace: str, oid: str, oid_type: str) -> tuple[str, bool]:
        """The system of an HD, and whether it is a known one; '' when the HD is empty.

        An unknown authority gets `urn:x-vagus:{source}:{namespace}`.
        """
        if oid and (system := self._by_oid.get(oid)):
            return system, True
        if namespace and (system := self._by_namespace.get(namespace)):
            return system, True
        return self._derived(namespace, oid, oid_type)

    def authority(self, uri: str) -> tuple[str, str, str]:
        """The HD that stands for a system: namespace, id and type; all '' for an empty one."""
        known = self._authorities.get(uri)
        if known is not None:
            return known
        if uri.startswith(self._prefix):
            return unquote(uri[len(self._prefix) :]), "", ""
        if uri.startswith("urn:oid:"):
            return _hd("", uri[8:])
        if uri.startswith("urn:uuid:"):
            return "", uri[9:], "UUID"
        return ("", uri, "URI") if uri else ("", "", "")

    def _derived(self, namespace: str, oid: str, oid_type: str) -> tuple[str, bool]:
        if oid_type == "ISO" and _OID.fullmatch(oid):
            return f"urn:oid:{oid}", True
        if oid_type == "UUID" and oid:
            return f"urn:uuid:{oid.lower()}", True
        if oid_type in ("URI", "URL") and _URI.fullmatch(oid):
            return oid, True
        name = namespace or oid
        return (self._prefix + quote(name, safe=""), False) if name else ("", True)


def _hd(namespace: str, oid: str) -> tuple[str, str, str]:
    return namespace, oid, "ISO" if oid else ""


def load(document: Node, diagnostics: Diagnostics) -> Systems | None:
    """The registry in a YAML document (`systems: NAME`, `entries: [...]`); what is wrong in it
    becomes diagnostics. None when it is no registry at all.
    """
    name = document.entries.get("systems") if isinstance(document, Fields) else None
    if not isinstance(document, Fields) or not isinstance(name, Text) or not name.value:
        diagnostics.error(document.place, "missing-name", "a registry begins with `systems: NAME`")
        return None
    for key, place in document.keys.items():
        if key not in ("systems", "entries"):
            hint = did_you_mean(key, ("systems", "entries"))
            diagnostics.error(place, "unknown-key", f"'{key}' is not a key of a registry{hint}")
    listed = document.entries.get("entries")
    if listed is not None and not isinstance(listed, Items):
        diagnostics.error(listed.place, "bad-value", "`entries` is a list")
    reader = _Reader(diagnostics)
    entries = [reader.entry(node) for node in listed.items] if isinstance(listed, Items) else []
    return Systems(name.value, [entry for entry in entries if entry])


class _Reader:
    """Reads the entries of one registry and finds authorities named twice."""

    def __init__(self, diagnostics: Diagnostics) -> None:
        self._diagnostics = diagnostics
        self._seen: dict[tuple[str, str], int] = {}

    def entry(self, node: Node) -> Entry | None:
        if not isinstance(node, Fields):
            self._error(node, "bad-value", "an entry holds namespace, oid and system")
            return None
        for key, place in node.keys.items():
            if key not in _KEYS:
                hint = did_you_mean(key, _KEYS)
                text = f"'{key}' is not a key of an entry{hint}"
                self._diagnostics.error(place, "unknown-key", text)
        values = {key: self._text(node, key) for key in _KEYS}
        if not values["namespace"] and not values["oid"]:
            self._error(node, "missing-key", "an entry needs a namespace or an oid")
        if not _URI.fullmatch(values["system"]):
            where = node.entries.get("system", node)
            self._error(where, "bad-system", "a system is a URI: `urn:oid:…` or `http://…`")
            return None
        if values["oid"] and not _OID.fullmatch(values["oid"]):
            self._error(node.entries["oid"], "bad-oid", "an OID is numbers joined by dots")
        return Entry(**values)

    def _text(self, node: Fields, key: str) -> str:
        value = node.entries.get(key)
        if value is None:
            return ""
        if not isinstance(value, Text):
            self._error(value, "bad-value", f"`{key}` is text")
            return ""
        text = value.value or ""
        if key != "system" and text:
            line = self._seen.setdefault((key, text), value.place.line)
            if line != value.place.line:
                self._error(
                    value, "duplicate-authority", f"this {key} already stands on line {line}"
                )
        return text

    def _error(self, node: Node, code: str, text: str) -> None:
        self._diagnostics.error(node.place, code, text)

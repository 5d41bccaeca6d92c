"""Collects the documents of folders and makes plans of them: overlays, structures (§8)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256
from typing import Any

from mappings import structures
from mappings.functions import LANGUAGE_VERSION
from mappings.headers import (
    Document,
    MappingFile,
    StructureFile,
    TableFile,
    TemplateFile,
)
from mappings.nodes import Items, Node, Object, Text, dump, texts
from mappings.overlay import Expander, leftovers, merge
from mappings.session import Plan
from mappings.structures import Group
from mappings.tables import Table
from vagus.formats.hl7v2 import structures as standard
from vagus.kernel.diagnostics import Diagnostics, Place, did_you_mean

SOURCES = ("hl7v2", "x12", "fhir")
TARGETS = ("fhir", "hl7v2", "x12")


class Loader:
    """The documents of a project and of the library by kind and name; the project's win."""

    def __init__(self, diagnostics: Diagnostics) -> None:
        self.report = diagnostics
        self.mappings: dict[str, MappingFile] = {}
        self.templates: dict[str, TemplateFile] = {}
        self.tables: dict[str, TableFile] = {}
        self.structures: dict[str, StructureFile] = {}
        self.own: set[int] = set()
        self.used_templates: set[str] = set()
        self._ready: dict[str, Table] = {}

    def add(self, documents: Iterable[Document], own: bool) -> None:
        """Take the documents of one folder; the project's come first."""
        kinds: dict[type[Any], tuple[str, dict[str, Any]]] = {
            MappingFile: ("mapping", self.mappings),
            TemplateFile: ("template", self.templates),
            TableFile: ("table", self.tables),
            StructureFile: ("structure", self.structures),
        }
        for document in documents:
            label, known = kinds[type(document)]
            there = known.get(document.name)
            if there is None:
                known[document.name] = document
                if own:
                    self.own.add(id(document))
            elif (id(there) in self.own) == own:
                text = f"{label} '{document.name}' stands already at {there.place}"
                self.report.error(document.place, "duplicate-name", text)

    def ready(self) -> dict[str, Table]:
        """All tables, ready for use."""
        if len(self._ready) != len(self.tables):
            self._ready = {name: Table(file) for name, file in self.tables.items()}
        return self._ready

    def plan(self, file: MappingFile) -> Plan | None:
        """The plan of a mapping; None after reporting why there can be none."""
        base = self._base(file)
        if file.extends is not None and base is None:
            return None
        source = self._format(file, file.source or (base.source if base else None), "from", SOURCES)
        target = self._format(file, file.target or (base.target if base else None), "to", TARGETS)
        if source is None or target is None:
            return None
        group = self._structure(file, base, *source)
        expander = Expander(self.templates, self.report)
        body = self._body(file, base, expander, segments=target[0] != "fhir")
        if group is None or body is None:
            return None
        templates = tuple(
            item for name in sorted(expander.used) for item in self.templates[name].ignore
        )
        plan = Plan(
            name=file.name,
            place=file.place,
            source=source[0],
            structure=source[1],
            target=target[0],
            group=group,
            body=body,
            segments=target[0] != "fhir",
            ignore=file.ignore if base else (*file.ignore, *templates),
            inherited=(*base.ignore, *templates) if base else (),
            events=file.events or (base.events if base else ()),
            tables=self.ready(),
            removed=_removed(file, base),
        )
        return replace(plan, version=self._version(plan))

    def _base(self, file: MappingFile) -> MappingFile | None:
        if file.extends is None:
            return None
        name = file.extends.value or ""
        base = self.mappings.get(name)
        if base is None:
            hint = did_you_mean(name, self.mappings)
            self._error(file.extends.place, "unknown-mapping", f"'{name}' is not a mapping{hint}")
        elif base.extends is not None:
            text = f"'{name}' extends another mapping itself: one level is allowed"
            self._error(file.extends.place, "limit-exceeded", text)
            return None
        return base

    def _error(self, place: Place, code: str, text: str) -> None:
        self.report.error(place, code, text)

    def _format(
        self, file: MappingFile, node: Text | None, key: str, known: tuple[str, ...]
    ) -> tuple[str, str] | None:
        if node is None:
            self._error(file.place, "missing-key", f"a mapping needs '{key}:'")
            return None
        name, _, rest = (node.value or "").partition("/")
        if name not in known:
            hint = did_you_mean(name, known)
            self._error(node.place, "unknown-format", f"'{name}' is not a format here{hint}")
            return None
        return name, rest

    def _structure(
        self, file: MappingFile, base: MappingFile | None, source: str, name: str
    ) -> Group | None:
        group = self._declared(file, source, name)
        if group is None:
            return None
        if base is not None and base.structure is not None:
            structures.extend(group, base.structure, self.report)
        if file.structure is not None:
            structures.extend(group, file.structure, self.report)
        return group

    def _declared(self, file: MappingFile, source: str, name: str) -> Group | None:
        if source == "fhir":
            return Group("")
        declared = self.structures.get(f"{source}/{name}")
        if declared is not None:
            return structures.read(declared.groups, self.report)
        found = structures.standard(name) if source == "hl7v2" else None
        if found is not None:
            return found
        if file.structure is not None:
            return Group("")
        known = standard.structures() if source == "hl7v2" else self.structures
        hint = did_you_mean(name, known)
        place = file.source.place if file.source else file.place
        self._error(place, "unknown-structure", f"'{name}' is not a structure{hint}")
        return None

    def _body(
        self, file: MappingFile, base: MappingFile | None, expander: Expander, segments: bool
    ) -> Node | None:
        key = "segments" if segments else "resources"
        node: Node | None = file.segments if segments else file.resources
        below = (base.segments if segments else base.resources) if base else None
        if node is None and below is None:
            self._error(file.place, "missing-key", f"this mapping needs '{key}:'")
            return None
        found = expander.expand(node) if node is not None else None
        if below is not None:
            under = expander.expand(below)
            if isinstance(under, Object) and (found is None or isinstance(found, Object)):
                found = merge(under, found, self.report) if found is not None else under
            elif found is None:
                found = under
        self.used_templates |= expander.used
        assert found is not None
        if not isinstance(found, Items if segments else Object):
            what = "a list of segments" if segments else "a map of resources"
            self._error(found.place, "bad-value", f"'{key}' is {what}")
            return None
        return leftovers(found, self.report)

    def _version(self, plan: Plan) -> str:
        tables = {}
        words = _words(plan.body)
        for name, table in sorted(plan.tables.items()):
            if name in words:
                tables[name] = [table.unmapped, table.source, dict(table.codings)]
        groups = [
            [group.name, group.start, group.element, sorted(group.values), group.members]
            for group in plan.group.walk()
        ]
        parts = [
            LANGUAGE_VERSION,
            [plan.name, plan.source, plan.structure, plan.target],
            groups,
            dump(plan.body),
            [[item.path, item.why] for item in (*plan.ignore, *plan.inherited)],
            tables,
        ]
        return sha256(json.dumps(parts, sort_keys=False).encode()).hexdigest()


def _removed(file: MappingFile, base: MappingFile | None) -> frozenset[str]:
    """The resources of a library mapping that an overlay removes with null."""
    if base is None or base.resources is None or file.resources is None:
        return frozenset()
    entries = file.resources.entries
    names = [key for key, node in entries.items() if isinstance(node, Text) and node.value is None]
    names += [text.value or "" for text in texts(entries.get("$remove"))]
    return frozenset(names)


def _words(node: Node) -> set[str]:
    """Every word that stands in an expression of a tree."""
    found: set[str] = set()
    pending = [node]
    while pending:
        item = pending.pop()
        if isinstance(item, Text):
            if item.reads:
                found.update((item.value or "").split())
        elif isinstance(item, Items):
            pending.extend(item.items)
        else:
            pending.extend(item.entries.values())
    return found

"""Validation of canonical resources against FHIR R4, after mapping and before an event is routed.

A message passes the compiled schema in some tens of microseconds; only one that does not is
walked again, to say everything that is wrong with it.
"""

from __future__ import annotations

from typing import Any

import jsonschema_rs

from vagus.canonical import comparisons, findings, invariants, references, schema, shapes
from vagus.canonical.findings import Issue
from vagus.canonical.references import Targets

_OPTIONS: dict[str, Any] = {
    "validate_formats": False,
    "pattern_options": jsonschema_rs.RegexOptions(),
}


class Validator:
    """Holds the compiled schema; make one and keep it, and use it from one thread at a time."""

    def __init__(self) -> None:
        seen: list[tuple[Any, tuple[str, ...]]] = []

        class Reference:
            """Notes every Reference the schema passes, with the types it may lead to."""

            def __init__(self, parent: object, value: list[str], path: object) -> None:
                self._allowed = tuple(value)

            def validate(self, instance: Any) -> None:
                seen.append((instance, self._allowed))

        bundles: list[Any] = []

        class Bundle:
            """Counts the Bundles the schema passes: one inside another is rare and looked into."""

            def __init__(self, parent: object, value: object, path: object) -> None:
                pass

            def validate(self, instance: Any) -> None:
                bundles.append(instance)

        self._seen = seen
        self._bundles = bundles
        keywords: dict[str, Any] = {
            **comparisons.KEYWORDS,
            "vagusReference": Reference,
            "vagusBundle": Bundle,
        }
        self._schema = jsonschema_rs.validator_for(schema.build(), keywords=keywords, **_OPTIONS)
        self._rules: dict[str, jsonschema_rs.Validator] | None = None

    def valid(self, resource: Any) -> bool:
        """Whether a Bundle, or any other R4 resource, keeps every rule.

        Numbers may be int, float or Decimal; references into a Bundle must find their entry.
        """
        self._seen.clear()
        self._bundles.clear()
        try:
            if not self._schema.is_valid(resource):
                return False
        except ValueError:
            return False
        return self._references_hold(resource) or not self.search(resource)

    def issues(self, resource: Any) -> list[Issue]:
        """Everything that is wrong, in document order; empty when it is valid.

        No issue holds a value of the resource.
        """
        if self.valid(resource):
            return []
        kind = findings.name_of(resource)
        unknown = Issue("invalid", kind, kind, "not a resource that JSON can hold")
        return self.search(resource) or [unknown]

    def search(self, resource: Any) -> list[Issue]:
        """What a walk over the resource finds, without asking the schema first."""
        if self._rules is None:
            self._rules = _compiled_rules()
        rules = self._rules
        search = findings.Search(lambda key, value: rules[key].is_valid(value))
        try:
            return search.issues(resource)
        except RecursionError:
            return [Issue("too-deep", "", "", "more levels than any R4 resource needs")]

    def _references_hold(self, resource: Any) -> bool:
        """Whether all references of a sound structure are seen to be right at once."""
        if resource["resourceType"] == "Bundle":
            entries = resource.get("entry", [])
            if len(self._bundles) > 1 or not references.plain(entries):
                return False
            sound = Targets(entries).sound
        elif self._bundles:
            return False
        else:
            sound = Targets(None).sound
        local = False
        for reference, allowed in self._seen:
            text = reference.get("reference")
            if text is None:
                continue
            if text[0] == "#":
                local = True
            elif not sound(text, allowed):
                return False
        return not local or self._contained_found(resource)

    def _contained_found(self, resource: Any) -> bool:
        """Whether every `#id` is seen to be contained in the resource it stands in."""
        parts = [resource]
        if resource["resourceType"] == "Bundle":
            parts = [entry["resource"] for entry in resource["entry"] if "resource" in entry]
        believed = Targets(None)
        for part in parts:
            if part["resourceType"] == "Parameters":
                return False
            self._seen.clear()
            self._schema.is_valid(part)
            for reference, allowed in self._seen:
                local = reference.get("reference", "")[:1] == "#"
                if local and believed.breach(reference, allowed, part) is not None:
                    return False
        return True


def _compiled_rules() -> dict[str, jsonschema_rs.Validator]:
    """One validator for each invariant of each shape, by `shape key`."""
    options = {"keywords": comparisons.KEYWORDS, **_OPTIONS}
    return {
        f"{name} {rule.key}": jsonschema_rs.Draft7Validator(rule.schema, **options)
        for name in shapes.names() - shapes.PRIMITIVES
        for rule in invariants.rules_of(shapes.type(name))
    }

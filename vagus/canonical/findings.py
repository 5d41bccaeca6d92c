"""What is wrong with a resource and where, found by walking the element table.

Runs only over what the compiled schema has refused, so it is written for good words, not for
speed. A finding holds codes of this engine and names of the standard: no value of the message,
and no element name that the standard does not have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from vagus.canonical import invariants, primitives, references, schema, shapes
from vagus.canonical.references import Breach, Targets
from vagus.canonical.shapes import Element, Shape
from vagus.kernel.diagnostics import did_you_mean

Object = dict[str, Any]


class Issue(NamedTuple):
    """One problem: `where` from the root (`Bundle.entry[2].resource.status`), `place` from the
    resource with the number of its entry (`Encounter[2].status`).

    `code` is one of `CODES` or the key of an invariant (`pat-1`).
    """

    code: str
    where: str
    place: str
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.code}: {self.text}"


#: Every code of an issue that is not the key of an invariant of the standard.
CODES = frozenset(
    (
        "bad-code",
        "bad-date",
        "bad-value",
        "choice",
        "empty",
        "id-mismatch",
        "invalid",
        "missing-element",
        "reference-missing",
        "reference-target",
        "too-deep",
        "unknown-element",
        "unknown-resource",
        "unknown-sequence",
        "bad-order",
        "wrong-type",
    )
)

Holds = Callable[[str, Object], bool]


class Search:
    """One search through one resource; `holds(key, object)` answers for an invariant."""

    def __init__(self, holds: Holds) -> None:
        self._holds = holds
        self._issues: list[Issue] = []
        self._targets = Targets(None)
        self._resource: Object = {}
        self._root = ("", "")

    def issues(self, value: object) -> list[Issue]:
        """All problems of a resource, in the order they stand in it."""
        kind = name_of(value)
        self._any_resource(value, kind, kind)
        return self._issues

    def _say(self, code: str, where: str, text: str) -> None:
        root, place = self._root
        inside = where.startswith(root) and root
        self._issues.append(
            Issue(code, where, place + where[len(root) :] if inside else where, text)
        )

    def _any_resource(self, value: object, where: str, place: str) -> None:
        outer = self._resource, self._targets, self._root
        self._root = (where, place)
        if not isinstance(value, dict):
            self._say("wrong-type", where, "a resource is needed")
        elif "resourceType" not in value:
            self._say("missing-element", f"{where}.resourceType", "a resource says its type")
        elif (kind := name_of(value)) == "Resource":
            self._say("unknown-resource", f"{where}.resourceType", "R4 has no such resource")
        else:
            self._resource = value
            if kind == "Bundle":
                entries = value.get("entry")
                self._targets = Targets(entries if isinstance(entries, list) else [])
            self._object(value, shapes.type(kind), where)
            if kind == "Bundle" and isinstance(entries, list):
                self._breaches(references.url_breaches(entries), where)
        self._resource, self._targets, self._root = outer

    def _breaches(self, breaches: Iterator[Breach], where: str) -> None:
        for code, element, text in breaches:
            self._say(code, f"{where}.{element}", text)

    def _object(self, value: object, shape: Shape, where: str) -> None:
        if not isinstance(value, dict):
            self._say("wrong-type", where, "an object is needed")
            return
        if not value:
            self._say("empty", where, "an element cannot be empty")
            return
        self._missing(value, shape, where)
        for key, item in value.items():
            element = shape.elements.get(key)
            if element is not None:
                self._element(item, element, f"{where}.{key}", value)
            elif (companion := _companion(key, shape)) is not None:
                self._companion(item, companion, f"{where}.{key}")
            elif key != "resourceType" or shape.kind != "resource":
                hint = did_you_mean(str(key), shape.elements)
                self._say("unknown-element", where, f"not an element of {shape.name}{hint}")
        for rule in invariants.rules_of(shape):
            if not self._holds(f"{shape.name} {rule.key}", value):
                tail = f".{rule.element}" if rule.element else ""
                self._say(rule.key, where + tail, rule.text)

    def _missing(self, value: Object, shape: Shape, where: str) -> None:
        elements = shape.elements.values()
        for element in elements:
            names = {element.name, schema.companion_of(element)}
            if element.required and not element.choice and names.isdisjoint(value):
                self._say("missing-element", f"{where}.{element.name}", "it is required")
        needed = {element.choice for element in elements if element.required}
        for group, members in schema.choices(elements).items():
            types = {name.lstrip("_") for name in members if name in value}
            if len(types) > 1:
                self._say("choice", f"{where}.{group}", "only one type of it may be given")
            elif not types and group in needed:
                self._say("missing-element", f"{where}.{group}", "one type of it is required")

    def _element(self, value: object, element: Element, where: str, parent: Object) -> None:
        if not element.many:
            self._one(value, element, where)
        elif not isinstance(value, list):
            self._say("wrong-type", where, "a list is needed")
        elif not value:
            self._say("empty", where, "a list cannot be empty")
        else:
            placeholder = element.type in shapes.PRIMITIVES and f"_{element.name}" in parent
            for index, item in enumerate(value):
                if item is not None or not placeholder:
                    self._one(item, element, f"{where}[{index}]")

    def _one(self, value: object, element: Element, where: str) -> None:
        if isinstance(value, list):
            self._say("wrong-type", where, "it does not repeat")
        elif element.type in shapes.PRIMITIVES:
            if problem := _primitive(value, element):
                self._say(problem[0], where, problem[1])
        elif element.type == "Resource":
            self._inner(value, where)
        else:
            self._object(value, shapes.type(element.type), where)
            if element.type == "Reference" and isinstance(value, dict):
                breach = self._targets.breach(value, element.targets, self._resource)
                self._breaches(iter((breach,) if breach else ()), where)
            if element.concepts and not _has_code(value, element.concepts):
                self._say("bad-code", where, "one coding must be of the standard's value set")

    def _inner(self, value: object, where: str) -> None:
        """A resource inside another: contained in it, or at home in an entry or a parameter."""
        root, place = self._root
        inside = where[len(root) :]
        kind = name_of(value)
        if inside.startswith(".contained["):
            if kind == "Resource":
                self._any_resource(value, where, place + inside)
            else:
                self._object(value, shapes.type(kind), where)
        elif inside.startswith(".entry["):
            number = inside[len(".entry[") :].split("]")[0]
            self._any_resource(value, where, f"{kind}[{number}]")
        else:
            self._any_resource(value, where, place + inside)

    def _companion(self, value: object, element: Element, where: str) -> None:
        shape = shapes.type("Element")
        if not element.many:
            self._object(value, shape, where)
        elif not isinstance(value, list) or not value:
            self._say("wrong-type", where, "a list is needed that is not empty")
        else:
            for index, item in enumerate(value):
                if item is not None:
                    self._object(item, shape, f"{where}[{index}]")


def name_of(value: object) -> str:
    """The type of a resource, or `Resource` when it tells none that R4 has."""
    kind = value.get("resourceType") if isinstance(value, dict) else None
    known = isinstance(kind, str) and kind in shapes.names("resource") - schema.ABSTRACT
    return str(kind) if known else "Resource"


def _companion(key: object, shape: Shape) -> Element | None:
    name = str(key)
    element = shape.elements.get(name[1:]) if name[:1] == "_" else None
    return element if element and schema.companion_of(element) else None


def _has_code(concept: object, codes: tuple[str, ...]) -> bool:
    codings = concept.get("coding") if isinstance(concept, dict) else None
    if not isinstance(codings, list):
        return False
    return any(isinstance(item, dict) and item.get("code") in codes for item in codings)


def _primitive(value: object, element: Element) -> tuple[str, str] | None:
    """The code and text of what is wrong with a primitive value, or None."""
    if element.binding:
        good = isinstance(value, str) and value in element.binding
        return None if good else ("bad-code", "not a code of the standard's value set")
    if element.name == "currency" and element.type == "code":
        return None if schema.is_currency(value) else ("bad-code", "three capital letters needed")
    return primitives.problem(value, element.type)

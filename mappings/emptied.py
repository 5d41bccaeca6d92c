"""Writes the question whether an element that has no value was emptied on purpose (§4.3).

A field of HL7 v2 says so by two quotes. Which element an expression reads is told from its text: a
path, `get`, `resolve`, and extensions by their url.
"""

from __future__ import annotations

from mappings.expressions import Alternative, Call, ExpressionError, Path, parse
from mappings.nodes import Text
from mappings.scopes import Scope
from mappings.session import Session
from vagus.canonical import shapes

_KEEP = frozenset(("first", "last", "skip"))


def asked(session: Session, node: Text) -> str:
    """The code of the question; '' where there is none to ask."""
    if not session.flags.full or session.plan.source != "fhir" or session.plan.target != "hl7v2":
        return ""
    try:
        tree = parse(node.value or "=")
    except ExpressionError:
        return ""
    found = [_question(session, alternative) for alternative in tree.alternatives]
    return " or ".join(dict.fromkeys(filter(None, found)))


def _question(session: Session, alternative: Alternative) -> str:
    path = alternative.head
    scope = session.scope
    if not isinstance(path, Path) or not (path.names or path.relative):
        return ""
    if path.relative:
        steps = [*scope.where.split("."), *path.names] if scope.kind == "fhir" else []
    else:
        steps = [path.segment, *path.names]
    owner = _owner(scope, steps[0]) if steps else ""
    return _asked(owner, steps, alternative.calls) if owner else ""


def _asked(owners: str, steps: list[str], calls: tuple[Call, ...]) -> str:
    """The question about what the calls lead to; '' when they leave what can be told."""
    for call in calls:
        words = [word.text for word in call.args]
        if call.name == "resolve":
            names = tuple(steps[1:])
            owners, steps = f"z.index.resolve(pick({owners}, {names}), {words[0]!r})", [words[0]]
        elif call.name == "get":
            steps = [*steps, *words[0].strip(".").split(".")]
        elif call.name == "where" and words[0] == ".url" and steps[-1] == "extension":
            steps = [*steps[:-1], f"extension('{words[1]}')"]
        elif call.name in ("where", "referring"):
            return ""
        elif call.name not in _KEEP:
            break
    name = _named(steps) if len(steps) > 1 else ""
    return f"z.index.emptied({owners}, {name!r})" if name else ""


def _owner(scope: Scope, kind: str) -> str:
    for around in scope.chain():
        if around.kind == "fhir" and around.datatype == kind == around.where:
            return f"({around.var},)"
    return ""


def _named(steps: list[str]) -> str:
    """The path as deletes write it: a choice by its name alone."""
    kind, names = steps[0], [steps[0]]
    for step in steps[1:]:
        element = shapes.type(kind).elements.get(step.lstrip("_").partition("(")[0])
        if element is None:
            return ""
        chosen = element.choice.removesuffix("[x]") if element.choice else step.lstrip("_")
        names.append(chosen)
        kind = element.type
    return ".".join(names)

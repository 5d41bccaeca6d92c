"""Writes the code that reads a FHIR path, checked against the R4 element table (§3)."""

from __future__ import annotations

from mappings.absence import touch_always
from mappings.expressions import Path
from mappings.scopes import BROKEN, Scope, Value
from mappings.session import Session
from mappings.tracing import looked
from vagus.canonical import shapes
from vagus.kernel.diagnostics import did_you_mean

_DATES = ("date", "dateTime", "instant")
_NUMBERS = ("decimal", "integer", "positiveInt", "unsignedInt")


def read(session: Session, path: Path, many: bool) -> Value:
    """The value of `Type.element…`: of the resource being looped over, else of all of them."""
    kind = path.segment
    if type_at(session, path) is None:
        return BROKEN
    for scope in session.scope.chain():
        if scope.kind == "fhir" and scope.datatype == kind:
            return _below(session, f"({scope.var},)", kind, kind, path, many)
    return _below(session, f"z.index.of({kind!r})", kind, kind, path, many)


def relative(session: Session, scope: Scope, path: Path, many: bool) -> Value:
    """The value of `.element…` below the current item."""
    return _below(session, f"({scope.var},)", scope.datatype, scope.where, path, many)


def type_at(session: Session, path: Path) -> str | None:
    """The type that a path from a resource type leads to; None after a finding."""
    kind = path.segment
    if not shapes.known(kind) or shapes.type(kind).kind != "resource":
        hint = did_you_mean(kind, shapes.names("resource"))
        session.error("bad-path", f"'{kind}' is not a FHIR resource{hint}")
        return None
    return _type(session, kind, path)


def _below(session: Session, base: str, kind: str, where: str, path: Path, many: bool) -> Value:
    found = _type(session, kind, path)
    if found is None:
        return BROKEN
    full = ".".join((where, *path.names))
    touch_always(session)
    if found in shapes.PRIMITIVES or found == "Reference":
        session.static_paths.add(full)
    if session.flags.trace:
        looked(session, full)
        session.block.add(f"rd({full!r})")
    lone = base.startswith("(") and len(path.names) == 1
    if lone and not many and found in shapes.PRIMITIVES and found not in _NUMBERS:
        return _text(session, f"text_of({base[1:-2]}, {path.names[0]!r})", found, full)
    code = f"pick({base}, {path.names!r})" if path.names else base
    if lone:
        code = f"below({base[1:-2]}, {path.names[0]!r})"
    value = _converted(found, code, full)
    value.scope = Scope("fhir", datatype=found, where=full)
    name = session.names.fresh()
    session.block.add(f"{name} = {value.code}")
    value.code = name
    if not many:
        one = session.names.fresh()
        session.block.add(f"{one} = {name}[0] if {name} else None")
        value.code, value.many = one, False
    return value


def _text(session: Session, code: str, datatype: str, full: str) -> Value:
    """One primitive element of one item, read without a list around it."""
    name = session.names.fresh()
    session.block.add(f"{name} = {code}")
    kind = "D" if datatype in _DATES else "T"
    scope = Scope("fhir", datatype=datatype, where=full)
    return Value(name, kind, datatype=datatype, where=full, scope=scope)


def _converted(datatype: str, code: str, where: str) -> Value:
    if datatype in _NUMBERS:
        return Value(f"numbers({code})", "N", True, datatype=datatype, where=where)
    if datatype in _DATES:
        return Value(f"texts({code})", "D", True, datatype=datatype, where=where)
    if datatype == "Reference":
        return Value(f"objects({code})", "R", True, datatype=datatype, where=where)
    if datatype in shapes.PRIMITIVES:
        return Value(f"texts({code})", "T", True, datatype=datatype, where=where)
    return Value(f"objects({code})", "I", True, datatype=datatype, where=where)


def _type(session: Session, kind: str, path: Path) -> str | None:
    """The type a path ends at; None after a finding."""
    for name in path.names:
        base = name.removeprefix("_")
        shape = shapes.type(kind)
        element = shape.elements.get(base)
        if element is None:
            hint = did_you_mean(name, shape.elements)
            session.error("bad-path", f"'{name}' is not an element of {kind}{hint}")
            return None
        kind = "Element" if base != name else element.type
    return kind

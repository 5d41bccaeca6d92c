"""Reads any path, whatever the format of the source and wherever the walk stands (§3)."""

from __future__ import annotations

from dataclasses import replace

from mappings import fhir_walk, wire
from mappings.expressions import Path
from mappings.scopes import BROKEN, Scope, Value
from mappings.session import Session


def read(session: Session, path: Path, many: bool) -> Value:
    """The value of a path in the current scope."""
    if path.relative:
        return _relative(session, path, many)
    fhir = session.plan.source == "fhir"
    looks_fhir = bool(path.names) or (not path.field and not path.segment.isupper())
    if fhir != looks_fhir and not (path.segment[:1].isdigit() and not fhir):
        session.error("bad-path", f"'{path.text}' is not a path of {session.plan.source}")
        return BROKEN
    return fhir_walk.read(session, path, many) if fhir else wire.read(session, path, many)


def gone(session: Session, path: Path) -> bool:
    """Whether a path leads to nothing because messages lack what it names."""
    touched, session.touched = session.touched, set()
    mark = session.block.position()
    try:
        return session.plan.source != "fhir" and read(session, path, many=False).gone
    finally:
        session.block.forget(mark)
        session.touched = touched


def _relative(session: Session, path: Path, many: bool) -> Value:
    scope = session.scope
    if scope.kind == "fhir":
        return fhir_walk.relative(session, scope, path, many)
    if path.text == "." and scope.kind != "message":
        return _whole(session, scope)
    if scope.kind in ("item", "chunk") and path.component:
        return wire.relative(session, scope, path)
    if scope.kind in ("message", "group", "segment"):
        name = scope.segment or "SEG"
        hint = f"{name}-{path.text[1:]}" if path.component else f"{name}-1"
        session.error("bad-path", f"'{path.text}' needs an item: write a path such as {hint}")
    else:
        session.error("bad-path", f"'{path.text}' has nothing to stand on: the item has no parts")
    return BROKEN


def _whole(session: Session, scope: Scope) -> Value:
    """The current item itself."""
    if scope.kind == "item":
        return wire.relative(session, scope, Path(".", relative=True))
    kind = {"reference": "R", "text": "T", "number": "N"}.get(scope.kind, "I")
    return Value(
        scope.var, kind, always=True, datatype=scope.datatype or scope.target, where=scope.where
    )


def opened(session: Session, value: Value, var: str) -> Scope:
    """The scope of one item of a list, whose name is `var`, in the current block."""
    if value.scope is not None:
        scope = replace(value.scope, var=var, parent=session.scope, block=session.block)
        if scope.kind == "chunk":
            scope.parent = Scope(
                "segment",
                f"{var}[-1]",
                session.scope,
                session.block,
                segment=scope.segment,
                where=scope.segment,
            )
        return scope
    kind = {"R": "reference", "N": "number"}.get(value.kind, "text")
    return Scope(
        kind,
        var,
        session.scope,
        session.block,
        datatype=value.datatype,
        where=value.where,
        target=value.datatype if value.kind == "R" else "",
    )

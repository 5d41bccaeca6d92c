"""Writes the code that turns what a path found into the value that is wanted (§3.2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from mappings.scopes import Scope, Value
from mappings.session import Session

KINDS = {
    "T": "text",
    "D": "a date",
    "N": "a number",
    "B": "a boolean",
    "I": "an item",
    "R": "a reference",
    "C": "a code",
}


def named(session: Session, value: Value) -> Value:
    """The value under a name that may be assigned to."""
    if value.own:
        return value
    name = session.names.fresh()
    session.block.add(f"{name} = {value.code}")
    return replace(value, code=name, own=True)


def text(session: Session, value: Value) -> Value:
    """One value without HL7's punctuation."""
    if not value.raw or value.gone:
        return value
    if value.bare:
        return replace(value, raw="")
    found = named(session, value)
    name = found.code
    if session.flags.full:
        call = "leaf" if value.raw == "comp" else "cut_full"
        source = f"{call}({name}, z, {session.site(value.where)})"
        session.block.add(f"if {name} and not {name}.isalnum(): {name} = {source}")
    elif value.raw == "comp":
        session.block.add(f"if S in {name}: {name} = {name}[:{name}.index(S)]")
    elif value.always:
        session.block.add(f"if not {name}.isalnum(): {name} = cut({name}, C, R, S) or unfit()")
    else:
        session.block.add(f"if {name} and not {name}.isalnum(): {name} = cut({name}, C, R, S)")
    return replace(found, raw="")


def each(session: Session, value: Value, step: Callable[[Value], Value]) -> Value:
    """What a step makes of a value, or of each item of a list."""
    if value.gone:
        return value
    if not value.many:
        return step(value)
    result = session.names.fresh()
    item = session.names.fresh()
    session.block.add(f"{result} = []")
    with session.nested(f"for {item} in {value.code}:"):
        made = step(replace(value, code=item, many=False, always=False, rawcode=item, own=False))
        session.block.add(f"if {made.test}: {result}.append({made.code})")
    return replace(made, code=result, many=True, always=False, own=False)


def listed(session: Session, value: Value) -> Value:
    """The value as a list."""
    if value.many:
        return value
    if value.gone:
        return replace(value, code="()", many=True)
    found = named(session, text(session, value) if value.raw == "first" else value)
    name = session.names.fresh()
    session.block.add(f"{name} = [{found.code}] if {found.test} else []")
    found = replace(found, code=name, many=True, own=False)
    if found.scope is None and found.raw:
        found.scope = Scope("item", datatype=found.datatype, raw=found.raw, where=found.where)
    return found


def nothing(value: Value) -> str:
    """The code of a value of that kind that is not there."""
    return "''" if value.kind in "TD" else "None"


def first(session: Session, value: Value) -> Value:
    """The first item of a list."""
    if not value.many:
        return value
    if value.gone:
        return replace(value, code=nothing(value), many=False)
    code = value.code
    if not code.isidentifier():
        code = session.names.fresh()
        session.block.add(f"{code} = {value.code}")
    name = session.names.fresh()
    session.block.add(f"{name} = {code}[0] if {code} else {nothing(value)}")
    return replace(value, code=name, many=False, always=False, rawcode=name, own=False)

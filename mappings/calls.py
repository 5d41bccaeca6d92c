"""Writes the code of the functions that scalar values pass through (§5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation

from mappings import back
from mappings.absence import touch_always
from mappings.expressions import Call, Word
from mappings.functions import FORMATS, FUNCTIONS, Function
from mappings.scopes import BROKEN, Value
from mappings.session import Session
from mappings.texts import KINDS, named, text
from vagus.kernel.diagnostics import did_you_mean

_CLASSES = {"HD": 0, "CX": 4, "XCN": 9, "XON": 6, "PPN": 9}
_NEEDS = {"N": "number", "D": "date", "T": "text"}


def checked(session: Session, call: Call) -> Function | None:
    """The function a call names; None after reporting that it or its arguments are wrong."""
    function = FUNCTIONS.get(call.name)
    if function is None:
        hint = did_you_mean(call.name, FUNCTIONS)
        session.error("unknown-function", f"'{call.name}' is not a function{hint}")
        return None
    count = len(call.args)
    if count < function.least or (function.most is not None and count > function.most):
        session.error(
            "wrong-arguments", f"'{call.name}' takes {function.usage} arguments, not {count}"
        )
        return None
    return function


def accepts(session: Session, function: Function, value: Value) -> bool:
    """Whether a function takes a value of that kind; a mismatch is reported."""
    takes, kind = function.takes, value.kind
    if not takes or kind in ("?", takes) or (takes == "T" and kind == "D"):
        return True
    if takes == "I" and kind == "T":
        return True
    hint = f": add | {_NEEDS[takes]}" if takes in "ND" and kind == "T" else ""
    session.error(
        "type-mismatch",
        f"'{function.name}' takes {KINDS[takes]} and is given {KINDS.get(kind, kind)}{hint}",
    )
    return False


def scalar(session: Session, call: Call, value: Value, coded: bool) -> Value:
    """One value after one scalar function; `coded` asks a table for a Coding."""
    function = FUNCTIONS[call.name]
    if call.name == "table" and len(call.args) == 2 and value.kind != "?":
        return back.from_table(session, call, value)
    if value.kind == "?" or not accepts(session, function, value):
        return BROKEN
    if call.name == "system":
        return _system(session, value)
    if call.name in ("default", "then"):
        return _choice(session, call, value)
    found = named(session, text(session, value))
    found.constant = None
    found.always = False
    found.scope = None
    if call.name == "table":
        return _table(session, call, found, coded)
    code = _code(session, call, found)
    if code is None:
        return BROKEN
    condition = found.test
    session.block.add(f"if {condition}: {found.code} = {code}")
    if function.gives:
        made = "uri" if call.name == "code_system" else ""
        found = replace(found, kind=function.gives, datatype=made)
    if found.kind == "N" and function.takes == "T":
        session.block.add(f"else: {found.code} = None")
    return found


def _code(session: Session, call: Call, value: Value) -> str | None:
    name = value.code
    args = [word.text for word in call.args]
    site = session.site(value.where)
    match call.name:
        case "in":
            return f"{name} if {name} in {session.constant(frozenset(args))} else ''"
        case "not_in":
            return f"'' if {name} in {session.constant(frozenset(args))} else {name}"
        case "upper":
            return f"{name}.upper()"
        case "trim":
            return f"{name}.strip()"
        case "digits":
            return f"digits({name})"
        case "before":
            return f"{name}.partition({args[0]!r})[0]" if _some(session, call.args) else None
        case "after":
            return f"{name}.partition({args[0]!r})[2]" if _some(session, call.args) else None
        case "replace":
            if not _some(session, call.args[:1]):
                return None
            return f"{name}.replace({args[0]!r}, {args[1]!r})"
        case "code_system" if args:
            return back.code_system(session, call, name)
        case "date" | "datetime" | "number" | "code_system":
            return f"{call.name}({name}, z, {site})"
        case "authority":
            return back.authority(session, call, name)
        case _:
            return _measured(session, call, name, args)


def _measured(session: Session, call: Call, name: str, args: Sequence[str]) -> str | None:
    match call.name:
        case "slice":
            numbers = integers(session, call.args)
            if numbers is None:
                return None
            start = numbers[0] - 1
            end = f"{start + numbers[1]}" if len(numbers) > 1 else ""
            return f"{name}[{start}:{end}]"
        case "times":
            try:
                factor = Decimal(args[0])
            except InvalidOperation:
                factor = Decimal("NaN")
            if not factor.is_finite() or len(args[0]) > 20:
                session.error("wrong-arguments", f"'{args[0]}' is not a number")
                return None
            return f"times({name}, {session.constant(factor)})"
        case "format":
            if args[0] not in FORMATS:
                hint = did_you_mean(args[0], FORMATS)
                session.error("wrong-arguments", f"'{args[0]}' is not a form of date{hint}")
                return None
            return f"form({name}, {args[0]!r})"
        case other:
            raise AssertionError(other)


def integers(session: Session, words: Sequence[Word]) -> list[int] | None:
    """The arguments as whole numbers from 1; None after reporting one that is not."""
    found = []
    for word in words:
        if not (word.text.isascii() and word.text.isdigit() and 0 < int(word.text[:6]) < 100_000):
            session.error("wrong-arguments", f"'{word.text}' is not a whole number from 1")
            return None
        found.append(int(word.text[:6]))
    return found


def _some(session: Session, words: Sequence[Word]) -> bool:
    if all(word.text for word in words):
        return True
    session.error("wrong-arguments", "an empty text separates nothing")
    return False


def _table(session: Session, call: Call, value: Value, coded: bool) -> Value:
    table = back.known_table(session, call)
    if table is None:
        return BROKEN
    name = table.name
    site = session.site(value.where)
    code = value.code
    whole = session.constant(table, "TABLE")
    if coded:
        codings = session.constant(table.codings, "CODINGS")
        found = f"({codings}.get({code}) or missing_coding({code}, {whole}, z, {site}) or {{}})"
        session.block.add(f"{code} = {found} if {code} else None")
        return replace(value, kind="C", datatype=name)
    codes = session.constant(table.codes, "CODES")
    session.block.add(
        f"if {code}: {code} = {codes}.get({code}) or missing_code({code}, {whole}, z, {site})"
    )
    return replace(value, kind="T", datatype="table " + name)


def _choice(session: Session, call: Call, value: Value) -> Value:
    constant = call.args[0].text
    if call.name == "default" and value.kind not in "TDN":
        session.error("type-mismatch", f"'default' gives text and the value is {KINDS[value.kind]}")
        return BROKEN
    found = named(session, text(session, value) if value.kind == "T" else value)
    found.constant, found.scope = None, None
    if session.seen is not None and found.always and found.kind == "T":
        made = replace(found, code=repr(constant), datatype="constant", always=bool(constant))
        return made if call.name == "then" else found
    if call.name == "then":
        session.block.add(f"{found.code} = {constant!r} if {found.test} else ''")
        return replace(found, kind="T", datatype="constant", raw="")
    code = repr(constant)
    if found.kind == "N":
        try:
            code = session.constant(Decimal(constant))
        except InvalidOperation:
            session.error("bad-value", f"'{constant}' is not a number")
            return BROKEN
    touch_always(session)
    session.block.add(f"if not ({found.test}): {found.code} = {code}")
    found.always = bool(constant)
    return found


def _system(session: Session, value: Value) -> Value:
    site = -1 if session.quiet else session.site(value.where)
    code, separator, first = value.rawcode or value.code, "S", 0
    if value.raw == "first":
        code = f"part(part({code}, R, 0), C, 0)"
    if value.raw in ("rep", "field"):
        if value.raw == "field":
            code = f"part({code}, R, 0)"
        place = _CLASSES.get(value.datatype, 0)
        if place:
            code = f"part({code}, C, {place - 1})"
        else:
            separator, first = "C", 1 if value.datatype == "EI" else 0
    elif value.datatype == "EI":
        first = 1
    name = session.names.fresh()
    session.block.add(f"{name} = {code}")
    session.block.add(f"if {name}: {name} = system({name}, {separator}, {first}, z, {site})")
    return Value(name, "T", where=value.where, datatype="uri")

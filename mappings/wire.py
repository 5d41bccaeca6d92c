"""Writes the code that reads a path of HL7 v2 or X12: rows, fields, components (§3, §14)."""

from __future__ import annotations

from dataclasses import replace

from mappings.absence import (
    alone,
    everywhere,
    gone,
    lacks,
    never,
    relies,
    touch,
    touch_always,
)
from mappings.components import component, held
from mappings.coverage import covers
from mappings.expressions import Path
from mappings.locate import Located, check_field, check_part, locate, repeats
from mappings.scopes import BROKEN, Scope, Value
from mappings.session import Session
from mappings.structures import Group
from mappings.tracing import looked


def read(session: Session, path: Path, many: bool) -> Value:
    """The value of an absolute path: all its values where many are wanted, else the first."""
    found = locate(session, path)
    if found is None:
        return BROKEN
    session.reads.add(found.segment if found.scope.kind == "message" else "")
    if not path.field:
        return _instances(session, found, many)
    datatype = check_field(session, path, found.segment)
    if datatype is None:
        return BROKEN
    session.width(found.segment, path.field)
    if lacks(session, found.segment, path.field):
        inner = _within(found, path, datatype) if many else None
        nothing = gone(session, many, scope=inner)
        return replace(nothing, datatype=datatype, raw=inner.raw if inner else "", where=path.text)
    if many:
        return _all(session, found, path, datatype)
    row = first_row(session, found)
    sure = _sure(session, found) and relies(session, found.segment, path.field)
    if not (path.repetition or session.lenient) and session.plan.source == "hl7v2":
        _remark(session, path, found.segment)
    return _single(session, path, row, found.segment, datatype, sure)


def _sure(session: Session, found: Located) -> bool:
    """Whether `first_row` is surely a segment of the message."""
    if found.unknown:
        return False
    if found.groups or found.member:
        return everywhere(session, found.scope.group, found.segment)
    return found.scope.kind in ("group", "segment")


def _remark(session: Session, path: Path, segment: str) -> None:
    if repeats(segment, path.field):
        session.warning(
            "takes-first",
            f"{segment}-{path.field} repeats and one value is taken: say which with"
            f" {segment}-{path.field}(1), prefer or first",
        )


def _single(
    session: Session, path: Path, row: str, segment: str, datatype: str, sure: bool
) -> Value:
    """The value of a path in a row; `sure` when the field is surely there."""
    covers(session, (row, segment, False), path.field, path.component, path.sub)
    code = f"{row}[{path.field}]"
    trace_row(session, segment, row, path)
    if segment == "MSH" and path.field in (1, 2):
        touch(session, code)
        return Value(code, "T", where=path.text, rawcode=code)
    raw = "field"
    place = (segment, path.field)
    held = session.seen.field(segment, path.field) if session.seen else None
    always = sure and held is not None and bool(held.always & 1) and path.repetition < 2
    if path.repetition > 1:
        key = ("repetition", code, path.repetition)
        name = session.block.known(key) or session.block.hoist(
            key,
            name := session.hoisted_name(),
            [(0, f"{name} = part({code}, R, {path.repetition - 1})")],
        )
        code, raw = name, "rep"
    if (segment, path.field) in session.firsts and raw == "field" and not path.sub:
        raw = "first" if path.component else raw
    elif path.component == 1 and not path.sub and _bare(session, path, place):
        raw = "first"
    elif path.component:
        sure = sure and path.repetition < 2
        once = path.repetition < 2 and never(session, 1, *place)
        whole = never(session, 2, *place)
        return component(
            session, code, raw, path, datatype, path.text, held, sure, once=once, whole=whole
        )
    bare = _bare(session, path, place)
    always = always or (sure and bare)
    if always:
        touch_always(session)
    else:
        touch(session, code)
    return Value(
        code,
        "T",
        always=always,
        raw=raw,
        bare=bare,
        datatype=datatype,
        where=path.text,
        rawcode=code,
    )


def _bare(session: Session, path: Path, place: tuple[str, int]) -> bool:
    """Whether a field holds no punctuation, so that it is its own first component."""
    return path.repetition < 2 and all(never(session, mark, *place) for mark in range(3))


def _lone(session: Session, found: Located, path: Path) -> bool:
    """Whether a path gives one value at most."""
    own = not found.groups and not found.member and not found.unknown
    if not own and (found.unknown or not alone(session, found.segment)):
        return False
    return never(session, 1, found.segment, path.field)


def _all(session: Session, found: Located, path: Path, datatype: str) -> Value:
    direct = _direct(session, found, path)
    if direct:
        first = f"{first_row(session, found)}[{path.field}]"
        return _gathered(
            session, found, path, datatype, f"({first},) if {first} else ()", lone=True
        )
    rows = all_rows(session, found)
    covers(session, (rows, found.segment, True), path.field, path.component, path.sub)
    if session.flags.trace:
        text = path.text
        looked(session, text.rpartition("/")[2])
        session.block.add(f"rd({text!r})")
    code = f"reps({rows}, {path.field}, R)"
    if path.repetition:
        fields = f"[r[{path.field}] for r in {rows}]"
        code = f"parts({fields}, R, {path.repetition - 1})"
    if path.component:
        code = f"parts({code}, C, {path.component - 1})"
    if path.sub:
        code = f"parts({code}, S, {path.sub - 1})"
    lone = _lone(session, found, path)
    gathering = _gathering(session, found, path, code)
    value = _gathered(session, found, path, datatype, gathering, lone)
    assert value.scope is not None
    value.scope.rows = (rows, found.segment, True)
    return value


def _direct(session: Session, found: Located, path: Path) -> bool:
    """Whether all that a path gives is one field, as it stands."""
    if path.repetition > 1 or path.sub or path.component > 1 or not _lone(session, found, path):
        return False
    return not path.component or never(session, 0, found.segment, path.field)


def _gathered(
    session: Session, found: Located, path: Path, datatype: str, code: str, lone: bool
) -> Value:
    """The values of a path, gathered once by some code."""
    key = ("all", code)
    name = session.block.known(key)
    if name is None:
        name = session.hoisted_name()
        session.block.hoist(key, name, [(0, f"{name} = {code}")])
    touch(session, name)
    inner = _within(found, path, datatype)
    return Value(
        name,
        "T",
        True,
        raw=inner.raw,
        lone=lone,
        datatype=datatype,
        where=path.text,
        scope=inner,
    )


def _within(found: Located, path: Path, datatype: str) -> Scope:
    """What one of the values of a path opens."""
    return Scope(
        "item",
        datatype=datatype,
        raw="comp" if path.component else "rep",
        where=path.text,
        segment=found.segment,
        number=path.field,
        component=path.component,
    )


def _gathering(session: Session, found: Located, path: Path, code: str) -> str:
    """Most fields are empty: look at the first row before calling."""
    first = f"{first_row(session, found)}[{path.field}]"
    none, one = f"not {first}", f"R not in {first}"
    if found.groups or found.member or found.unknown:
        rows = all_rows(session, found)
        key = ("several", found.scope.var, rows)
        several = _hoisted(session, found.scope, key, f"len({rows}) > 1")
        none, one = f"{none} and not {several}", f"{one} and not {several}"
    if code.startswith("parts(reps(") and code.endswith(", C, 0)"):
        code = f"({first},) if C not in {first} and {one} else {code}"
    elif code.startswith("reps("):
        if one == f"R not in {first}":
            return f"items({first}, R) if {first} else ()"
        several = one.removeprefix(f"R not in {first} and not ")
        return f"{code} if {several} else items({first}, R) if {first} else ()"
    return f"() if {none} else {code}"


def relative(session: Session, scope: Scope, path: Path) -> Value:
    """A component or sub-component of the current repetition, component or chunk."""
    where = f"{scope.where}{path.text}" if path.text != "." else scope.where
    if scope.kind == "chunk":
        return _of_chunk(session, scope, path, where)
    if path.component:
        level = path.component
        label = scope.where or "the item"
        kind: str | None = scope.datatype
        if scope.raw == "rep":
            kind = check_part(session, scope.datatype, level, label)
            if kind is not None and path.sub:
                kind = check_part(session, kind, path.sub, f"{label}.{level}")
        elif scope.raw == "comp":
            kind = check_part(session, scope.datatype, level, label)
        if kind is None:
            return BROKEN
        covers(session, scope.rows, scope.number, scope.component or level, 0)
        trace_item(session, scope, path)
        if scope.raw == "comp":
            code = f"part({scope.var}, S, {level - 1})"
            touch_always(session)
            return Value(code, "T", raw="comp", datatype=kind, where=where, rawcode=code)
        whole = scope.number > 0 and never(session, 2, scope.segment, scope.number)
        found = held(session)
        return component(session, scope.var, "rep", path, kind, where, found, whole=whole)
    trace_item(session, scope, path)
    covers(session, scope.rows, scope.number, scope.component, 0)
    touch_always(session)
    return Value(
        scope.var, "T", raw=scope.raw, datatype=scope.datatype, where=where, rawcode=scope.var
    )


def _of_chunk(session: Session, scope: Scope, path: Path, where: str) -> Value:
    if not path.component or path.component > scope.component:
        session.error("bad-path", f"a slice has the parts .1 to .{scope.component}")
        return BROKEN
    trace_item(session, scope, path)
    code = f"{scope.var}[{path.component - 1}]"
    touch(session, code)
    if path.sub:
        inner = Path(path.text, component=path.sub)
        return component(session, code, "field", inner, "", where)
    return Value(code, "T", raw="field", where=where, rawcode=code)


def _instances(session: Session, found: Located, many: bool) -> Value:
    """The groups or segments a path without field names."""
    group = found.group
    if lacks(session, found.segment):
        return gone(session, many, "I", _item_scope(found, group))
    touch_always(session)
    if not found.groups and not found.member and not found.unknown:
        code = found.scope.var
        scope = _item_scope(found, group)
        return Value(
            f"[{code}]" if many else code, "I", many, True, where=found.segment, scope=scope
        )
    code = all_instances(session, found)
    covers_row = session.names.fresh()
    session.block.add(f"{covers_row} = {code}")
    scope = _item_scope(found, group)
    if many:
        return Value(covers_row, "I", True, where=found.segment, scope=scope)
    one = session.names.fresh()
    session.block.add(f"{one} = {covers_row}[0] if {covers_row} else None")
    return Value(one, "I", where=found.segment, scope=scope)


def _item_scope(found: Located, group: Group | None) -> Scope:
    if group is not None and not found.unknown and found.scope.kind != "segment":
        return Scope("group", group=group, segment=group.start, where=found.segment)
    return Scope("segment", segment=found.segment, where=found.segment)


def all_instances(session: Session, found: Located) -> str:
    """Code for the list of instances of a group, or rows of a member."""
    scope = found.scope
    assert scope.group is not None or found.unknown
    if found.unknown:
        return f"{scope.var}[-1].get({found.segment!r}, ())"
    group = scope.group
    assert group is not None
    steps = [*(item.name for item in found.groups), *([found.member] if found.member else [])]
    slots: list[int] = []
    for name in steps:
        slots.append(group.slot(name))
        group = group.child(name) or group
    code = f"{scope.var}[{slots[0]}]"
    if len(slots) == 1:
        return code
    loops = [f"for a0 in {code}"]
    for index, slot in enumerate(slots[1:-1], 1):
        loops.append(f"for a{index} in a{index - 1}[{slot}]")
    last = len(slots) - 2
    return f"[b {' '.join(loops)} for b in a{last}[{slots[-1]}]] if {code} else ()"


def all_rows(session: Session, found: Located) -> str:
    """The name of the list of a segment's rows."""
    scope = found.scope
    if not found.groups and not found.member and not found.unknown:
        return f"({own_row(session, scope)},)"
    code = all_instances(session, found)
    if found.groups and not found.member:
        code = f"[i[0] for i in {code}]" if "[b " not in code else f"[i[0] for i in ({code})]"
    return _hoisted(session, scope, ("list", scope.var, code), code)


def first_row(session: Session, found: Located) -> str:
    """The name of the first row of a segment, or of an empty one when there is none."""
    scope = found.scope
    if not found.groups and not found.member and not found.unknown:
        return own_row(session, scope)
    code = all_instances(session, found)
    rows = _hoisted(session, scope, ("list", scope.var, code), code)
    start = f"{rows}[0][0]" if found.groups and not found.member else f"{rows}[0]"
    dummy = "unfit()" if _sure(session, found) else session.dummy(found.segment)
    key = ("first", scope.var, code, start)
    return _hoisted(session, scope, key, f"{start} if {rows} else {dummy}")


def own_row(session: Session, scope: Scope) -> str:
    """The name of the segment that the current group begins with, or that the item is."""
    if scope.kind == "segment":
        return scope.var
    return _hoisted(session, scope, ("own", scope.var), f"{scope.var}[0]")


def _hoisted(session: Session, scope: Scope, key: object, code: str) -> str:
    block = scope.block
    assert block is not None
    known = session.block.known(key)
    if known is not None:
        return known
    name = session.names.lasting()
    return block.hoist(key, name, [(0, f"{name} = {code}")])


def trace_row(session: Session, segment: str, row: str, path: Path) -> None:
    """Note a position looked at, with the occurrence of its segment."""
    if not session.flags.trace:
        return
    suffix = path.text[path.text.rindex("-") :]
    looked(session, segment + suffix)
    session.block.add(
        lambda: f"rd('{segment}(' + str({row}[{session.mask_at(segment) + 1}]) + '){suffix}')"
    )


def trace_item(session: Session, scope: Scope, path: Path) -> None:
    """Note a position within the current item."""
    if not session.flags.trace:
        return
    scope.counted = True
    suffix = "" if path.text == "." else path.text
    rows = scope.rows
    if rows is None or scope.kind == "chunk":
        session.block.add(f"rd('{scope.where}(' + str({scope.counter or '0'}) + '){suffix}')")
        return
    code, segment, _ = rows
    tail = scope.where.partition(".")[2]
    tail = f".{tail}" if tail else ""
    looked(session, f"{segment}-{scope.number}{tail}{suffix}")
    session.block.add(
        lambda: (
            f"rd(spot('{segment}', {code}, {scope.number}, R, {scope.counter or '0'},"
            f" {session.mask_at(segment) + 1}) + '{tail}{suffix}')"
        )
    )

"""Writes the code that reads a path of HL7 v2 or X12: rows, fields, components (§3, §14)."""

from __future__ import annotations

from mappings.absence import HIGHEST, touch, touch_always, touch_part
from mappings.emit import Line
from mappings.expressions import Path
from mappings.locate import Located, check_field, check_part, locate, repeats
from mappings.scopes import BROKEN, Scope, Value
from mappings.session import Session
from mappings.structures import Group
from mappings.tracing import looked

ALL_COMPONENTS = (1 << 32) - 1


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
    if many:
        return _all(session, found, path, datatype)
    row = first_row(session, found)
    if not (path.repetition or session.lenient) and session.plan.source == "hl7v2":
        _remark(session, path, found.segment)
    return _single(session, path, row, found.segment, datatype)


def _remark(session: Session, path: Path, segment: str) -> None:
    if repeats(segment, path.field):
        session.warning(
            "takes-first",
            f"{segment}-{path.field} repeats and one value is taken: say which with"
            f" {segment}-{path.field}(1), prefer or first",
        )


def _single(session: Session, path: Path, row: str, segment: str, datatype: str) -> Value:
    covers(session, (row, segment, False), path.field, path.component, path.sub)
    code = f"{row}[{path.field}]"
    trace_row(session, segment, row, path)
    if segment == "MSH" and path.field in (1, 2):
        touch(session, code)
        return Value(code, "T", where=path.text, rawcode=code)
    raw = "field"
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
        touch(session, code)
        return Value(code, "T", raw=raw, datatype=datatype, where=path.text, rawcode=code)
    if not path.component:
        touch(session, code)
        return Value(code, "T", raw=raw, datatype=datatype, where=path.text, rawcode=code)
    return component(session, code, raw, path, datatype, path.text)


def component(
    session: Session, code: str, raw: str, path: Path, datatype: str, where: str
) -> Value:
    """A component or sub-component of the raw text at `code`."""
    whole, texts = parts_of(session, code, raw, path.component)
    at = path.component - 1
    touch_part(session, whole, at, raw == "rep" and session.scope.var == code)
    if path.sub > 1 or (path.sub and datatype):
        piece = f"part({whole}[{at}], S, {path.sub - 1})"
        return Value(piece, "T", raw="comp", datatype=datatype, where=where, rawcode=piece)
    return Value(
        f"{texts}[{at}]",
        "T",
        raw="comp" if session.flags.full else "",
        datatype=datatype,
        where=where,
        rawcode=f"{whole}[{at}]",
    )


def parts_of(session: Session, code: str, raw: str, highest: int) -> tuple[str, str]:
    """The names of a text's components, as they stand and cut to their first sub-component.

    There are at least `highest` of them.
    """
    key = ("parts", code)
    found = session.block.known(key)
    if found is None:
        whole = session.hoisted_name()
        texts = whole if session.flags.full else f"{whole}t"
        lines = _splitting(session, code, raw, whole, texts)
        session.block.hoist(key, whole, lines)
        session.block.hoist((key, "texts"), texts, [])
        found = whole
    session.constants.setdefault("E", [""] * HIGHEST)
    least = session.block.least(key)
    least[0] = max(least[0], highest)
    session.constants[f"P{least[0] - 1}"] = ("",) * (least[0] - 1)
    return found, session.block.known((key, "texts")) or found


def _splitting(
    session: Session, code: str, raw: str, whole: str, texts: str
) -> list[tuple[int, Line]]:
    key = ("parts", code)
    least = session.block.open(key)
    both = whole if texts == whole else f"{whole} = {texts}"
    if raw == "field":
        split = "halves" if texts == whole else "split"
        into = whole if texts == whole else f"{whole}, {texts}"

        def call() -> str:
            return f"if {code}: {into} = {split}({code}, C, R, S, P{least[0] - 1})"

        return [(0, f"{both} = E"), (0, call)]
    lines: list[Line] = [lambda: f"{whole} = {code}.split(C); {whole} += P{least[0] - 1}"]
    if texts != whole:
        lines += [f"{texts} = subs({whole}, S) if S in {code} else {whole}"]
    if session.scope.var == code:
        return [(0, line) for line in lines]
    return [(0, f"{both} = E"), (0, f"if {code}:"), *((1, line) for line in lines)]


def _all(session: Session, found: Located, path: Path, datatype: str) -> Value:
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
    raw = "rep"
    if path.component:
        code, raw = f"parts({code}, C, {path.component - 1})", "comp"
    if path.sub:
        code = f"parts({code}, S, {path.sub - 1})"
    key = ("all", code)
    known = session.block.known(key)
    name = known or session.hoisted_name()
    if known is None:
        session.block.hoist(key, name, [(0, _gathering(session, found, name, path.field, code))])
    touch(session, name)
    inner = Scope(
        "item",
        datatype=datatype,
        raw=raw,
        where=path.text,
        segment=found.segment,
        rows=(rows, found.segment, True),
        number=path.field,
        component=path.component,
    )
    return Value(name, "T", True, raw=raw, datatype=datatype, where=path.text, scope=inner)


def _gathering(session: Session, found: Located, name: str, field: int, code: str) -> str:
    """Most fields are empty: look at the first row before calling."""
    first = f"{first_row(session, found)}[{field}]"
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
            return f"{name} = items({first}, R) if {first} else ()"
        several = one.removeprefix(f"R not in {first} and not ")
        return f"{name} = {code} if {several} else items({first}, R) if {first} else ()"
    return f"{name} = () if {none} else {code}"


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
        return component(session, scope.var, "rep", path, kind, where)
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
    dummy = session.dummy(found.segment)
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


def covers(
    session: Session,
    rows: tuple[str, str, bool] | None,
    field: int,
    component: int = 0,
    sub: int = 0,
) -> None:
    """Note that a block reads a field, for `ignored-but-read` and the account of losses."""
    if rows is None or not field:
        return
    session.covered.add((rows[1], field))
    if not session.flags.loss:
        return
    if session.flags.loss == "field":
        mask = 1 << field
    else:
        mask = (1 << (min(component, 31) or 1)) << (field * 32)
    session.block.covers[rows] = session.block.covers.get(rows, 0) | mask


def covers_rest(session: Session, rows: tuple[str, str, bool], start: int, most: int) -> None:
    """Note that a block reads a segment from a field on."""
    for field in range(start, most):
        if session.flags.loss == "component":
            mask = ALL_COMPONENTS << (field * 32)
            session.block.covers[rows] = session.block.covers.get(rows, 0) | mask
        else:
            covers(session, rows, field)


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

"""Writes the code of the functions that take lists, and of those that begin an expression (§5)."""

from __future__ import annotations

from dataclasses import replace

from mappings import fhir_walk, paths
from mappings.absence import gone
from mappings.calls import integers
from mappings.coverage import covers_rest
from mappings.expressions import Call, parse_path
from mappings.functions import ADDRESS, CONTEXT
from mappings.scopes import BROKEN, Resource, Scope, Value
from mappings.session import Session
from mappings.texts import each, first, listed, named, nothing, text
from vagus.canonical import shapes
from vagus.kernel.diagnostics import did_you_mean

CHUNKED = 60


def source(session: Session, call: Call, many: bool) -> Value:
    """The value of a function that begins an alternative."""
    match call.name:
        case "now":
            return Value("z.context.now", "D", where="now", datatype="instant")
        case "context":
            return _context(session, call.args[0].text)
        case "reference":
            return _reference(session, call.args[0].text, many)
        case "concat":
            return _concat(session, call)
        case "taken":
            return _taken(session, call)
        case "absent":
            return _absent(session, call.args[0].text)
        case "index":
            return _index(session)
        case _:
            session.error("bad-expression", f"'{call.name}' needs a value before it: =PATH | …")
            return BROKEN


def folded(session: Session, call: Call, value: Value) -> Value:
    """The value of a function that takes a list."""
    if value.kind == "?":
        return BROKEN
    match call.name:
        case "first":
            return first(session, value)
        case "last":
            many = listed(session, value)
            name = session.names.fresh()
            session.block.add(f"{name} = {many.code}[-1] if {many.code} else {nothing(many)}")
            return replace(many, code=name, many=False, rawcode=name)
        case "join":
            return _join(session, call, value)
        case "sum":
            many = listed(session, value)
            name = session.names.fresh()
            session.block.add(f"{name} = total({many.code})")
            return Value(name, "N", where=value.where)
        case "where" | "prefer":
            return _filtered(session, call, listed(session, value))
        case "besides":
            return _besides(session, call, listed(session, value))
        case "get":
            return _get(session, call, value)
        case "chunk":
            return _chunk(session, call, value)
        case "skip":
            return _skip(session, call, listed(session, value))
        case "referring":
            return _referring(session, call, listed(session, value))
        case _:
            return _resolve(session, call, listed(session, value))


def _path(session: Session, word: str, many: bool = False) -> Value:
    path = parse_path(word)
    if path is None:
        session.error("bad-path", f"'{word}' is not a path")
        return BROKEN
    return paths.read(session, path, many)


def _join(session: Session, call: Call, value: Value) -> Value:
    texts = each(session, listed(session, value), lambda item: text(session, item))
    name = session.names.fresh()
    session.block.add(f"{name} = {call.args[0].text!r}.join({texts.code})")
    return Value(name, "T", where=value.where)


def _item(session: Session, value: Value, item: str, word: str) -> Value:
    """The text of a path relative to one item, written inside the item's block."""
    with session.within(paths.opened(session, value, item)):
        return text(session, _path(session, word))


def _filtered(session: Session, call: Call, value: Value) -> Value:
    if value.kind in "ND" or (value.scope is None and value.kind != "T"):
        session.error("type-mismatch", f"'{call.name}' takes items with parts")
        return BROKEN
    path, *wanted = (word.text for word in call.args)
    item = session.names.fresh()
    if call.name == "where":
        result = session.names.fresh()
        session.block.add(f"{result} = []")
        with session.nested(f"for {item} in {value.code}:"):
            found = _item(session, value, item, path)
            values = session.constant(frozenset(wanted))
            code = f"({found.code} or '')" if "" in wanted else found.code
            session.block.add(f"if {code} in {values}: {result}.append({item})")
        return replace(value, code=result)
    result, best = session.names.fresh(), session.names.fresh()
    ranks = session.constant({word: rank for rank, word in reversed([*enumerate(wanted)])})
    session.block.add(f"{result} = {value.code}[0] if {value.code} else {nothing(value)}")
    session.block.add(f"{best} = 99999")
    with session.nested(f"for {item} in {value.code} if len({value.code}) > 1 else ():"):
        found = _item(session, value, item, path)
        session.block.add(f"if {ranks}.get({found.code}, 99999) < {best}:")
        session.block.add(f"    {best} = {ranks}[{found.code}]; {result} = {item}")
    return replace(value, code=result, many=False, rawcode=result, own=True)


def _besides(session: Session, call: Call, value: Value) -> Value:
    """The identifiers that another field does not hold."""
    other = _path(session, call.args[0].text, many=True)
    if other.kind == "?":
        return BROKEN
    if {value.datatype, other.datatype} != {"CX"} or value.raw != "rep":
        session.error("type-mismatch", "'besides' compares two fields of type CX")
        return BROKEN
    result = session.names.fresh()
    session.block.add(f"{result} = besides({value.code}, {other.code}, z)")
    return replace(value, code=result)


def _get(session: Session, call: Call, value: Value) -> Value:
    if not value.many and session.plan.source != "fhir":
        return _get_one(session, call, value)
    value = listed(session, value)
    result, item = session.names.fresh(), session.names.fresh()
    session.block.add(f"{result} = []")
    with session.nested(f"for {item} in {value.code}:"):
        with session.within(paths.opened(session, value, item)):
            found = _path(session, call.args[0].text, many=True)
        if found.many:
            session.block.add(f"{result} += {found.code}")
        else:
            code = found.rawcode or found.code
            session.block.add(f"if {code}: {result}.append({code})")
    if found.kind == "?":
        return BROKEN
    scope = found.scope
    if scope is None and found.kind == "T" and session.plan.source != "fhir":
        scope = Scope("item", datatype=found.datatype, raw=found.raw or "comp", where=found.where)
        found.raw = found.raw or "comp"
    return replace(found, code=result, many=True, always=False, scope=scope)


def _get_one(session: Session, call: Call, value: Value) -> Value:
    """A path relative to one item."""
    item = value if value.own and value.code.isidentifier() else named(session, value)
    if item.scope is None and item.raw:
        item.scope = Scope("item", datatype=item.datatype, raw=item.raw, where=item.where)
    result = session.names.fresh()
    session.block.add(f"{result} = ''")
    with session.nested(f"if {item.code}:"), session.within(paths.opened(session, item, item.code)):
        found = _path(session, call.args[0].text)
        if found.kind == "T":
            session.block.add(f"{result} = {found.rawcode or found.code}")
        else:
            session.block.add(f"{result} = {found.code}")
    if found.kind == "?":
        return BROKEN
    raw = found.raw or ("comp" if found.rawcode else "")
    return replace(found, code=result, rawcode=result, raw=raw, always=False, own=True)


def _chunk(session: Session, call: Call, value: Value) -> Value:
    numbers = integers(session, call.args)
    scope = value.scope
    if numbers is None:
        return BROKEN
    if value.kind != "I" or scope is None or scope.kind != "segment":
        session.error("type-mismatch", "'chunk' takes a segment that starts no group")
        return BROKEN
    start, size = numbers
    segment = scope.segment
    session.width(segment, CHUNKED)
    rows = listed(session, value).code
    covers_rest(session, (rows, segment, True), start, CHUNKED + 1)
    result = session.names.fresh()
    pieces = f"[*c, r] for r in {rows} for c in chunks(r, {start}, {size}, {CHUNKED + 1})"
    session.block.add(f"{result} = [{pieces}]")
    inner = Scope("chunk", segment=segment, component=size, where=f"{segment}-{start}")
    return Value(result, "I", True, where=segment, scope=inner)


def _resolve(session: Session, call: Call, value: Value) -> Value:
    kind = call.args[0].text
    if session.plan.source != "fhir" or value.kind != "R":
        session.error("type-mismatch", "'resolve' follows references of a FHIR source")
        return BROKEN
    if kind not in shapes.names("resource"):
        hint = did_you_mean(kind, shapes.names("resource"))
        session.error("wrong-arguments", f"'{kind}' is not a FHIR resource{hint}")
        return BROKEN
    name = session.names.fresh()
    session.block.add(f"{name} = z.index.resolve({value.code}, {kind!r})")
    inner = Scope("fhir", datatype=kind, where=kind)
    return Value(name, "I", True, datatype=kind, where=kind, scope=inner)


def _skip(session: Session, call: Call, value: Value) -> Value:
    numbers = integers(session, call.args)
    if numbers is None:
        return BROKEN
    name = session.names.fresh()
    session.block.add(f"{name} = {value.code}[{numbers[0]}:]")
    return replace(value, code=name, always=False, own=False)


def _referring(session: Session, call: Call, value: Value) -> Value:
    """The resources, or elements of them, whose reference at a path leads to the items."""
    path = parse_path(call.args[0].text)
    if session.plan.source != "fhir" or path is None or not path.names or path.relative:
        session.error("wrong-arguments", "'referring' takes a path such as Encounter.subject")
        return BROKEN
    holder = replace(path, names=path.names[:-1])
    kind = fhir_walk.type_at(session, holder) if fhir_walk.type_at(session, path) else None
    if kind is None:
        return BROKEN
    name = session.names.fresh()
    code = f"z.index.referring({value.code}, {path.segment!r}, {path.names!r})"
    session.block.add(f"{name} = {code}")
    where = ".".join((path.segment, *holder.names))
    inner = Scope("fhir", datatype=kind, where=where)
    return Value(name, "I", True, datatype=kind, where=where, scope=inner)


def _taken(session: Session, call: Call) -> Value:
    """The items that are taken out of a list of the resource that is looped over."""
    path = parse_path(call.args[0].text)
    if session.plan.source != "fhir" or path is None or not path.names or path.relative:
        session.error("wrong-arguments", "'taken' takes a path such as Appointment.participant")
        return BROKEN
    kind = fhir_walk.type_at(session, path)
    if kind is None:
        return BROKEN
    owners = f"z.index.of({path.segment!r})"
    for scope in session.scope.chain():
        if scope.kind == "fhir" and scope.datatype == path.segment:
            owners = f"({scope.var},)"
            break
    name = session.names.fresh()
    session.block.add(f"{name} = z.index.taken({owners}, {path.text!r})")
    inner = Scope("fhir", datatype=kind, where=path.text)
    return Value(name, "I", True, datatype=kind, where=path.text, scope=inner)


def _context(session: Session, name: str) -> Value:
    if name not in CONTEXT:
        hint = did_you_mean(name, CONTEXT)
        session.error("wrong-arguments", f"'{name}' is not a fact of delivery{hint}")
        return BROKEN
    where = f"context {name}"
    if name in ("mapping", "version"):
        return Value(f"z.{name}", "T", always=True, where=where)
    if name in ADDRESS:
        return Value(f"z.context.address.{name}", "T", where=where)
    kind = "D" if name == "received_at" else "T"
    datatype = "instant" if kind == "D" else ""
    return Value(f"z.context.{name}", kind, where=where, datatype=datatype)


def _concat(session: Session, call: Call) -> Value:
    separator, *words = (word.text for word in call.args)
    pieces = [text(session, _path(session, word)) for word in words]
    if any(piece.kind == "?" for piece in pieces):
        return BROKEN
    if any(piece.kind not in "TD" for piece in pieces):
        session.error("type-mismatch", "'concat' takes paths that give text")
        return BROKEN
    pieces = [piece for piece in pieces if not piece.gone]
    if not pieces:
        return gone(session, many=False)
    name = session.names.fresh()
    codes = ", ".join(piece.code for piece in pieces)
    session.block.add(f"{name} = {separator!r}.join(filter(None, ({codes},)))")
    return Value(name, "T", where=" ".join(words), own=True)


def plus(session: Session, call: Call, value: Value) -> Value:
    """A time some minutes later, or as many of the unit that a second path names."""
    pieces = [text(session, _path(session, word.text)) for word in call.args]
    if any(piece.kind == "?" for piece in pieces):
        return BROKEN
    if value.kind != "D":
        session.error("type-mismatch", "'plus' takes a date and is given something else")
        return BROKEN
    codes = ", ".join(piece.code for piece in pieces)
    found = named(session, value)
    site = session.site(value.where)
    session.block.add(f"if {found.code}: {found.code} = plus({found.code}, z, {site}, {codes})")
    return replace(found, datatype="", always=False)


def until(session: Session, call: Call, value: Value) -> Value:
    """The whole minutes from a time to the one at a path."""
    end = _path(session, call.args[0].text)
    if "?" in (value.kind, end.kind):
        return BROKEN
    if value.kind != "D" or end.kind != "D":
        session.error("type-mismatch", "'until' takes two dates")
        return BROKEN
    name = session.names.fresh()
    session.block.add(f"{name} = minutes({value.code}, {end.code})")
    return Value(name, "N", where=value.where)


def unlike(session: Session, call: Call, value: Value) -> Value:
    """A text, unless a path gives the same."""
    other = text(session, _path(session, call.args[0].text))
    if other.kind == "?":
        return BROKEN
    found = named(session, text(session, value))
    session.block.add(f"if {found.code} == {other.code}: {found.code} = ''")
    return replace(found, always=False, constant=None, scope=None)


def _absent(session: Session, word: str) -> Value:
    lenient, session.lenient = session.lenient, True
    found = text(session, _path(session, word))
    session.lenient = lenient
    if found.kind == "?":
        return BROKEN
    return Value(f"('' if {found.test} else 'true')", "T", where=f"absent {word}")


def _index(session: Session) -> Value:
    for scope in session.scope.chain():
        if scope.counter:
            scope.counted = True
            return Value(scope.counter, "N", always=True, where="index")
    session.error("bad-expression", "'index' needs an $each around it")
    return BROKEN


def _reference(session: Session, name: str, many: bool) -> Value:
    resource, names = _resource(session, name)
    if resource is None and name in session.plan.removed:
        return Value("[]" if many else "''", "R", many, where=f"reference {name}")
    if resource is None:
        hint = did_you_mean(name, names)
        session.error("unknown-resource", f"'{name}' is not a resource of this mapping{hint}")
        return BROKEN
    if resource.gone:
        return gone(session, many, "R")
    where = f"reference {name}"
    if not resource.many:
        kept = not resource.guarded
        return Value(resource.var, "R", always=kept, datatype=resource.type, where=where)
    for scope in session.scope.chain():
        if scope.each and scope.each == resource.each and scope.parent is resource.scope:
            scope.counted = True
            code = f"{resource.var}[{scope.counter} - 1]"
            return Value(code, "R", datatype=resource.type, where=where)
    if many:
        code = f"[*filter(None, {resource.var})]"
        name = session.names.fresh()
        session.block.add(f"{name} = {code}")
        return Value(name, "R", True, datatype=resource.type, where=where)
    session.error(
        "many-targets",
        f"'{name}' may be many: loop over them with $each: =reference {name}, or add | first",
    )
    return BROKEN


def _resource(session: Session, name: str) -> tuple[Resource | None, list[str]]:
    names: list[str] = []
    for scope in session.scope.chain():
        if name in scope.resources:
            return scope.resources[name], names
        names.extend(scope.resources)
    return None, names

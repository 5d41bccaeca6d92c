"""Writes the code that builds output objects, element by element, as the R4 table allows (§4.2).

An object is kept when at least one `=` in it gave a value. Where only one thing in an object is
read, the whole object is one literal around it; otherwise it grows key by key.
"""

from __future__ import annotations

from collections.abc import Callable

from mappings import literals, loops, recall, repeated
from mappings.absence import skipped, touch_always
from mappings.evaluate import evaluate, expression
from mappings.expressions import single
from mappings.goals import ITEMS, Goal
from mappings.nodes import Items, Node, Object, Text, reads
from mappings.scopes import Value
from mappings.session import Session
from mappings.tracing import cleared, extended, further, indexed, noted, traced
from vagus.canonical.shapes import Element, Shape

Sink = Callable[[str], None]


def put(session: Session, element: Element, node: Node, store: Sink) -> bool:
    """Write what fills one element; gives whether `store` is surely reached.

    `store` writes what becomes of the value's code, where there is a value.
    """
    session.block.statement()
    with (
        session.into(element.name),
        further(session, f".{element.name}"),
        skipped(session),
        session.names.passing(),
    ):
        if element.many:
            return _many(session, element, node, store)
        return _one(session, element, node, store)


def _one(session: Session, element: Element, node: Node, store: Sink) -> bool:
    if not reads(node):
        code = literals.item(session, element, node)
        if code is not None:
            store(recall.fixed(session, code))
            traced(session, node)
        return True
    match node:
        case Text():
            return _expression(session, element, node, store)
        case Object():
            return _object(session, element, node, store)
        case _:
            literals.item(session, element, node)
            return False


def _expression(
    session: Session, element: Element, node: Text, store: Sink, many: bool = False
) -> bool:
    cleared(session)
    found = evaluate(session, node, Goal(element.type, element), many)
    if found.kind == "?" or found.gone:
        return False
    if found.always and not found.many:
        store(found.code)
        traced(session, node)
        noted(session, "True")
        return True
    if not found.simple:
        name = session.names.fresh()
        session.block.add(f"{name} = {found.code}")
        found.code = name
    with session.block.inside(f"if {found.test}:"):
        store(found.code)
        traced(session, node)
    noted(session, found.test)
    return False


def _many(session: Session, element: Element, node: Node, store: Sink) -> bool:
    match node:
        case Text() if node.reads:
            return _expression(session, element, node, store, many=True)
        case Items():
            return _list(session, element, node, store)
        case Object() if "$each" in node.entries:
            name = session.names.fresh()
            session.block.begin(name, "[]")
            with extended(session, node):
                _looped(session, element, node, name)
                noted(session, "False")
            with session.block.inside(f"if {name}:"):
                store(name)
            return False
        case _:
            with further(session, "[0]"), extended(session, node):

                def listed(code: str) -> None:
                    store(recall.around(session, "[", code, "]", coded=False))

                return _one(session, element, node, listed)


def _list(session: Session, element: Element, node: Items, store: Sink) -> bool:
    if not reads(node):
        code = literals.whole(session, element, node)
        store(recall.fixed(session, code or "[]"))
        traced(session, node)
        return True
    name = session.names.fresh()
    session.block.begin(name, "[]")
    sure = False
    if not all(reads(child) for child in node.items):
        touch_always(session)
    for child in node.items:
        session.block.statement()
        with extended(session, child):
            if isinstance(child, Object) and "$each" in child.entries:
                _looped(session, element, child, name)
                noted(session, "False")
            elif isinstance(child, Text) and child.reads:
                sure |= _added(session, element, child, name)
            else:
                with indexed(session, name):
                    sure |= _one(session, element, child, _adder(session, name))
    if sure:
        store(name)
        return True
    with session.block.inside(f"if {name}:"):
        store(name)
    return False


def _added(session: Session, element: Element, node: Text, name: str) -> bool:
    """An expression that adds its value, or all of its values, to a list."""
    cleared(session)
    with indexed(session, name):
        many = not single(expression(session, node))
        found = evaluate(session, node, Goal(element.type, element), many, wrap=False)
        if found.kind == "?" or found.gone:
            return False
        if found.always and not found.many:
            session.block.add(f"{name}.append({found.code})")
            traced(session, node)
            return True
        if not found.simple:
            code = session.names.fresh()
            session.block.add(f"{code} = {found.code}")
            found.code = code
        add = f"{name} += {found.code}" if found.many else f"{name}.append({found.code})"
        with session.block.inside(f"if {found.test}:"):
            session.block.add(add)
            traced(session, node)
        noted(session, found.test)
    return False


def _looped(session: Session, element: Element, node: Object, name: str) -> None:
    """A loop that appends to a list."""
    wanted = loops.asked(session, node)
    found = loops.items(session, wanted) if wanted else None
    if wanted is None or found is None:
        return
    label = str(expression(session, wanted))
    if found.many:
        found = loops.as_list(session, found)
        around = loops.loop(session, node, found, label)
    else:
        around = loops.lone(session, node, found, label)
    with session.at(wanted.place), around, indexed(session, name):
        _guarded(session, element, node, _adder(session, name))


def _object(session: Session, element: Element, node: Object, store: Sink) -> bool:
    if "$each" not in node.entries:
        loops.takes(session, node)
        return _guarded(session, element, node, store)
    wanted = loops.asked(session, node)
    if wanted is None:
        return False
    name = f"'{element.name}' takes one {element.type}"
    with loops.once(session, node, wanted, name) as open_:
        if open_:
            _guarded(session, element, node, store)
    noted(session, "False")
    return False


def _guarded(session: Session, element: Element, node: Object, store: Sink) -> bool:
    call = repeated.called(
        session, node, element.type, lambda sink: _in_place(session, element, node, sink)
    )
    if call is None:
        return _in_place(session, element, node, store)
    name = session.names.fresh()
    session.block.add(f"{name} = {call}")
    with session.block.inside(f"if {name}:"):
        store(name)
    return False


def _in_place(session: Session, element: Element, node: Object, store: Sink) -> bool:
    shape = literals.shape_of(session, element, node)
    if shape is None:
        return False
    since = session.block.position()
    tests = loops.when(session, node)
    store = loops.taking(session, element, node, store)
    if not tests:
        return body(session, shape, node, store)
    with session.nested(f"if {' and '.join(tests)}:"):
        body(session, shape, node, store)
    if loops.NEVER in tests:
        session.block.forget(since)
    return False


def body(session: Session, shape: Shape, node: Object, store: Sink) -> bool:
    """Write one object; gives whether it is surely kept."""
    literals.present(session, shape, node)
    if "$copy" in node.entries:
        return _copied(session, shape, node, store)
    read = [key for key, child in node.elements() if reads(child)]
    if not read:
        literal = literals.item(
            session, Element(shape.name, shape.name, many=False, required=False), node
        )
        if literal is not None:
            store(recall.fixed(session, literal))
            traced(session, node)
        return False
    if len(read) == 1:
        return _around(session, shape, node, read[0], store)
    return _grown(session, shape, node, store)


def _around(session: Session, shape: Shape, node: Object, key: str, store: Sink) -> bool:
    """An object with one thing read: a literal around it."""
    before: list[str] = []
    after: list[str] = []
    constants: list[tuple[str, Node]] = []
    target = before
    for name, child in node.elements():
        if name == key:
            target = after
            continue
        code = _constant(session, shape, node, name)
        if code is not None:
            target.append(f"{name!r}: {code}")
            constants.append((name, child))
    element = literals.element_of(session, shape, key, node.keys[key])
    if element is None:
        return False

    coded = element.type == "code" and isinstance(node.entries[key], Text)

    def wrapped(code: str) -> None:
        start = "{" + "".join(f"{part}, " for part in before) + f"{key!r}: "
        end = "".join(f", {part}" for part in after) + "}"
        store(recall.around(session, start, code, end, coded))
        _fixed(session, constants, outer)

    outer = session.prefix
    return put(session, element, node.entries[key], wrapped)


def _fixed(session: Session, constants: list[tuple[str, Node]], prefix: str) -> None:
    """Trace the constants of an object that is kept."""
    if not session.flags.trace or not constants:
        return
    inner, session.prefix = session.prefix, prefix
    session.block.add("q = z.read[:]; z.read.clear()")
    for name, node in constants:
        with further(session, f".{name}"):
            traced(session, node)
    session.block.add("z.read[:] = q")
    session.prefix = inner


def _constant(session: Session, shape: Shape, node: Object, key: str) -> str | None:
    if key == "resourceType" and shape.kind == "resource":
        return repr(shape.name)
    element = literals.element_of(session, shape, key, node.keys[key])
    if element is None:
        return None
    with session.into(key):
        code = literals.whole(session, element, node.entries[key])
        return None if code is None else recall.fixed(session, code)


def _grown(session: Session, shape: Shape, node: Object, store: Sink) -> bool:
    """An object that grows key by key."""
    name = session.names.fresh()
    mark = session.names.fresh()
    if session.flags.trace:
        session.block.add(f"{mark} = len(z.trace)")
    fixed, sure = filled(session, shape, node, name, "{}")
    if sure:
        literals.finished(session, shape, node, name, sure)
        store(name)
        return True
    test = f"len({name}) > {fixed}" if fixed else name
    with session.block.inside(f"if {test}:"):
        literals.finished(session, shape, node, name, sure)
        store(name)
    if session.flags.trace:
        session.block.add(f"else: del z.trace[{mark}:]")
    return False


def filled(
    session: Session, shape: Shape, node: Object, name: str, start: str
) -> tuple[int, set[str]]:
    """Write the keys of an object in file order; gives how many are constant, and which
    of the others surely get a value.

    `start` is the code of the object before anything is put into it.
    """
    leading: list[str] = []
    constants: list[tuple[str, Node]] = []
    begun = start != "{}"
    fixed = 0
    sure: set[str] = set()
    if begun:
        session.block.begin(name, start)
    for key, child in node.elements():
        if key == "resourceType" and shape.kind == "resource":
            continue
        if not reads(child):
            code = _constant(session, shape, node, key)
            if code is None:
                continue
            fixed += 1
            constants.append((key, child))
            if begun:
                session.block.add(f"{name}[{key!r}] = {code}")
            else:
                leading.append(f"{key!r}: {code}")
            continue
        if not begun:
            session.block.begin(name, f"{{{', '.join(leading)}}}")
            begun = True
        element = literals.element_of(session, shape, key, node.keys[key])
        if element is not None and put(session, element, child, _setter(session, name, key)):
            sure.add(key)
    if session.flags.trace:
        _fixed(session, constants, session.prefix)
    return fixed, sure


def _setter(session: Session, name: str, key: str) -> Sink:
    return lambda code: session.block.add(f"{name}[{key!r}] = {code}")


def _adder(session: Session, name: str) -> Sink:
    return lambda code: session.block.add(f"{name}.append({code})")


def copy_source(session: Session, node: Object) -> Value | None:
    """The source element that a `$copy` starts from."""
    wanted = node.entries["$copy"]
    if not isinstance(wanted, Text) or not wanted.reads or session.plan.source != "fhir":
        session.error("bad-expression", "$copy takes a path of a FHIR source", wanted.place)
        return None
    found = evaluate(session, wanted, ITEMS)
    if found.kind not in "I?":
        session.error("type-mismatch", "$copy takes an object", wanted.place)
    session.static_paths.add(found.where)
    return found if found.kind == "I" else None


def _copied(session: Session, shape: Shape, node: Object, store: Sink) -> bool:
    found = copy_source(session, node)
    if found is None:
        return False
    if found.many:
        code = session.names.fresh()
        session.block.add(f"{code} = {found.code}[0] if {found.code} else None")
        found.code = code
    name = session.names.fresh()
    with session.nested(f"if {found.code}:"):
        copy(session, shape, node, name, f"dict({found.code})")
        with session.block.inside(f"if {name}:"):
            store(name)
            traced(session, node)
    return False


def copy(session: Session, shape: Shape, node: Object, name: str, start: str) -> None:
    """Write an object that starts as a shallow copy; null keys are removed from it."""
    removed = [
        key for key, child in node.elements() if isinstance(child, Text) and child.value is None
    ]
    filled(session, shape, node.without(*removed), name, start)
    for key in removed:
        literals.element_of(session, shape, key, node.keys[key])
        session.block.add(f"{name}.pop({key!r}, None)")

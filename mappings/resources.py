"""Writes the resources of a block: which exist and under what id, then their bodies (§4.1)."""

from __future__ import annotations

from mappings import literals, loops, objects, recall, repeated, shared
from mappings.evaluate import expression
from mappings.nodes import Items, Node, Object, Text
from mappings.scopes import Resource
from mappings.session import Session
from mappings.tracing import cleared, further, traced
from vagus.canonical import shapes
from vagus.kernel.diagnostics import did_you_mean

#: Segments that every message of a patient or booking has; '' stands for the current item.
_ALWAYS = frozenset(("", "MSH", "EVN", "PID", "SCH"))


def block(session: Session, node: Object) -> None:
    """Write all resources and scopes of a `resources:` block."""
    resources: list[Resource] = []
    scopes: list[tuple[str, Object]] = []
    order: list[Resource | tuple[str, Object]] = []
    for name, child in node.entries.items():
        if not isinstance(child, Object):
            session.error("bad-value", f"'{name}' is a resource: write a map", child.place)
        elif "resources" in child.entries:
            order.append((name, child))
            scopes.append((name, child))
        elif (found := _resource(session, name, child)) is not None:
            order.append(found)
            resources.append(found)
    session.scope.resources = {item.name: item for item in resources}
    read: dict[str, set[str]] = {}
    for resource in resources:
        session.reads = read.setdefault(resource.name, set())
        with session.names.passing():
            _guard(session, resource)
        resource.ready = True
    for item in order:
        if isinstance(item, Resource):
            session.reads = read[item.name]
            _body(session, item)
            _unguarded(session, item, read[item.name])
        else:
            _scope(session, *item)


def _unguarded(session: Session, resource: Resource, read: set[str]) -> None:
    """Warn of a resource that is made of nothing when a message lacks its segments."""
    plan = session.plan
    if resource.many or resource.guarded or plan.source != "hl7v2" or not read:
        return
    if not read & _ALWAYS:
        session.warning(
            "unguarded-resource",
            f"'{resource.name}' reads only segments that may be missing: guard it with $when",
            resource.place,
        )


def _resource(session: Session, name: str, node: Object) -> Resource | None:
    asked = node.entries.get("resourceType")
    kind = asked.value if isinstance(asked, Text) else None
    if node.broken:
        return None
    if not kind:
        session.error(
            "missing-element", f"'{name}' needs a resourceType, or $use of a template", node.place
        )
        return None
    if kind not in shapes.names("resource"):
        hint = did_you_mean(kind, shapes.names("resource"))
        place = asked.place if asked else node.place
        session.error("bad-value", f"'{kind}' is not a resource of R4{hint}", place)
        return None
    if "$delete" in node.entries:
        text = "$delete takes an item out of a list; a resource has no list around it"
        session.error("bad-value", text, node.keys["$delete"])
    if "id" in node.entries:
        session.error("bad-value", "an id is made by $key, not written", node.keys["id"])
    each = node.entries.get("$each")
    label = ""
    if isinstance(each, Text) and each.reads:
        label = str(expression(session, each) or "")
    guarded = "$when" in node.entries
    many = "$each" in node.entries
    return Resource(name, kind, node, node.place, label, many, guarded, scope=session.scope)


def _guard(session: Session, resource: Resource) -> None:
    """Which instances of a resource exist, and their ids."""
    session.block.statement()
    node: Object = resource.node
    session.element = [resource.type]
    resource.var = session.names.lasting()
    if not resource.many:
        session.references[resource.var] = session.scope
        if resource.guarded:
            session.block.add(f"{resource.var} = ''")
        _identified(session, resource, resource.var)
        return
    wanted = loops.asked(session, node)
    found = loops.items(session, wanted) if wanted else None
    if wanted is None or found is None:
        return
    found = loops.as_list(session, found, lasting=True)
    resource.found = found
    resource.gone = found.gone
    session.block.add(f"{resource.var} = []")
    with session.at(wanted.place), loops.loop(session, node, found, resource.each) as item:
        own = f"{item}i"
        session.block.add(f"{own} = ''")
        _identified(session, resource, own)
        recall.once(session, session.block, item, own)
        session.block.add(f"{resource.var}.append({own})")
    loops.forget(session)


def _identified(session: Session, resource: Resource, name: str) -> None:
    since = session.block.position()
    tests = loops.when(session, resource.node)
    if not tests:
        resource.guarded = False
        _key(session, resource, name)
        return
    with session.nested(f"if {' and '.join(tests)}:"):
        _key(session, resource, name)
    if loops.NEVER in tests:
        resource.gone = not resource.many
        session.block.forget(since)


def _key(session: Session, resource: Resource, name: str) -> None:
    """The id of one instance: made of its key, else of the message's."""
    node: Object = resource.node
    wanted = node.entries.get("$key")
    indexes = _indexes(session)
    own = f"own_id(z, {resource.type!r}, {resource.name!r}, ({indexes}), %s)"
    if wanted is None:
        session.block.add(f"{name} = {own % -1}")
        return
    parts = []
    lenient, session.lenient = session.lenient, True
    for item in wanted.items if isinstance(wanted, Items) else (wanted,):
        part = _part(session, item)
        if part:
            parts.append(part)
    session.lenient = lenient
    with session.at(wanted.place):
        weak = own % session.site("$key")
    loops.forget(session)
    if not parts:
        return
    made = f"rid({resource.type!r}, ({', '.join(parts)},))"
    session.block.add(f"{name} = {made} if {' and '.join(parts)} else {weak}")


def _part(session: Session, node: Node) -> str:
    if not isinstance(node, Text):
        session.error("bad-expression", "$key takes expressions", node.place)
        return ""
    if not node.reads:
        return repr(node.value or "")
    return shared.evaluated(session, node)


def _indexes(session: Session) -> str:
    counters = [scope for scope in reversed(session.scope.chain()) if scope.counter]
    for scope in counters:
        scope.counted = True
    return "".join(f"{scope.counter}, " for scope in counters)


def _body(session: Session, resource: Resource) -> None:
    session.block.statement()
    session.element = [resource.type]
    if not resource.many:
        since = session.block.position()
        header = f"if {resource.var}:" if resource.guarded else "if True:"
        with session.nested(header):
            _filled(session, resource, resource.var)
        if resource.gone:
            session.block.forget(since)
        return
    found = resource.found
    if found is None:
        return
    with loops.loop(session, resource.node, found, resource.each, resource.var) as item:
        session.block.add(f"if not {item}i: continue")
        session.block.statement()
        _filled(session, resource, f"{item}i")


def _filled(session: Session, resource: Resource, own: str) -> None:
    """The body of one instance, appended to the output."""
    cleared(session)
    if session.flags.trace:
        path = session.names.fresh()
        session.block.add(f"{path} = {resource.type + '['!r} + str(len(out)) + ']'")
        session.prefix = path
        with further(session, ".id"):
            entries = resource.node.entries
            traced(session, entries.get("$key") or entries["resourceType"])

    def write(sink: objects.Sink) -> None:
        _instance(session, resource, own if session.repeated is None else "i", sink)

    def append(code: str) -> None:
        session.block.add(f"out.append({code})")

    call = None
    if resource.many and "$copy" not in resource.node.entries:
        kind = f"resource {resource.type}"
        call = repeated.called(session, resource.node, kind, write, own=own)
    if call is None:
        write(append)
    else:
        append(call)
    session.owner = session.prefix = ""


def _instance(session: Session, resource: Resource, own: str, sink: objects.Sink) -> None:
    node: Object = resource.node
    shape = shapes.type(resource.type)
    name = session.names.fresh()
    session.owner = f"{resource.type + '/'!r} + {own}"
    start = f"{{'resourceType': {resource.type!r}, 'id': {own}}}"
    body = node.without("$each", "$when", "$key")
    if "$copy" in node.entries:
        found = objects.copy_source(session, node)
        if found is None:
            return
        source = session.names.fresh()
        session.block.add(f"{source} = {found.code}")
        start = f"copied(z, {source}, {own}, {resource.type!r})"
        objects.copy(session, shape, body.without("$copy", "resourceType"), name, start)
    else:
        literals.present(session, shape, body)
        if not resource.many:
            loops.takes(session, body)
        _, sure = objects.filled(session, shape, body, name, start)
        literals.finished(session, shape, body, name, sure)
    sink(name)


def _scope(session: Session, name: str, node: Object) -> None:
    """A scope: both phases for every item of its `$each`."""
    for key in node.entries:
        if key not in ("$each", "resources"):
            session.error(
                "unknown-element", f"a scope has $each and resources, not '{key}'", node.keys[key]
            )
    inner = node.entries["resources"]
    if not isinstance(inner, Object) or "$each" not in node.entries:
        session.error("bad-value", f"'{name}' needs $each and a map of resources", node.place)
        return
    session.block.statement()
    wanted = loops.asked(session, node)
    found = loops.items(session, wanted) if wanted else None
    if wanted is None or found is None:
        return
    found = loops.as_list(session, found)
    label = str(expression(session, wanted))
    with session.at(wanted.place), loops.loop(session, node, found, label):
        block(session, inner)

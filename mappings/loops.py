"""Writes `$each`, `$when` and `$delete`: the loops and conditions around objects (§3.2, §4.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from mappings import paths
from mappings.emit import Block
from mappings.evaluate import evaluate, expression
from mappings.expressions import Expression, Path
from mappings.goals import EXISTS, ITEMS
from mappings.nodes import Items, Object, Text
from mappings.runtime import MAX_ITEMS
from mappings.scopes import Scope, Value
from mappings.session import Session
from vagus.canonical.shapes import Element

MAX_EACH = 6
#: The code of a condition that no message meets.
NEVER = "''"


def asked(session: Session, node: Object) -> Text | None:
    """The expression of an `$each`; None after reporting that it is none."""
    found = node.entries["$each"]
    if isinstance(found, Text) and found.reads:
        return found
    session.error("bad-expression", "$each takes an expression", found.place)
    return None


def items(session: Session, wanted: Text) -> Value | None:
    """Write what an `$each` goes over: a list, or one item when it cannot be many."""
    lenient, session.lenient = session.lenient, True
    found = evaluate(session, wanted, ITEMS, many=True)
    session.lenient = lenient
    if found.kind == "?":
        return None
    if session.flags.full and found.many and found.kind == "T" and found.raw:
        with session.at(wanted.place):
            site = session.site(found.where)
        name = session.names.fresh()
        session.block.add(f"{name} = without_nulls({found.code}, z, {site})")
        found = replace(found, code=name)
    return found


def as_list(session: Session, found: Value, lasting: bool = False) -> Value:
    """The items as the name of a list; `lasting` when it is gone through again later."""
    if found.many and found.code.isidentifier() and not lasting:
        return found
    if found.gone:
        return replace(found, code="()", many=True)
    name = session.names.lasting() if lasting else session.names.fresh()
    code = found.code if found.many else f"[{found.code}] if {found.test} else []"
    session.block.add(f"{name} = {code}")
    return replace(found, code=name, many=True)


@contextmanager
def loop(
    session: Session, node: Object, found: Value, label: str, extra: str = ""
) -> Iterator[str]:
    """A block for each item of a list; gives the item's name, with the scope inside.

    `extra` names a list of the same length to go through beside it; its items are called
    `{item}i`.
    """
    # Loops of one round at most need no count of their own, if they are not inside another.
    lone = found.lone and not session.eachs
    item, counter = session.names.fresh(), session.names.fresh()
    site = session.site(found.where)
    scopes: list[Scope] = []

    def header() -> str:
        source, names = found.code, item
        if extra:
            source, names = f"zip({found.code}, {extra})", f"({item}, {item}i)"
        if lone:
            return f"for {names} in {source}:"
        if scopes and scopes[0].counted:
            return f"for {counter}, {names} in enumerate({source}, 1):"
        return f"for {names} in {source}:"

    blocks: list[Block] = []
    session.eachs += 1
    if session.eachs > MAX_EACH:
        session.error("limit-exceeded", f"$each nests at most {MAX_EACH} deep")
    session.block.statement()
    since = session.block.position()
    session.block.regions += 1
    over = f"over(z, {site}, n, len({found.code}))" if session.seen is None else "unfit()"
    # One round of a loop that is run once is in the bound that the count begins with.
    outermost = session.seen is not None and session.eachs == 1
    several = f"len({found.code}) > 1 and " if outermost else ""
    if not lone:
        session.block.add(
            lambda: (
                f"if {several}(n := n + len({found.code}) * {max(1, blocks[0].weight)})"
                f" > {MAX_ITEMS}: {over}"
            )
        )
    with session.nested(header) as block:
        blocks.append(block)
        scope = paths.opened(session, found, item)
        scope.each, scope.counter = label, "1" if lone else counter
        scopes.append(scope)
        with session.within(scope):
            takes(session, node)
            yield item
    session.block.regions -= 1
    session.bound += max(1, blocks[0].weight) if lone or outermost else 0
    if found.gone:
        session.block.forget(since)
    else:
        session.block.enclose(since, f"if {found.code}:", 1)
    session.eachs -= 1


def takes(session: Session, node: Object) -> None:
    """Check that the templates copied into an object accept the current item's data type."""
    scope = session.scope
    datatype = scope.datatype
    if session.plan.source != "hl7v2" or scope.kind != "item" or not datatype:
        return
    for use in node.uses:
        if use.takes and datatype not in use.takes and datatype.lower() != "varies":
            session.error(
                "type-mismatch",
                f"template takes {' '.join(use.takes)}; {scope.where} is {datatype}",
                use.place,
            )


def one_repetition(tree: Expression | None) -> bool:
    """Whether an `$each` names one repetition, so that it cannot give many."""
    if tree is None or len(tree.alternatives) != 1:
        return False
    head = tree.alternatives[0].head
    return isinstance(head, Path) and head.repetition > 0 and not tree.alternatives[0].calls


@contextmanager
def lone(session: Session, node: Object, found: Value, label: str) -> Iterator[str]:
    """A block for an item that is the only one, if it is there; gives its name."""
    item = session.names.fresh()
    since = session.block.position()
    session.block.add(f"{item} = {found.code}")
    found = replace(found, code=item, many=False)
    with session.nested(f"if {found.test}:"):
        scope = paths.opened(session, found, item)
        scope.each, scope.counter = label, "1"
        with session.within(scope):
            takes(session, node)
            yield item
    if found.gone:
        session.block.forget(since)


@contextmanager
def once(session: Session, node: Object, wanted: Text, name: str) -> Iterator[bool]:
    """A block for the one item of an `$each` where only one value is taken."""
    found = items(session, wanted)
    if found is None:
        yield False
        return
    tree = expression(session, wanted)
    if found.many and not one_repetition(tree):
        session.error(
            "wrong-cardinality", f"{name}; $each may give many: add | first", wanted.place
        )
    if found.many:
        found = replace(found, code=f"next(iter({found.code}), None)")
    with lone(session, node, found, str(tree)):
        yield True


def taking(
    session: Session, element: Element, node: Object, store: Callable[[str], None]
) -> Callable[[str], None]:
    """What keeps an item or, under `$delete`, notes that it is taken out of its list."""
    if "$delete" not in node.entries:
        return store
    if not element.many:
        text = f"'{element.name}' is no list to take something out of"
        session.error("wrong-cardinality", text, node.keys["$delete"])
    path = ".".join(session.element[1:])

    def sink(code: str) -> None:
        tests = when(session, node, "$delete")
        session.block.add(f"if {' and '.join(tests) or 'False'}:")
        session.block.add(f"    z.taken.append(({session.owner}, {path!r}, {code}))")
        session.block.add("else:")
        with session.block.indented():
            store(code)

    return sink


def when(session: Session, node: Object, word: str = "$when") -> list[str]:
    """Write the conditions of an object's `$when` or `$delete`; gives their names, with `NEVER`."""
    wanted = node.entries.get(word)
    if wanted is None:
        return []
    names = []
    lenient, session.lenient = session.lenient, True
    for item in wanted.items if isinstance(wanted, Items) else (wanted,):
        if not isinstance(item, Text) or not item.reads:
            session.error("bad-expression", f"{word} takes an expression or a list", item.place)
            continue
        found = evaluate(session, item, EXISTS)
        if found.always and session.seen is not None and word == "$when":
            continue
        if found.simple or found.gone:
            names.append(NEVER if found.gone else found.code)
            continue
        name = session.names.fresh()
        session.block.add(f"{name} = {found.code}")
        names.append(name)
    session.lenient = lenient
    forget(session)
    return names


def forget(session: Session) -> None:
    """Nulls met by a condition or a key delete nothing."""
    if session.flags.full and session.plan.source == "hl7v2":
        session.block.add("nulls.clear()")

"""Writes the code of a whole expression: its alternatives and what each passes through (§4)."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

from mappings import absence, calls, lists, paths, tracing
from mappings.expressions import (
    Alternative,
    Call,
    Expression,
    ExpressionError,
    Path,
    Quoted,
    parse,
)
from mappings.functions import FUNCTIONS, SCALAR, SOURCE
from mappings.goals import Goal, reach
from mappings.nodes import Text
from mappings.scopes import BROKEN, Value
from mappings.session import Session
from mappings.texts import each, first, listed

#: Functions that make one value of many.
_SINGLE = ("first", "last", "prefer", "join", "sum")


def expression(session: Session, node: Text) -> Expression | None:
    """The tree of an expression; None after reporting why it cannot be read."""
    try:
        return parse(node.value or "=")
    except ExpressionError as error:
        session.error(error.code, str(error), node.place)
        return None


def evaluate(
    session: Session, node: Text, goal: Goal, many: bool = False, wrap: bool = True
) -> Value:
    """Write an expression; gives the code of its value, or of the list of its values.

    Without `wrap`, where many are wanted but there can be only one, that one is given.
    """
    with session.at(node.place):
        tree = expression(session, node)
        if tree is None:
            return BROKEN
        session.block.weight += 1
        mark = tracing.begun(session)
        alternatives = _left(session, tree.alternatives)
        if len(alternatives) == 1:
            wrap = wrap or len(tree.alternatives) > 1
            found = _alternative(session, alternatives[0], goal, many, wrap)
        else:
            found = _alternatives(session, alternatives, goal, many)
        return tracing.tried(session, node, goal.role, mark, found)


def _left(session: Session, alternatives: tuple[Alternative, ...]) -> tuple[Alternative, ...]:
    """The alternatives that may give something; one of them when none may."""
    if session.seen is None:
        return alternatives
    left = [
        item
        for item in alternatives
        if not (
            isinstance(item.head, Path) and _nothing(item.calls) and paths.gone(session, item.head)
        )
    ]
    return tuple(left) or alternatives[:1]


def _nothing(passes: tuple[Call, ...]) -> bool:
    """Whether nothing that passes through functions gives nothing."""
    return all(call.name != "default" for call in passes)


def _alternatives(
    session: Session, alternatives: tuple[Alternative, ...], goal: Goal, many: bool
) -> Value:
    """The first value there is. Alternatives that are mere look-ups are joined by `or`."""
    name, result, found = session.names.fresh(), BROKEN, BROKEN
    broken = always = begun = False
    simple: list[str] = []
    with ExitStack() as nested:
        for index, alternative in enumerate(alternatives):
            mark = session.block.position()
            if index and not simple:
                test = replace(result, code=name).test
                header = f"if not {name}:" if test == name else f"if {name} is None:"
                session.block.add(header)
                nested.enter_context(session.block.indented())
                mark = session.block.position()
            if index:
                tracing.another(session)
            found = _alternative(session, alternative, goal, many)
            plain = found.test == found.code and session.block.untouched(mark)
            if simple and not plain:
                session.block.precede(mark, f"{name} = {' or '.join(simple)}", f"if not {name}:")
                nested.enter_context(session.block.indented())
                simple, begun = [], True
            if plain and (index == 0 or simple):
                simple.append(found.code)
            elif index == 0 and found.own and found.code.isidentifier():
                name, begun = found.code, True
            else:
                session.block.add(f"{name} = {found.code}")
                begun = True
            result = found if index == 0 else _mixed(session, result, found, goal)
            broken = broken or found.kind == "?"
            always = always or found.always
            if always and session.seen is not None:
                break
    if broken:
        return BROKEN
    code = f"({' or '.join(simple)})" if simple else name
    assert begun or simple
    return replace(
        result,
        code=code,
        rawcode=code,
        always=always,
        constant=None,
        own=not simple,
        scope=result.scope,
    )


def _mixed(session: Session, one: Value, other: Value, goal: Goal) -> Value:
    if session.seen is not None and one.scope is not None and one.scope != other.scope:
        # The items are of several fields, so nothing is known of what they hold.
        one = replace(one, scope=replace(one.scope, number=0))
    one = replace(one, lone=one.lone and other.lone, bare=one.bare and other.bare)
    if one.kind == other.kind or "?" in one.kind + other.kind:
        return one
    if goal.type == "items":
        session.error("type-mismatch", "the alternatives of $each give different kinds of items")
    return one if one.kind != "T" else other


def _alternative(
    session: Session, alternative: Alternative, goal: Goal, many: bool, wrap: bool = True
) -> Value:
    functions = []
    for call in alternative.calls:
        function = calls.checked(session, call)
        if function is None:
            return BROKEN
        if function.role == SOURCE:
            session.error(
                "bad-expression", f"'{call.name}' begins an expression: nothing stands before it"
            )
            return BROKEN
        functions.append(function)
    lists_needed = any(function.role != SCALAR for function in functions)
    value = _head(session, alternative.head, many or lists_needed)
    if goal.type == "items" and not functions:
        return value
    found = _passed(session, alternative.calls, value, goal, many)
    if many and wrap and found.kind != "?" and goal.type != "items":
        return listed(session, found)
    return found


def _head(session: Session, head: Path | Call | Quoted, many: bool) -> Value:
    if isinstance(head, Path):
        return paths.read(session, head, many)
    if isinstance(head, Quoted):
        absence.touch_always(session)
        return Value(repr(head.text), "T", always=bool(head.text), constant=head.text)
    function = calls.checked(session, head)
    if function is None:
        return BROKEN
    found = lists.source(session, head, many)
    if head.name != "concat" and not found.gone:
        # A fact does not hang on the message; what `concat` joins does.
        absence.touch_always(session)
    return found


def _passed(
    session: Session, passes: tuple[Call, ...], value: Value, goal: Goal, many: bool
) -> Value:
    """The value after its functions, in the form of the goal."""
    if value.gone:
        if _nothing(passes):
            single = not many or any(call.name in _SINGLE for call in passes)
            return first(session, value) if single else value
        value = replace(value, gone=False)
    at = 0
    while at < len(passes):
        if FUNCTIONS[passes[at].name].role == SCALAR:
            end = at
            while end < len(passes) and FUNCTIONS[passes[end].name].role == SCALAR:
                end += 1
            if end == len(passes):
                break
            value = _scalars(session, passes[at:end], value)
            at = end
            continue
        if not calls.accepts(session, FUNCTIONS[passes[at].name], value):
            return BROKEN
        value = lists.folded(session, passes[at], value)
        if value.kind == "?":
            return BROKEN
        at += 1
    if value.many and not many and at == len(passes):
        value = first(session, value)
    return _finished(session, passes[at:], value, goal, many)


def _scalar(session: Session, call: Call, value: Value, coded: bool) -> Value:
    if call.name == "plus" and value.kind != "?":
        return lists.plus(session, call, value)
    if call.name == "unlike" and value.kind != "?":
        return lists.unlike(session, call, value)
    if call.name == "until":
        return lists.until(session, call, value)
    return calls.scalar(session, call, value, coded)


def _scalars(session: Session, passes: tuple[Call, ...], value: Value) -> Value:
    def step(item: Value) -> Value:
        for call in passes:
            item = _scalar(session, call, item, False)
        return item

    return each(session, value, step) if value.kind != "?" else BROKEN


def _finished(
    session: Session, passes: tuple[Call, ...], value: Value, goal: Goal, many: bool
) -> Value:
    """The last functions and the conversion to the goal, item by item."""
    if value.kind == "?":
        return BROKEN

    def step(item: Value) -> Value:
        for index, call in enumerate(passes):
            coded = goal.coded and index == len(passes) - 1
            if call.name == "datetime" and goal.type == "instant" and index == len(passes) - 1:
                return _instant(session, item)
            item = _scalar(session, call, item, coded)
        return item if goal.type == "items" else reach(session, item, goal)

    if goal.type == "items" and not passes:
        return value
    if value.many and not many:
        value = first(session, each(session, value, step))
        return value
    return each(session, value, step)


def _instant(session: Session, value: Value) -> Value:
    """A text precise to the second as an instant."""
    found = calls.scalar(session, Call("trim"), value, coded=False)
    if found.kind == "?":
        return BROKEN
    site = session.site(value.where)
    session.block.add(f"if {found.code}: {found.code} = instant({found.code}, z, {site})")
    return replace(found, kind="D", datatype="instant")

"""Evaluates parts of keys once where many resources of a mapping use the same (§9, §14).

The expression is written into the block of the innermost scope that any of its paths hangs on,
so that every resource further in finds it done.
"""

from __future__ import annotations

from mappings.emit import Block
from mappings.evaluate import evaluate, expression
from mappings.expressions import Call, Expression, Path
from mappings.goals import KEY
from mappings.locate import hangs_on
from mappings.nodes import Text
from mappings.scopes import Scope
from mappings.session import Session

_LOCAL = ("concat", "absent", "index", "reference")


def evaluated(session: Session, node: Text) -> str:
    """The name of the value of a key's part."""
    tree = expression(session, node)
    if tree is None:
        return ""
    scope = _anchor(session, tree)
    key = ("key", str(tree), scope)
    known = session.shared.get(key)
    if known is None:
        known = session.shared[key] = _written(session, node, scope, key)
    name, covers = known
    for rows, mask in covers.items():
        session.block.covers[rows] = session.block.covers.get(rows, 0) | mask
    return name


def _written(
    session: Session, node: Text, scope: Scope, key: object
) -> tuple[str, dict[tuple[str, str, bool], int]]:
    """Write the expression where its scope begins; gives its name and what it reads."""
    target = scope.block
    assert target is not None
    outer = session.block
    block = Block(target, target.indent, session.names)
    block.forward = target
    session.block = block
    session.quiet = True
    with session.within(scope):
        found = evaluate(session, node, KEY)
    session.quiet = False
    name = session.names.lasting()
    block.add(f"{name} = {found.code}")
    if session.flags.full and session.plan.source == "hl7v2":
        block.add("nulls.clear()")
    covers = dict(block.covers)
    block.covers.clear()
    session.block = outer
    target.graft(block, key, name)
    return name, covers


def _anchor(session: Session, tree: Expression) -> Scope:
    """The outermost scope in which the expression means the same."""
    chain = session.scope.chain()
    heads = [alternative.head for alternative in tree.alternatives]
    calls = [call.name for alternative in tree.alternatives for call in alternative.calls]
    calls += [head.name for head in heads if isinstance(head, Call)]
    paths = [head for head in heads if isinstance(head, Path)]
    fixed = session.plan.source == "fhir" or any(name in _LOCAL for name in calls)
    for scope in chain:
        if fixed or any(path.relative or hangs_on(scope, path) for path in paths):
            return scope
    return chain[-1]

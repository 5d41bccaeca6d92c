"""Where a path of a segment format leads: whose segment it is, through which groups (§3.2).

Resolution is by structure and never by presence: the innermost scope that owns the segment
decides, even when a message has no such segment there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mappings.absence import HIGHEST
from mappings.expressions import Call, ExpressionError, Path, parse, parse_path
from mappings.nodes import Node, Text, expressions
from mappings.scopes import Scope
from mappings.session import Session
from mappings.structures import Group
from vagus.formats.hl7v2 import dictionary
from vagus.kernel.diagnostics import did_you_mean


@dataclass(frozen=True, slots=True)
class Located:
    """A segment or group found: the scope it hangs on, the groups passed through, the member.

    `member` is '' when the last group itself, or its start segment, is meant.
    """

    scope: Scope
    groups: tuple[Group, ...]
    member: str
    segment: str
    unknown: bool = False  # at the message level, mentioned by no group

    @property
    def group(self) -> Group | None:
        """The group whose own segment is meant, if one is."""
        if self.member:
            return None
        return self.groups[-1] if self.groups else self.scope.group


def locate(session: Session, path: Path) -> Located | None:
    """The place of a path's segment or group; None after reporting why there is none."""
    names = (*path.groups, path.segment)
    for scope in session.scope.chain():
        found = _in_scope(scope, names)
        if found is not None:
            return found
    root = session.scope.chain()[-1]
    segment = path.segment
    if not path.groups and segment.startswith("Z") and segment not in _mentioned(root):
        return Located(root, (), "", segment, unknown=True)
    _explain(session, path, root)
    return None


def hangs_on(scope: Scope, path: Path) -> bool:
    """Whether a scope decides where a path leads."""
    return _in_scope(scope, (*path.groups, path.segment)) is not None


def _mentioned(root: Scope) -> set[str]:
    return root.group.segments() if root.group else set()


def _in_scope(scope: Scope, names: tuple[str, ...]) -> Located | None:
    if scope.kind == "segment":
        return Located(scope, (), "", names[0]) if names == (scope.segment,) else None
    group = scope.group
    if group is None or scope.kind not in ("message", "group"):
        return None
    if names[0] == group.name and group.name:
        if len(names) == 1:
            return Located(scope, (), "", group.start)
        names = names[1:]
    elif len(names) == 1 and names[0] == group.start and group.start:
        return Located(scope, (), "", group.start)
    return _below(scope, group, names)


def _below(scope: Scope, group: Group, names: tuple[str, ...]) -> Located | None:
    passed: list[Group] = []
    for index, name in enumerate(names):
        last = index == len(names) - 1
        if last and name in group.members:
            return Located(scope, tuple(passed), name, name)
        if last and passed and name == group.start:
            return Located(scope, tuple(passed), "", group.start)
        child = group.child(name)
        if child is None:
            return None
        passed.append(child)
        group = child
    return Located(scope, tuple(passed), "", group.start)


def _explain(session: Session, path: Path, root: Scope) -> None:
    group = root.group
    assert group is not None
    owners = [
        item
        for item in group.walk()
        if item.parent is not None and path.segment in (item.name, item.start, *item.members)
    ]
    if owners and not path.groups:
        owner = owners[0]
        top = owner
        while top.parent is not None and top.parent.parent is not None:
            top = top.parent
        way = _way(owner)
        full = way if path.segment == owner.name else f"{way}/{path.text}"
        if path.segment == owner.name:
            full = f"{_way(owner.parent)}/{path.text}" if owner.parent else path.text
        session.error(
            "bad-path",
            f"'{path.text}' lies in group {owner.name}: write {full},"
            f" or read it inside $each: ={top.name}",
        )
        return
    names = group.segments() | {item.name for item in group.walk()}
    wrong = next((name for name in path.groups if name not in names), path.segment)
    what = "group" if wrong in path.groups else "segment"
    title = f"{session.plan.source}/{session.plan.structure}"
    if wrong in names and path.groups:
        session.error("bad-path", f"{title} has no '{path.segment}' in {'/'.join(path.groups)}")
        return
    hint = did_you_mean(wrong, names)
    session.error("bad-path", f"'{wrong}' is not a {what} of {title}{hint}")


def _way(group: Group | None) -> str:
    names: list[str] = []
    while group is not None and group.parent is not None:
        names.append(group.name)
        group = group.parent
    return "/".join(reversed(names))


def firsts(body: Node) -> frozenset[tuple[str, int]]:
    """The fields of which a mapping reads no component but the first."""
    read: dict[tuple[str, int], set[int]] = {}
    for text in expressions(body):
        for path in _paths(text):
            known = read.setdefault((path.segment, path.field), set())
            known.add(max(path.component, path.sub, 2 if path.repetition > 1 else 0))
    return frozenset(place for place, parts in read.items() if max(parts) < 2)


def _paths(text: Text) -> Iterator[Path]:
    try:
        tree = parse(text.value or "=")
    except ExpressionError:
        return
    for alternative in tree.alternatives:
        head = alternative.head
        calls = [head, *alternative.calls] if isinstance(head, Call) else alternative.calls
        found = [parse_path(word.text) for call in calls for word in call.args]
        found.append(head if isinstance(head, Path) else None)
        yield from (path for path in found if path is not None and path.field)


def check_field(session: Session, path: Path, segment: str) -> str | None:
    """The data type a path reads; '' when nothing is known of it, None after a finding."""
    if session.plan.source != "hl7v2" or not path.field:
        return ""
    if max(path.component, path.sub) > HIGHEST:
        session.error("limit-exceeded", f"a field has at most {HIGHEST} components")
        return None
    known = dictionary.segment(segment)
    if known is None:
        return ""
    found = known.field(path.field)
    if found is None:
        last = f"{segment}-{len(known.fields)}"
        session.error("bad-path", f"{segment} has no field {path.field}; its last field is {last}")
        return None
    label = f"{segment}-{path.field}"
    kind = check_part(session, found.datatype, path.component, label)
    if kind is None or not path.sub:
        return kind
    return check_part(session, kind, path.sub, f"{label}.{path.component}")


def repeats(segment: str, field: int) -> bool:
    """Whether HL7 says that a field may repeat."""
    known = dictionary.segment(segment)
    found = known.field(field) if known else None
    return found is not None and found.repeats


def check_part(session: Session, datatype: str, number: int, label: str) -> str | None:
    """The data type of a component, or of the whole when `number` is 0; None after a finding."""
    if not number or not datatype or datatype.lower() == "varies":
        return "" if number else datatype
    parts = dictionary.datatype(datatype)
    if not parts:
        if number == 1:
            return datatype
        session.error(
            "bad-path", f"{label} is {datatype}, a primitive; it has no component {number}"
        )
        return None
    if number > len(parts):
        session.error(
            "bad-path", f"{label} is {datatype}; its last component is {len(parts)}, not {number}"
        )
        return None
    return parts[number - 1].datatype

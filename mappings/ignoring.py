"""What a mapping leaves alone on purpose: the `ignore:` key of a mapping or template (§10).

A map whose keys are paths and whose values say why: `PID-27 PID-32: not about the person`. A path
is a field, a whole segment, or with FHIR input an element. Paths followed by `when unread` are
read by some messages only, such as a field below a `$when`.
"""

from __future__ import annotations

from dataclasses import dataclass

from mappings.expressions import parse_path
from mappings.nodes import Node, Object, Text
from vagus.kernel.diagnostics import Diagnostics, Place

_UNREAD = " when unread"


@dataclass(frozen=True, slots=True)
class Ignored:
    """One path left alone and why; field 0 is the whole segment, or an element of FHIR."""

    path: str
    segment: str
    field: int
    why: str
    place: Place
    when_unread: bool = False


def ignored(node: Node | None, report: Diagnostics) -> tuple[Ignored, ...]:
    """The entries of an `ignore:` node; what is wrong with them becomes a finding."""
    if node is None:
        return ()
    if not isinstance(node, Object):
        text = "'ignore' is a map of paths to the reason why: {PID-27: not about the person}"
        report.error(node.place, "missing-reason", text)
        return ()
    found: list[Ignored] = []
    for key, reason in node.entries.items():
        why = reason.value if isinstance(reason, Text) else None
        if not why or not why.strip():
            report.error(node.keys[key], "missing-reason", f"say why '{key}' is left alone")
            continue
        paths = key.removesuffix(_UNREAD)
        for word in paths.split():
            entry = _entry(word, why, node.keys[key], paths != key)
            if entry is None:
                text = f"'{word}' is neither a field nor a segment nor an element"
                report.error(node.keys[key], "bad-path", text)
            else:
                found.append(entry)
    return tuple(found)


def _entry(word: str, why: str, place: Place, when_unread: bool) -> Ignored | None:
    path = parse_path(word)
    if path is None or path.relative or path.component or path.repetition:
        return None
    return Ignored(word, path.segment, path.field, why, place, when_unread)

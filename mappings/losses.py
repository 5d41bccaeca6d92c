"""The account of what nobody read: populated positions minus those an expression names (§10)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mappings import fhir
from mappings.expressions import parse_path
from mappings.result import Loss
from mappings.runtime import State
from mappings.session import Session
from vagus.formats.hl7v2 import dictionary

_ENVELOPE = frozenset("ISA GS GE IEA ST SE FHS BHS BTS FTS LX LS LE".split())


def account(session: Session, state: State) -> list[Loss]:
    """The populated positions of a message that the mapping never reads."""
    if session.plan.source == "fhir":
        read = frozenset(session.static_paths)
        return [Loss(*item) for item in fhir.unread(state.index, read)]
    ignored = _ignored(session)
    level = session.flags.loss
    found = []
    for name, row, segment in state.rows:
        if name in _ENVELOPE:
            continue
        mask = row[session.mask_at(name)]
        skip = ignored.get(name, frozenset())
        if "*" in skip:
            continue
        fields: list[Any] = [
            number
            for number, value in enumerate(segment)
            if value and number and number not in skip
        ]
        if level == "field":
            fields = [number for number in fields if not mask >> number & 1]
        else:
            fields = list(_components(session, state, segment, fields, mask))
        if fields:
            found.append(Loss(name, row[session.mask_at(name) + 1], fields))
    return found


def _components(
    session: Session, state: State, segment: list[str], fields: Iterable[int], mask: int
) -> Iterable[str]:
    for number in fields:
        seen = mask >> (number * 32)
        populated: dict[int, None] = {}
        for repetition in segment[number].split(state.repetition):
            for index, part in enumerate(repetition.split(state.component), 1):
                if part:
                    populated[index] = None
        for index in sorted(populated):
            if not seen >> min(index, 31) & 1:
                yield f"{number}.{index}"


def _ignored(session: Session) -> dict[str, frozenset[object]]:
    """The fields left out of the account: what the mapping ignores, and what is only structure."""
    found: dict[str, set[object]] = {"MSH": {1, 2}, "HL": {1, 2, 4}}
    for node in session.plan.ignore:
        for word in (node.value or "").split():
            path = parse_path(word)
            if path is not None and not path.relative:
                found.setdefault(path.segment, set()).add(path.field or "*")
    for name in session.widths:
        known = dictionary.segment(name) if session.plan.source == "hl7v2" else None
        first = known.fields[0] if known and known.fields else None
        if first is not None and first.datatype == "SI":
            found.setdefault(name, set()).add(1)
    return {name: frozenset(fields) for name, fields in found.items()}

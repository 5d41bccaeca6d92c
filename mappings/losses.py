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

MAX_REMEMBERED = 10_000
_ENVELOPE = frozenset("ISA GS GE IEA ST SE FHS BHS BTS FTS LX LS LE".split())


class Accountant:
    """Counts what one variant of a mapping does not read; remembers what it has worked out."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._ignored = _ignored(session)
        self._read = frozenset(session.static_paths)
        self._unread: dict[tuple[str, int, int], tuple[int, ...]] = {}

    def account(self, state: State) -> list[Loss]:
        """The populated positions of a message that the mapping never reads."""
        session = self._session
        if session.plan.source == "fhir":
            return [Loss(*item) for item in fhir.unread(state.index, self._read)]
        components = session.flags.loss == "component"
        widths, known = session.widths, self._unread
        found = []
        for name, row, segment in state.rows:
            at = widths.get(name, 1)
            mask = row[at]
            key = (name, 0 if components else mask, len(segment))
            numbers = known.get(key)
            if numbers is None:
                numbers = self._numbers(*key)
                if len(known) < MAX_REMEMBERED:
                    known[key] = numbers
            fields: list[Any] = [number for number in numbers if segment[number]]
            if components:
                fields = list(_components(state, segment, fields, mask))
            if fields:
                found.append(Loss(name, row[at + 1], fields))
        return found

    def _numbers(self, name: str, mask: int, size: int) -> tuple[int, ...]:
        skip = self._ignored.get(name, frozenset())
        if name in _ENVELOPE or "*" in skip:
            return ()
        return tuple(n for n in range(1, size) if n not in skip and not mask >> n & 1)


def _components(
    state: State, segment: list[str], fields: Iterable[int], mask: int
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

"""The account of what nobody read: populated positions minus those an expression names (§10)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mappings import fhir
from mappings.coverage import ALL_COMPONENTS
from mappings.ignoring import Ignored
from mappings.result import Left, Loss
from mappings.runtime import State
from mappings.session import Session
from vagus.formats.hl7v2 import dictionary

MAX_REMEMBERED = 10_000
_ENVELOPE = frozenset("ISA GS GE IEA ST SE FHS BHS BTS FTS LX LS LE".split())


class Accountant:
    """Counts what one variant of a mapping does not read; remembers what it has worked out."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._ignored = (*session.plan.ignore, *session.plan.inherited)
        self._reasons = _reasons(self._ignored)
        self._silent = _silent(session)
        self._read = frozenset(session.static_paths)
        self._unread: dict[tuple[str, int, int], tuple[int, ...]] = {}

    def account(self, state: State) -> tuple[list[Loss], list[Left]]:
        """The populated positions that the mapping never reads: unknown to it, and left alone."""
        session = self._session
        if session.plan.source == "fhir":
            return self._of_resources(state)
        components = session.flags.loss == "component"
        widths, known = session.widths, self._unread
        found: list[Loss] = []
        left: list[Left] = []
        for name, row, segment in state.rows:
            at = widths.get(name, 1)
            mask = row[at]
            key = (name, 0 if components else mask, len(segment))
            numbers = known.get(key)
            if numbers is None:
                numbers = self._numbers(*key)
                if len(known) < MAX_REMEMBERED:
                    known[key] = numbers
            why = self._reasons.get(name, {})
            fields: list[Any] = [number for number in numbers if segment[number]]
            if why:
                unread = [n for n in fields if not (components and _seen(mask, n))]
                left += _left(name, row[at + 1], unread, why)
                fields = [] if 0 in why else [number for number in fields if number not in why]
            if components:
                fields = list(_components(state, segment, fields, mask))
            if fields:
                found.append(Loss(name, row[at + 1], fields))
        return found, left

    def _of_resources(self, state: State) -> tuple[list[Loss], list[Left]]:
        found: list[Loss] = []
        left: list[Left] = []
        for kind, number, missed in fhir.unread(state.index, self._read):
            fields = []
            for path in missed:
                full = f"{kind}.{path}."
                entry = next((e for e in self._ignored if full.startswith(f"{e.path}.")), None)
                if entry is None:
                    fields.append(path)
                else:
                    left.append(Left(kind, number, path, entry.why))
            if fields:
                found.append(Loss(kind, number, fields))
        return found, left

    def _numbers(self, name: str, mask: int, size: int) -> tuple[int, ...]:
        skip = self._silent.get(name, frozenset())
        if name in _ENVELOPE:
            return ()
        return tuple(n for n in range(1, size) if n not in skip and not mask >> n & 1)


def check(session: Session) -> None:
    """Report `ignore:` entries that are no field of their segment, or that are read after all."""
    for entry in session.plan.ignore:
        known = dictionary.segment(entry.segment) if session.plan.source == "hl7v2" else None
        if known is not None and entry.field and known.field(entry.field) is None:
            text = f"{entry.segment} has no field {entry.field}"
            session.error("bad-path", text, entry.place)
        elif not entry.when_unread and _read(session, entry):
            text = f"'{entry.path}' is ignored and read all the same: take it off the list"
            session.error("ignored-but-read", text, entry.place)


def _read(session: Session, entry: Ignored) -> bool:
    if session.plan.source == "fhir":
        return any(f"{path}.".startswith(f"{entry.path}.") for path in session.static_paths)
    if entry.field:
        return (entry.segment, entry.field) in session.covered
    return any(segment == entry.segment for segment, _ in session.covered)


def _seen(mask: int, number: int) -> int:
    """The components of a field that are read, where components are accounted for."""
    return mask >> (number * 32) & ALL_COMPONENTS


def _components(
    state: State, segment: list[str], fields: Iterable[int], mask: int
) -> Iterable[str]:
    for number in fields:
        seen = _seen(mask, number)
        populated: dict[int, None] = {}
        for repetition in segment[number].split(state.repetition):
            for index, part in enumerate(repetition.split(state.component), 1):
                if part:
                    populated[index] = None
        for index in sorted(populated):
            if not seen >> min(index, 31) & 1:
                yield f"{number}.{index}"


def _reasons(entries: Iterable[Ignored]) -> dict[str, dict[int, str]]:
    """Why each field of each segment is left alone; field 0 stands for every field."""
    found: dict[str, dict[int, str]] = {}
    for entry in entries:
        found.setdefault(entry.segment, {}).setdefault(entry.field, entry.why)
    return found


def _left(name: str, occurrence: int, fields: Iterable[int], why: dict[int, str]) -> Iterable[Left]:
    for number in fields:
        reason = why.get(number) or why.get(0)
        if reason is not None:
            yield Left(name, occurrence, number, reason)


def _silent(session: Session) -> dict[str, frozenset[int]]:
    """The fields that are only structure: nobody needs to read or to ignore them."""
    found: dict[str, set[int]] = {"MSH": {1, 2}, "HL": {1, 2, 4}}
    for name in session.widths:
        known = dictionary.segment(name) if session.plan.source == "hl7v2" else None
        first = known.fields[0] if known and known.fields else None
        if first is not None and first.datatype == "SI":
            found.setdefault(name, set()).add(1)
    return {name: frozenset(fields) for name, fields in found.items()}

"""The typed walk of a mapping: lints it and writes its Python in one go (§11, §14)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mappings import (
    cells,
    coding,
    convert,
    dates,
    fhir,
    locate,
    losses,
    memory,
    recall,
    repeated,
    resources,
    runtime,
    segments,
)
from mappings.arrangement import Needs
from mappings.grouping import Plan as Grouping
from mappings.grouping import group, group_rows
from mappings.scopes import Scope
from mappings.seen import Seen, unfit
from mappings.session import Flags, Plan, Session
from vagus.formats.hl7v2.writer import NULL
from vagus.kernel.diagnostics import Diagnostics

_PROLOGUE = """def run(z):
    segments = z.message.segments
    C, R, S = z.component, z.repetition, z.sub
    {grouping}
    nulls, tr, rd, rid, out, n = z.nulls, z.traced, z.read.append, z.rid, [], {bound}
{dummies}"""
_PROLOGUE_FHIR = """def run(z):
    C, R, S = z.component, z.repetition, z.sub
    z.index = Index(z.message)
    nulls, tr, rd, rid, out, n = z.nulls, z.traced, z.read.append, z.rid, [], 0
"""
_RUNTIME: dict[str, Any] = {
    function.__name__: function
    for function in (
        *(
            cells.chunks,
            cells.cut,
            cells.cut_full,
            cells.halves,
            cells.halves_to,
            cells.in_order,
            cells.items,
            cells.leaf,
            cells.part,
        ),
        *(
            cells.parts,
            cells.place,
            cells.reps,
            cells.split,
            cells.split_to,
            cells.spot,
            cells.subs,
            cells.without_nulls,
        ),
        *(convert.code_back, convert.coding_back, coding.system_name),
        *(convert.code_system, convert.date, convert.datetime, convert.digits, convert.instant),
        *(convert.missing_code, convert.missing_coding, convert.number, convert.plus),
        *(convert.reference, convert.solid, convert.system, convert.tidy, convert.times),
        *(
            convert.besides,
            convert.total,
            convert.truth,
            convert.whole,
            dates.as_instant,
            dates.form,
            dates.minutes,
        ),
        *(fhir.Index, fhir.numbers, fhir.objects, fhir.below, fhir.pick, fhir.text_of, fhir.texts),
        *(group, group_rows, unfit, memory.keep, memory.Kept),
        *(runtime.copied, runtime.drop, runtime.missing, runtime.over, runtime.own_id),
    )
}


@dataclass(frozen=True, slots=True)
class Code:
    """The Python of one variant, and the names it needs."""

    text: str
    names: dict[str, Any]
    session: Session


def walk(plan: Plan, flags: Flags, report: Diagnostics, seen: Seen | None = None) -> Code:
    """Walk a mapping; findings go to the report. Code of a mapping with errors must not run.

    What `seen` says messages lack is left out; running the code of a message that has it raises
    Unfit.
    """
    session = Session(plan, flags, report, seen)
    session.place = plan.place
    session.scope = Scope("message", "g0", None, session.block, plan.group)
    if plan.source == "fhir":
        session.scope = Scope("message", "z.message", None, session.block)
    session.repeats = repeated.count(plan.body)
    session.firsts = locate.firsts(plan.body)
    session.block.statement()
    if plan.segments:
        segments.sequence(session, plan.body)
    else:
        resources.block(session, plan.body)
    losses.check(session)
    session.cover(session.block)
    session.block.add("return out")
    return finish(session)


def finish(session: Session) -> Code:
    """The code of a session whose blocks are all written."""
    for item in session.plan.group.walk():
        if item.element:
            session.width(item.start, item.element)
    text = session.block.text()
    text = "".join(session.function_texts) + _prologue(session) + text + "\n"
    return Code(recall.constants(session, text) + text, _names(session), session)


def _prologue(session: Session) -> str:
    if session.plan.source == "fhir":
        return _PROLOGUE_FHIR
    call = "group(segments, GROUPS, z.misplaced, (C, R, S))"
    if session.flags.counted:
        call = "group_rows(segments, GROUPS, z.misplaced, z.rows)"
    dummies = []
    for name in sorted(session.dummies):
        if session.flags.counted:
            width = session.mask_at(name)
            dummies.append(f"    D_{name} = [''] * {width} + [0, 0]\n")
    if session.memory.size:
        names = "".join(f"m{number}, " for number in range(session.memory.size))
        dummies.append(f"    {names}= z.memory = MEMORY.of(z)\n")
    return _PROLOGUE.format(grouping=f"g0 = {call}", bound=session.bound, dummies="".join(dummies))


def _names(session: Session) -> dict[str, Any]:
    names: dict[str, Any] = {**_RUNTIME, "NULL": NULL, **session.constants}
    needs = None
    if session.seen is not None:
        needs = Needs(session.left_out, session.relied, session.without, session.single)
    grouping = Grouping(session.plan.group, session.widths, needs)
    names["GROUPS"] = grouping
    session.widths.update(grouping.widths)
    names["MEMORY"] = session.memory
    for name in session.dummies:
        names[f"D_{name}"] = [""] * session.mask_at(name)
    return names

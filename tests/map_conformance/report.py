"""Writes docs/conformance.md, and the figures that may not fall."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from map_conformance import events, oracles, register
from map_conformance.classes import OWNERS, classes, classify
from map_conformance.comparing import SAME
from map_conformance.official import segment_sheets
from map_conformance.register import IMPLEMENTED, MISSING, STATES

PAGE = Path(__file__).parents[2] / "docs/conformance.md"
FIGURES = Path(__file__).with_name("figures.json")
#: The segments whose rows have to be followed or explained; the others only come along.
WANTED = "MSH EVN PID PD1 NK1 PV1 PV2 AL1 DG1 IN1 IN2 GT1 SCH AIS AIG AIL AIP MRG".split()
UNMAPPED = "IN2 GT1".split()  # without an official table

Table = list[Sequence[object]]

_HEAD = """\
# Conformance

How faithfully the mapping library turns HL7 v2 registration and booking messages into FHIR R4,
measured against the official v2-to-FHIR tables of HL7 (1.0.0) and against what others make of the
same messages. `make conformance` writes this page from the compiled mappings and the public test
messages; a figure that falls fails the tests. The library itself is described in
[mapping.md](mapping.md).

"""
_ROWS = """\
## Official rows

A row of a table gives a field or component a FHIR target. It is **implemented** when a compiled
rule reads that field and fills that element of that resource; **different** when the library does
something else on purpose, and **not carried** when it leaves the field alone, both for the reason
given [below](#why-rows-are-not-followed); **missing** when nothing is known of it.

"""


def page() -> str:
    """The whole page."""
    return "".join(
        (_HEAD, _summary(), _ROWS, _segments(), _datatypes(), _reasons(), _agreement(), _events())
    )


def figures() -> dict[str, float]:
    """What may not fall: rows implemented, rows explained, and shares of leaves that are equal."""
    found: dict[str, float] = {}
    for title, sheets in (("segments", segment_sheets()), ("datatypes", register.datatypes())):
        counts = _states(sheets)
        found[f"rows of {title} implemented"] = counts[IMPLEMENTED]
        found[f"rows of {title} implemented or explained"] = sum(counts.values()) - counts[MISSING]
    for oracle in oracles.ORACLES:
        states = _leaves(oracle.name)
        found[f"leaves equal: {oracle.name}"] = states[SAME]
    made = events.events()
    found["events mapped"] = sum(1 for event in made if event.mapping)
    found["messages valid"] = sum(event.valid for event in made)
    found["messages valid by fhir.resources"] = sum(event.valid_by_models for event in made)
    return found


def fallen() -> list[str]:
    """The figures that are lower than when they were written."""
    if not FIGURES.exists():
        return []
    now = figures()
    before: dict[str, float] = json.loads(FIGURES.read_text("utf-8"))
    return [
        f"{name}: {now.get(name, 0)}, was {was}"
        for name, was in before.items()
        if now.get(name, 0) < was
    ]


def write() -> None:
    """Writes the page and the figures."""
    PAGE.write_text(page(), "utf-8")
    FIGURES.write_text(json.dumps(figures(), indent=1) + "\n", "utf-8")


def _states(sheets: Iterable[str]) -> Counter[str]:
    return Counter(state for sheet in sheets for _, state in register.states(sheet))


def _leaves(oracle: str) -> Counter[str]:
    return Counter(d.state for item in oracles.compared(oracle) for d in item.differences)


def _share(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


def _table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join(lines) + "\n\n"


def _summary() -> str:
    wanted = _states(sheet for sheet in segment_sheets() if sheet[:3] in WANTED)
    datatypes = _states(register.datatypes())
    rows: Table = []
    for name, counts in (
        ("Rows of registration and booking segments", wanted),
        ("Rows of data types", datatypes),
    ):
        whole = sum(counts.values())
        explained = whole - counts[MISSING]
        rows.append((name, whole, _share(counts[IMPLEMENTED], whole), _share(explained, whole)))
    text = "## In short\n\n" + _table(("", "rows", "implemented", "or explained"), rows)
    agreed: Table = []
    for oracle in oracles.ORACLES:
        states, owners = _leaves(oracle.name), _owners(oracle.name)
        whole = sum(states.values())
        agreed.append(
            (
                oracle.name,
                len(oracles.compared(oracle.name)),
                whole,
                _share(states[SAME], whole),
                _share(states[SAME], states[SAME] + owners["to do"]),
                *(_share(owners[owner], whole) for owner in (*OWNERS, "")),
            )
        )
    heads = ("expected by", "messages", "leaves", "equal", "of ours to carry", *OWNERS)
    return text + _table((*heads, "unexplained"), agreed) + _WHOSE


def _owners(oracle: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for item in oracles.compared(oracle):
        for difference in item.differences:
            if difference.state != SAME:
                kind = classify(oracle, difference)
                found[kind.whose if kind else ""] += 1
    return found


def _rows(sheets: Iterable[str]) -> Table:
    table: Table = []
    for sheet in sheets:
        counts = _states([sheet])
        whole = sum(counts.values())
        if whole:
            explained = _share(whole - counts[MISSING], whole)
            table.append((sheet, whole, *(counts[state] or "" for state in STATES), explained))
    return table


def _segments() -> str:
    heads = ("table", "rows", *STATES, "implemented or explained")
    own = _table(heads, _rows(name for name in segment_sheets() if name[:3] in WANTED))
    rest = _table(heads, _rows(name for name in segment_sheets() if name[:3] not in WANTED))
    without = f"{' and '.join(UNMAPPED)} have no official table.\n\n"
    return f"{own}{without}### Segments that come along\n\n{rest}"


def _datatypes() -> str:
    heads = ("table", "rows", *STATES, "implemented or explained")
    return "### Data types\n\n" + _table(heads, _rows(register.datatypes()))


def _reasons() -> str:
    rows: Table = []
    for entry in register.entries():
        places: dict[str, list[str]] = {}
        for sheet, field in entry.fields:
            places.setdefault(sheet, []).append("all" if field == "*" else field)
        text = "; ".join(f"{sheet}: {' '.join(fields)}" for sheet, fields in places.items())
        rows.append((text, entry.state, entry.reason))
    text = "## Why rows are not followed\n\n" + _table(("rows", "state", "reason"), rows)
    missing = [
        f"{row.sheet} {row.place} → {row.target}"
        for sheet in (*segment_sheets(), *register.datatypes())
        for row, state in register.states(sheet)
        if state == MISSING
    ]
    if missing:
        text += "Missing: " + "; ".join(dict.fromkeys(missing)) + ".\n\n"
    return text


def _agreement() -> str:
    return (
        _AGREEMENT
        + "".join(map(_of_oracle, (oracle.name for oracle in oracles.ORACLES)))
        + _kinds()
    )


_WHOSE = """\
Leaves that are not equal are differences of **dialect** (what only that converter writes), a
**defect** of theirs, a **choice** of ours with a reason, or something **to do**; what is ours to
carry is the equal and the to do. The classes with their reasons stand
[at the end](#why-leaves-differ).

"""
_AGREEMENT = """\
## Agreement with others

Each expected Bundle is compared with ours leaf by leaf. Resources are paired by type and by how
much they have in common, leaves by path and value. Ids, references, narrative and bookkeeping are
left out; so are extensions of CDC's own. CDC's messages are laboratory shells around one tested
rule: our templates run on them through a mapping that only the tests have, what most of the shells
share is not counted, nor what concerns orders, specimens and devices.

"""


def _of_oracle(name: str) -> str:
    whole: Counter[str] = Counter()
    same: Counter[str] = Counter()
    for item in oracles.compared(name):
        for difference in item.differences:
            whole[difference.type] += 1
            same[difference.type] += difference.state == SAME
    rows = [
        (kind, whole[kind], same[kind], _share(same[kind], whole[kind])) for kind in sorted(whole)
    ]
    return f"### {name}\n\n" + _table(("resource", "expected leaves", "equal", "share"), rows)


def _kinds() -> str:
    counts = {
        oracle.name: Counter(
            kind.name
            for item in oracles.compared(oracle.name)
            for difference in item.differences
            if difference.state != SAME and (kind := classify(oracle.name, difference))
        )
        for oracle in oracles.ORACLES
    }
    rows: Table = []
    for kind in classes():
        numbers = [counts[oracle.name][kind.name] for oracle in oracles.ORACLES]
        rows.append((kind.name, kind.whose, *(number or "" for number in numbers), kind.reason))
    heads = ("class", "whose", *(oracle.name for oracle in oracles.ORACLES), "reason")
    return "### Why leaves differ\n\n" + _table(heads, rows)


def _events() -> str:
    rows: Table = []
    for event in events.events():
        counted = (event.messages, event.resources, event.valid, event.valid_by_models)
        rows.append((event.name, event.mapping or "none", *(number or "" for number in counted)))
    heads = ("event", "mapping", "messages", "resources", "valid", "valid by fhir.resources")
    made = events.events()
    whole, valid = sum(e.messages for e in made), sum(e.valid for e in made)
    text = (
        "Messages of the public corpora; a message is valid when every resource of its Bundle is."
        f" {whole - valid} of {whole} is not: it says that the discharge was before the admission,"
        " and is mapped as it says.\n\n"
    )
    return "## Events\n\n" + text + _table(heads, rows).rstrip("\n") + "\n"

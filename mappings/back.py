"""Writes the code of the functions that lead back to a wire format: `table NAME back`,
`code_system back` and `authority` (§5, §7)."""

from __future__ import annotations

from dataclasses import replace

from mappings.expressions import Call
from mappings.functions import AUTHORITY
from mappings.scopes import BROKEN, Value
from mappings.session import Session
from mappings.tables import Table
from mappings.texts import KINDS, named, text
from vagus.kernel.diagnostics import did_you_mean

BACK = "back"
_CODED = ("Coding", "CodeableConcept")


def known_table(session: Session, call: Call) -> Table | None:
    """The table a call names; None after reporting that there is none."""
    name = call.args[0].text
    table = session.plan.tables.get(name)
    if table is None:
        hint = did_you_mean(name, session.plan.tables)
        session.error("unknown-table", f"'{name}' is not a table{hint}")
        return None
    session.used_tables.add(name)
    return table


def from_table(session: Session, call: Call, value: Value) -> Value:
    """The code that a table turns into a text, a Coding or a CodeableConcept."""
    table = known_table(session, call)
    if table is None or not _says_back(session, call, 1):
        return BROKEN
    coded = value.kind == "I" and value.datatype in _CODED
    if not coded and value.kind != "T":
        needed = f"text, a Coding or a CodeableConcept, and is given {KINDS[value.kind]}"
        session.error("type-mismatch", f"'table … back' takes {needed}")
        return BROKEN
    found = named(session, value if coded else text(session, value))
    whole, site = session.constant(table, "TABLE"), session.site(value.where)
    function = "coding_back" if coded else "code_back"
    code = f"{function}({found.code}, {whole}, z, {site}) if {found.code} else ''"
    session.block.add(f"{found.code} = {code}")
    return replace(
        found, kind="T", datatype="", raw="", constant=None, scope=None, always=False, own=True
    )


def code_system(session: Session, call: Call, name: str) -> str | None:
    """The short name of a code system's URI, as CWE.3 has it."""
    if not _says_back(session, call, 0):
        return None
    return f"system_name({name}, z.context.source)"


def authority(session: Session, call: Call, name: str) -> str | None:
    """The assigning authority of a system, or one part of it."""
    if not call.args:
        return f"'&'.join(z.context.systems.authority({name})).rstrip('&')"
    part = call.args[0].text
    if part not in AUTHORITY:
        hint = did_you_mean(part, AUTHORITY)
        session.error("wrong-arguments", f"'{part}' is not a part of an authority{hint}")
        return None
    return f"z.context.systems.authority({name})[{AUTHORITY.index(part)}]"


def _says_back(session: Session, call: Call, at: int) -> bool:
    word = call.args[at].text
    if word == BACK:
        return True
    session.error("wrong-arguments", f"'{word}' means nothing to '{call.name}': write back")
    return False

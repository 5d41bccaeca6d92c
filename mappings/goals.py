"""Turns what an expression gives into what its target element takes: type direction (§5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation

from mappings import dates
from mappings.scopes import BROKEN, Value
from mappings.session import Session
from mappings.texts import KINDS, named, text
from vagus.canonical import shapes
from vagus.canonical.shapes import Element
from vagus.kernel.diagnostics import did_you_mean

INTEGERS = {"integer": -(2**31), "unsignedInt": 0, "positiveInt": 1}
DATES = ("date", "dateTime", "instant", "time")
_TIDIED = ("code", "uri", "url", "canonical", "id")
CODED = ("Coding", "CodeableConcept")


@dataclass(frozen=True, slots=True)
class Goal:
    """What an expression is for: a type of R4, or `key`, `exists`, `items`, `wire`."""

    type: str
    element: Element | None = None

    @property
    def coded(self) -> bool:
        """Whether a table should give a whole Coding."""
        return self.type in CODED

    @property
    def role(self) -> str:
        """The `$` word whose expression has this goal; '' for a value of the output."""
        return {"key": "$key", "exists": "$when", "items": "$each"}.get(self.type, "")


KEY = Goal("key")
EXISTS = Goal("exists")
ITEMS = Goal("items")
WIRE = Goal("wire")


def reach(session: Session, value: Value, goal: Goal) -> Value:
    """One value as the goal takes it; a mismatch is reported and gives a broken value."""
    if value.kind == "?":
        return BROKEN
    if value.constant is not None and goal.type not in ("key", "exists", "wire"):
        code = literal(session, value.constant, goal)
        return BROKEN if code is None else replace(value, code=code, kind=_kind(goal.type))
    match goal.type:
        case "exists":
            found = text(session, value) if value.kind == "T" else value
            plain = found.simple and found.test == found.code
            code = found.code if plain else f"({found.test})"
            return replace(found, code=code, kind="T", own=False)
        case "key" | "wire":
            return _plain(session, value, goal)
        case "boolean":
            return _boolean(session, value)
        case "decimal":
            return _number(session, value, goal)
        case name if name in INTEGERS:
            return _number(session, value, goal)
        case name if name in DATES:
            return _date(session, value, name)
        case name if name in shapes.PRIMITIVES:
            return _text(session, value, goal)
        case "Reference":
            return _reference(session, value, goal)
        case _:
            return _complex(session, value, goal)


def _kind(name: str) -> str:
    if name == "boolean":
        return "B"
    if name == "decimal" or name in INTEGERS:
        return "N"
    return "D" if name in DATES else "T"


def _mismatch(session: Session, needed: str, value: Value, hint: str = "") -> Value:
    session.error(
        "type-mismatch",
        f"{needed} is needed and the expression gives {KINDS.get(value.kind, value.kind)}{hint}",
    )
    return BROKEN


def _plain(session: Session, value: Value, goal: Goal) -> Value:
    if value.kind == "N":
        found = named(session, value)
        condition = found.test
        session.block.add(f"{found.code} = str({found.code}) if {condition} else ''")
        return replace(found, kind="T")
    if value.kind == "T" or (value.kind == "D" and goal.type == "key"):
        return text(session, value)
    if value.kind == "R" and goal.type == "key":
        code = value.code if value.datatype != "Reference" else f"reference({value.code})"
        return replace(value, code=code, kind="T", own=False)
    hint = ": add | format hl7-date" if value.kind == "D" else ""
    return _mismatch(session, "text", value, hint)


def _text(session: Session, value: Value, goal: Goal) -> Value:
    if value.kind == "R" and goal.element is not None and goal.element.name == "reference":
        if value.datatype == "Reference":
            return replace(value, code=f"reference({value.code})", kind="T", own=False)
        code = f"('urn:uuid:' + {value.code} if {value.code} else '')"
        return replace(value, code=code, kind="T", own=False)
    if value.kind not in "TD":
        return _mismatch(session, "text", value)
    check_codes(session, value, goal)
    found = text(session, value)
    if (
        value.kind == "D"
        or value.datatype.startswith(("table ", "uri", "constant"))
        or goal.type not in _TIDIED
    ):
        return found
    found = named(session, found)
    name = found.code
    if goal.type == "code":
        if found.always and session.seen is not None:
            session.block.add(f"if not {name}.isalnum(): {name} = tidy({name}) or unfit()")
        else:
            session.block.add(f"if {name} and not {name}.isalnum(): {name} = tidy({name})")
    else:
        site = session.site(value.where)
        session.block.add(f"if ' ' in {name}: {name} = solid({name}, z, {site})")
        if session.seen is not None:
            found.always = False
    return found


def check_codes(session: Session, value: Value, goal: Goal) -> None:
    """Report codes of a table that a required binding of the target does not allow."""
    binding = goal.element.binding if goal.element else None
    if binding is None or not value.datatype.startswith("table "):
        return
    table = session.plan.tables[value.datatype.removeprefix("table ")]
    for code in sorted(set(table.codes.values()) - set(binding)):
        session.error(
            "bad-value",
            f"table {table.name} gives '{code}', which {goal.element.name} may not be"  # type: ignore[union-attr]
            f"{did_you_mean(code, binding)}",
        )
    if table.unmapped == "pass":
        session.error(
            "pass-into-required",
            f"table {table.name} passes unknown codes and {goal.element.name}"  # type: ignore[union-attr]
            " takes only the codes of its required binding",
        )


def _boolean(session: Session, value: Value) -> Value:
    if value.kind == "B":
        return value
    if value.kind != "T":
        return _mismatch(session, "a boolean", value)
    if value.datatype.startswith("table "):
        table = session.plan.tables[value.datatype.removeprefix("table ")]
        for code in sorted(set(table.codes.values()) - {"true", "false"}):
            session.error("bad-value", f"table {table.name} gives '{code}', not a boolean")
    found = named(session, text(session, value))
    site = session.site(value.where)
    session.block.add(f"{found.code} = truth({found.code}, z, {site}) if {found.code} else None")
    return replace(found, kind="B", always=False)


def _number(session: Session, value: Value, goal: Goal) -> Value:
    if value.kind != "N":
        return _mismatch(session, "a number", value, ": add | number" if value.kind == "T" else "")
    least = INTEGERS.get(goal.type)
    if least is None:
        return value
    found = named(session, value)
    site = session.site(value.where)
    condition = found.test
    session.block.add(f"if {condition}: {found.code} = whole({found.code}, {least}, z, {site})")
    return found


def _date(session: Session, value: Value, name: str) -> Value:
    if value.kind != "D":
        return _mismatch(session, "a date", value, ": add | date" if value.kind == "T" else "")
    if name == "dateTime" or value.datatype == name:
        return value
    found = named(session, value)
    if name == "instant":
        session.block.add(f"if {found.code}: {found.code} = as_instant({found.code})")
    elif name == "date":
        session.block.add(f"if {found.code}: {found.code} = {found.code}[:10]")
    else:
        session.block.add(f"if {found.code}: {found.code} = {found.code}[11:19] or None")
    return found


def _reference(session: Session, value: Value, goal: Goal) -> Value:
    if value.kind != "R":
        return _mismatch(session, "a reference", value)
    targets = goal.element.targets if goal.element else ()
    if value.datatype == "Reference":
        return replace(value, own=False)
    if targets and value.datatype and value.datatype not in targets:
        names = " or ".join(targets)
        session.error(
            "type-mismatch", f"a reference to {names} is needed and {value.datatype} is given"
        )
        return BROKEN
    code = f"{{'reference': 'urn:uuid:' + {value.code}}}"
    if not value.always:
        code = f"({code} if {value.code} else None)"
    scope = session.references.get(value.code)
    if scope is not None and scope.block is not None:
        # All that refer to one resource share the reference.
        key = ("reference", value.code)
        name = session.block.known(key)
        if name is None:
            name = f"{value.code}r"
            scope.block.hoist(key, name, [(0, f"{name} = {code}")])
        code = name
    return replace(value, code=code, own=False)


def _complex(session: Session, value: Value, goal: Goal) -> Value:
    if value.kind == "C":
        if goal.type == "Coding":
            return value
        code = f"({{'coding': [{value.code}]}} if {value.code} else None)"
        return replace(value, code=code, own=False)
    if value.kind == "I" and value.datatype == goal.type and session.plan.source == "fhir":
        session.static_paths.add(value.where)
        return value
    session.error(
        "type-mismatch",
        f"{goal.type} is needed and the expression gives {KINDS.get(value.kind, value.kind)}:"
        f" {'add | table NAME, or ' if goal.coded else ''}write an object",
    )
    return BROKEN


def literal(session: Session, constant: str, goal: Goal) -> str | None:
    """The code of a constant in the type of its target; None after reporting a bad one."""
    name = goal.type
    if name == "boolean":
        if constant in ("true", "false"):
            return constant.title()
    elif name in INTEGERS:
        digits = constant.removeprefix("-")
        known = digits.isascii() and digits.isdigit() and len(digits) < 11
        if known and INTEGERS[name] <= int(constant) < 2**31:
            return repr(int(constant))
    elif name == "decimal":
        try:
            number = Decimal(constant)
        except InvalidOperation:
            number = Decimal("NaN")
        if number.is_finite() and len(constant) <= 40:
            return session.constant(number)
    elif name in shapes.PRIMITIVES:
        return _text_literal(session, constant, goal)
    else:
        session.error("type-mismatch", f"{name} is needed: write an object, not a text")
        return None
    session.error("bad-value", f"'{constant}' is not a {name}")
    return None


_CHECKS: dict[str, Callable[[str], bool]] = {
    "date": lambda text: dates.date(text) == text,
    "dateTime": lambda text: dates.datetime(text, lambda _local: "") == text,
    "instant": lambda text: bool(dates.as_instant(text)),
    "code": lambda text: text == " ".join(text.split()),
    "id": lambda text: len(text) <= 64 and text.replace("-", "").replace(".", "").isalnum(),
    "uri": lambda text: not any(char.isspace() for char in text),
}


def _text_literal(session: Session, constant: str, goal: Goal) -> str | None:
    binding = goal.element.binding if goal.element else None
    check = _CHECKS.get("uri" if goal.type in ("url", "canonical", "oid", "uuid") else goal.type)
    if not constant or (check is not None and not check(constant)):
        session.error("bad-value", f"'{constant}' is not a {goal.type}")
        return None
    if binding is not None and constant not in binding:
        hint = did_you_mean(constant, binding)
        session.error("bad-value", f"'{constant}' is not a code of this element{hint}")
        return None
    return repr(constant)

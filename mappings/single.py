"""One expression of the language outside of a mapping: filters, conditions and lanes of channels.

It is compiled by the same walk as a mapping. The message is seen flat, without groups: `IN1-3.1`
is the first one of any IN1, and `values` gives those of all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mappings.context import Context
from mappings.evaluate import evaluate
from mappings.goals import KEY
from mappings.nodes import Text
from mappings.runtime import State
from mappings.scopes import Scope
from mappings.session import Flags, Plan, Session
from mappings.structures import Group
from mappings.variant import Variant
from mappings.walk import finish
from vagus.formats.hl7v2 import dictionary
from vagus.kernel.diagnostics import Diagnostics, Place

NAME = "expression"


class Expression:
    """A compiled expression; pure and total."""

    def __init__(self, text: str, run: Callable[[State], list[Any]], sites: Sequence[Any]) -> None:
        self._run = run
        self._sites = sites
        self._context = Context("", "", "", "", "", "", "", "UTC", _Nobody(), _Nobody())
        self.text = text

    def __repr__(self) -> str:
        return f"<Expression {self.text}>"

    def values(self, message: Any) -> list[str]:
        """Every value, as text."""
        state = State(message, self._context, NAME, "")
        state.sites = self._sites
        return [str(value) for value in self._run(state) or () if value is not None]

    def first(self, message: Any) -> str | None:
        """The first value, or None."""
        values = self.values(message)
        return values[0] if values else None


def compile_expression(
    text: str, place: Place, diagnostics: Diagnostics, source_format: str
) -> Expression | None:
    """The expression of a text with its leading `=`; None after reporting what is wrong."""
    if not text.startswith("="):
        diagnostics.error(place, "bad-expression", "an expression begins with '='")
        return None
    report = Diagnostics()
    plan = _plan(place, source_format)
    session = Session(plan, Flags(True), report)
    session.place = place
    session.lenient = True
    session.scope = Scope("message", "g0", None, session.block, plan.group)
    session.block.statement()
    value = evaluate(session, Text(text, place), KEY, many=True)
    session.block.add(f"return {value.code}")
    diagnostics.extend(report)
    if report.errors:
        return None
    variant = Variant(plan, finish(session))
    return Expression(text, variant.run, variant.sites)


def _plan(place: Place, source_format: str) -> Plan:
    names = dictionary.segments() if source_format == "hl7v2" else ()
    return Plan(
        name=NAME,
        place=place,
        source=source_format,
        structure="",
        target=source_format,
        group=Group("", members=list(names)),
        body=None,
        segments=True,
        ignore=(),
        inherited=(),
        events=(),
        tables={},
    )


class _Nobody:
    """Stands for the registries that an expression does not have."""

    def resource_id(self, type: str, parts: Sequence[str]) -> str:
        """No ids are made here."""
        return ""

    def uri(self, namespace: str, oid: str, oid_type: str) -> tuple[str, bool]:
        """No authority is known here."""
        return "", False

    def authority(self, uri: str) -> tuple[str, str, str]:
        """No system is known here."""
        return "", "", ""

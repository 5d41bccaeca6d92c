"""A mapping ready to be applied: variants compiled when first needed, results built (§14)."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from threading import Lock
from typing import Any

from mappings import deletes, explain
from mappings.context import Context
from mappings.explain import Reading
from mappings.expressions import Path
from mappings.fhir import entries
from mappings.result import Attempt, Lineage, Result, Rule, Warning
from mappings.runtime import ANOTHER, MAX_RESOURCES, Site, State
from mappings.seen import Unfit
from mappings.session import Flags, Plan
from mappings.variant import Narrowing, Variant, compiled
from mappings.walk import Code, walk
from vagus.canonical.bundle import message_bundle
from vagus.kernel.diagnostics import Diagnostics
from vagus.kernel.errors import MappingError

_LAST = itemgetter(slice(-1, None))
_TRACED = Flags(full=True, trace=True)


class Mapping:
    """One mapping. `version` is a digest of all that went into it."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._variants: dict[Flags, Variant] = {}
        self._lock = Lock()
        self._narrowings: tuple[Narrowing, ...] = ()
        if plan.source == "hl7v2":
            self._narrowings = tuple(Narrowing(plan, Flags(full)) for full in (False, True))
        self.name = plan.name
        self.version = plan.version
        self.source_format = plan.source
        self.target_format = plan.target
        self.structure = plan.structure
        self.events = plan.events

    def __repr__(self) -> str:
        return f"<Mapping {self.name}>"

    @property
    def resources(self) -> dict[str, bool]:
        """The resources it makes and its scopes by name, and whether there may be several."""
        if self._plan.segments:
            return {}
        entries = self._plan.body.entries.items()
        return {name: "$each" in node.entries for name, node in entries}

    def lint(self, report: Diagnostics) -> Code:
        """Walk the mapping; its findings go to the report."""
        return walk(self._plan, Flags(), report)

    def prepare(self, *, full: bool = False) -> None:
        """Compile now instead of when the first message comes; `full` for escapes and nulls."""
        self._variant(Flags(full))

    def source(self, flags: Flags | None = None) -> str:
        """The generated Python of a variant."""
        return self._variant(flags or Flags()).code.text

    def rules(self) -> list[Rule]:
        """Every value written in the mapping, as `Result.attempts` counts them."""
        return self._variant(_TRACED).code.session.rules

    def readings(self, result: Result, field: Path) -> list[Reading]:
        """How every rule that reads a field fared in a traced result."""
        session = self._variant(_TRACED).code.session
        guards = explain.guards(self._plan.body, session.ruled)
        return explain.readings(session.rules, guards, result, field)

    def apply(
        self,
        message: Any,
        context: Context,
        trace: bool = False,
        loss: bool | str = False,
    ) -> Result:
        """Map one message; raises MappingError where the mapping says so or a limit is passed.

        `loss` is 'field' (or True) or 'component'.
        """
        level = "field" if loss is True else loss or ""
        state = State(message, context, self.name, self.version)
        full = self._special(message, state) or trace
        if state.text and not (level or trace) and self._narrowings:
            found = self._narrowed(self._narrowings[full], state)
            if found is not None:
                return found
            text, state = state.text, State(message, context, self.name, self.version)
            state.text = text
        variant = self._variant(Flags(full, level, trace))
        state.sites = variant.sites
        out = variant.run(state)
        return self._result(variant, state, out)

    def settle(self) -> None:
        """Wait for what is being compiled beside the messages."""
        for narrowing in self._narrowings:
            narrowing.settle()

    def _narrowed(self, narrowing: Narrowing, state: State) -> Result | None:
        """What the narrowed variant makes of a message; None when there is none or it is unfit."""
        variant = narrowing.variant
        if variant is not None:
            narrowing.tries += 1
            state.sites = variant.sites
            try:
                return self._result(variant, state, variant.run(state))
            except Unfit:
                pass
        narrowing.missed(state)
        return None

    def _special(self, message: Any, state: State) -> bool:
        """Whether a message has escapes, nulls, or values that may be nothing but blanks."""
        segments = getattr(message, "segments", None)
        if segments is None:
            return any(item.get("resourceType") == "Parameters" for _, item in entries(message))
        text = state.text = "\r".join(map("|".join, segments))
        if getattr(message, "has_escapes", False) or getattr(message, "has_nulls", False):
            return True
        *before, _ = text.split(" ")
        marks = ("|", state.component, state.repetition, state.sub)
        return not set(map(_LAST, before)).isdisjoint(marks)

    def _variant(self, flags: Flags) -> Variant:
        variant = self._variants.get(flags)
        if variant is None:
            with self._lock:
                variant = self._variants.get(flags)
                if variant is None:
                    variant = self._variants[flags] = compiled(self._plan, flags)
        return variant

    def _result(self, variant: Variant, state: State, out: list[Any]) -> Result:
        if len(out) > MAX_RESOURCES:
            raise MappingError("output-limit", mapping=self.name, path="resources")
        result = Result()
        if self._plan.segments:
            result.segments = out
        else:
            result.bundle = _bundle(out, state)
        sites = variant.sites
        if state.warnings or state.misplaced:
            result.warnings = [
                Warning(code, sites[k][0], sites[k][2]) for code, k in state.warnings
            ]
            place = str(self._plan.place)
            result.warnings += [
                Warning("misplaced-segment", place, name) for name in state.misplaced
            ]
        if state.deletes or state.taken:
            _delete(result, state, sites)
        if state.trace:
            rules = variant.code.session.rules
            for element, k, read in state.trace:
                rule = rules[k]
                origin = Lineage(element, rule.place, *_sources(read), rule.via, rule.text)
                result.lineage.append(origin)
            result.attempts = [Attempt(k, *_sources(read), ok) for k, read, ok in state.attempts]
            result.resources = out
        if variant.code.session.flags.loss:
            result.loss, result.left = variant.accountant.account(state)
        return result


def _sources(read: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The positions read, and those of the last alternative."""
    if ANOTHER not in read:
        return read, read
    last = len(read) - read[::-1].index(ANOTHER)
    return tuple(place for place in read if place != ANOTHER), read[last:]


def _delete(result: Result, state: State, sites: Sequence[Site]) -> None:
    """What the message explicitly empties or takes away, also in the Bundle."""
    entries = result.bundle.get("entry", [])
    result.deletes = deletes.found(
        [(owner, element, sites[k][2]) for owner, element, k in state.deletes],
        state.taken,
        [entry["resource"] for entry in entries],
    )

    def named(owner: str) -> str:
        return state.rid("Parameters", (owner, state.own or state.own_text()))

    for own, resource in deletes.parameters(result.deletes, named):
        entries.append({"fullUrl": f"urn:uuid:{own}", "resource": resource})


def _bundle(out: list[Any], state: State) -> dict[str, Any]:
    """The message Bundle; a collection when the mapping makes no MessageHeader."""
    moved = state.copied or None
    kinds = [resource["resourceType"] for resource in out]
    if "MessageHeader" in kinds:
        return message_bundle(out, timestamp=state.context.now, moved=moved)
    header = {"resourceType": "MessageHeader", "id": ""}
    bundle = message_bundle([header, *out], timestamp=state.context.now, moved=moved)
    bundle["type"] = "collection"
    del bundle["entry"][0]
    if not bundle["entry"]:
        del bundle["entry"]
    return bundle

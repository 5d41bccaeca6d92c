"""The steps a channel can take with a message, made from their configuration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from time import perf_counter
from typing import Any, Protocol

from channels.config import OnIssue
from channels.measure import ChannelMeasures
from channels.routing import Condition
from channels.work import Step, Work
from mappings.catalogue import Catalogue
from mappings.context import Context
from mappings.mapping import Mapping
from vagus.canonical.validation import Validator
from vagus.formats.finding import Finding, Severity
from vagus.kernel import ids
from vagus.kernel.errors import MessageError, ValidationFailed

_MOST_NOTED = 5


class _NoMapping(MessageError):
    stage = "map"


def filter_step(condition: Condition, reason: str) -> Step:
    """Stop what the condition does not hold for."""

    def step(work: Work) -> str | None:
        return None if condition(work.message) else reason

    return step


class _Missing(MessageError):
    stage = "require"


def require_step(condition: Condition, reason: str) -> Step:
    """Make a dead letter of what the condition does not hold for."""

    def step(work: Work) -> None:
        if not condition(work.message):
            raise _Missing(reason)

    return step


class CheckFailed(ValidationFailed):
    """The message breaks its standard, or what a profile demands."""

    stage = "check"


def check_step(
    check: Callable[[Any], Sequence[Finding]], on_issue: OnIssue, measures: ChannelMeasures
) -> Step:
    """Check a message as it came; an error is a dead letter, or is counted and noted."""

    def step(work: Work) -> None:
        found = [item for item in check(work.message) if item.severity is not Severity.INFO]
        measures.findings += len(found)
        errors = [item for item in found if item.severity is Severity.ERROR]
        if not errors:
            return
        issues = [f"{item.code} {item.where}".strip() for item in errors]
        if on_issue is not OnIssue.WARN:
            raise CheckFailed(errors[0].code, errors[0].where, issues)
        work.notes = (*work.notes, "; ".join(issues[:_MOST_NOTED]))

    return step


def validate_step(validator: Validator, on_issue: OnIssue, measures: ChannelMeasures) -> Step:
    """Check the canonical result; an issue is a dead letter, or a warning that is counted."""
    fatal = on_issue is OnIssue.DEAD

    def step(work: Work) -> None:
        if work.bundle is None:
            raise ValidationFailed("nothing-to-validate")
        started = perf_counter()
        valid = validator.valid(work.bundle)
        measures.validation.add(perf_counter() - started)
        if valid:
            return
        if fatal:
            issues = validator.issues(work.bundle)
            first = issues[0].place if issues else ""
            raise ValidationFailed("invalid", first, issues)
        measures.warnings += 1

    return step


def split_step(divide: Callable[[Any, str], Sequence[Any]], path: str) -> Step:
    """Go on with one part for each occurrence of a segment or group."""

    def step(work: Work) -> list[Work] | None:
        parts = divide(work.message, path)
        if len(parts) < 2:
            return None
        return [Work(work.envelope, part, work.event, divided=True) for part in parts]

    return step


class Chooser(Protocol):
    """Finds the mapping for a message; None when there is none."""

    def __call__(self, work: Work) -> Mapping | None:
        """The mapping for one message."""
        ...


def by_name(catalogue: Catalogue, name: str) -> Chooser:
    """Always the same mapping, unless the message asks for another one."""
    fixed = catalogue.get(name)

    def choose(work: Work) -> Mapping | None:
        override = work.envelope.override
        return catalogue.get(override) if override else fixed

    return choose


def by_type(catalogue: Catalogue, source: str) -> Chooser:
    """The mapping that fits the message's structure and type, found once for each."""
    known: dict[tuple[str, str], Mapping | None] = {}

    def choose(work: Work) -> Mapping | None:
        if work.envelope.override:
            return catalogue.get(work.envelope.override)
        key = (work.message.structure, work.message.type)
        if key not in known:
            known[key] = catalogue.select(source, structure=key[0], type=key[1])
        return known[key]

    return choose


def transform_step(choose: Chooser, context: Context, measures: ChannelMeasures) -> Step:
    """Make the canonical Bundle."""
    digests: dict[str, bytes] = {}

    def digest(mapping: Mapping) -> bytes:
        known = digests.get(mapping.version)
        if known is None:
            known = digests[mapping.version] = bytes.fromhex(mapping.version)
        return known

    def step(work: Work) -> None:
        mapping = choose(work)
        if mapping is None:
            raise _NoMapping("no-mapping")
        started = perf_counter()
        result = mapping.apply(work.message, at_acceptance(context, work.envelope.id))
        measures.mapping.add(perf_counter() - started)
        work.bundle = result.bundle
        work.mapping = digest(mapping)
        measures.warnings += len(result.warnings)

    return step


def at_acceptance(context: Context, message_id: int, part: int = 0) -> Context:
    """The context of one message: its `now` is its acceptance, so that it can be made again."""
    moment = datetime.fromtimestamp(ids.millis(message_id) / 1000, UTC)
    stamp = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    name = ids.to_text(message_id)
    return context.arrived(f"{name}.{part}" if part else name, stamp, stamp)

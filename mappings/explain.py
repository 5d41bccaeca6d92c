"""What became of one field of a message: every rule that reads it, and how each fared (§10).

The trace variant of a mapping notes each rule that is asked. A rule that reads the field and was
not asked stands below a `$each` or `$when` that gave nothing: the outermost such is the reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from mappings.expressions import Path
from mappings.nodes import Items, Node, Object, Text
from mappings.result import Attempt, Result, Rule

#: How a rule fared: its value came from the field; it looked there and got nothing; it got its
#: value before it came to the field; a guard around it gave nothing; nothing around it was there.
GAVE, NOTHING, EARLIER, GUARDED, UNASKED = "gave", "nothing", "earlier", "guarded", "unasked"

_COUNTS = re.compile(r"\(\d+\)")


class Reading(NamedTuple):
    """One rule that reads a field, and one way in which it fared in a message, `times` over.

    `elements` are those of the output that it filled from the field, `sources` the positions it
    looked at the first time, `given` those among them that gave its value, wherever they are;
    `because` is the guard that kept it from being asked.
    """

    rule: Rule
    outcome: str
    times: int
    elements: tuple[str, ...]
    sources: tuple[str, ...]
    given: tuple[str, ...]
    because: Rule | None = None


def readings(
    rules: Sequence[Rule], guards: Mapping[int, tuple[int, ...]], result: Result, field: Path
) -> list[Reading]:
    """How every rule that reads a field fared, in the order of the mapping.

    `guards` are the numbers of the `$each` and `$when` around each rule, outermost first. The
    result must be traced.
    """
    asked: dict[int, list[Attempt]] = {}
    for attempt in result.attempts:
        asked.setdefault(attempt.rule, []).append(attempt)
    found: list[Reading] = []
    for number, rule in enumerate(rules):
        if not any(touches(read, field) for read in rule.reads):
            continue
        attempts = asked.get(number, ())
        for outcome in (GAVE, EARLIER, NOTHING):
            fared = [item for item in attempts if _outcome(item, field) == outcome]
            if fared:
                filled = _filled(rule, result, field) if outcome == GAVE else ()
                first = fared[0]
                given = first.given if first.found else ()
                found.append(Reading(rule, outcome, len(fared), filled, first.sources, given))
        if not attempts:
            because = _because(guards.get(number, ()), asked)
            why = rules[because] if because is not None else None
            found.append(Reading(rule, GUARDED if why else UNASKED, 0, (), (), (), why))
    return found


def guards(body: Node, ruled: Mapping[int, int]) -> dict[int, tuple[int, ...]]:
    """The rules that guard each rule of a mapping's body; `ruled` numbers the nodes by `id()`."""
    return dict(_guarded(body, ruled, ()))


def _guarded(
    node: Node, ruled: Mapping[int, int], above: tuple[int, ...]
) -> Iterator[tuple[int, tuple[int, ...]]]:
    match node:
        case Text() if id(node) in ruled:
            yield ruled[id(node)], above
        case Items(items=items):
            for item in items:
                yield from _guarded(item, ruled, above)
        case Object(entries=entries):
            for word in ("$each", "$when"):
                if (guard := entries.get(word)) is not None:
                    yield from _guarded(guard, ruled, above)
                    nodes = guard.items if isinstance(guard, Items) else (guard,)
                    above += tuple(ruled[id(item)] for item in nodes if id(item) in ruled)
            for key, child in entries.items():
                if key not in ("$each", "$when"):
                    yield from _guarded(child, ruled, above)


def position(source: str) -> str:
    """A place looked at without its counts: `PID-3.1` for `PID(1)-3(2).1`."""
    return _COUNTS.sub("", source)


def touches(place: str, field: Path) -> bool:
    """Whether a place that is read is the field, a part of it, or what it is part of."""
    wanted = position(field.text).rpartition("/")[2]
    read = position(place)
    return read == wanted or read.startswith(f"{wanted}.") or wanted.startswith(f"{read}.")


def _outcome(attempt: Attempt, field: Path) -> str:
    if attempt.found and any(touches(source, field) for source in attempt.given):
        return GAVE
    if any(touches(source, field) for source in attempt.sources) or not attempt.found:
        return NOTHING
    return EARLIER


def _filled(rule: Rule, result: Result, field: Path) -> tuple[str, ...]:
    return tuple(
        item.element
        for item in result.lineage
        if (item.place, item.via) == (rule.place, rule.via)
        and any(touches(source, field) for source in item.given)
    )


def _because(around: Sequence[int], asked: Mapping[int, Sequence[Attempt]]) -> int | None:
    """The outermost guard that was asked and never gave a value."""
    for number in around:
        attempts = asked.get(number, ())
        if attempts and not any(item.found for item in attempts):
            return number
    return None

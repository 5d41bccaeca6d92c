"""What a mapping gives back for one message: the output, and what it noticed on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Warning(NamedTuple):
    """Something to look at: a code, the place in the mapping, the position in the message."""

    code: str
    place: str
    where: str


class Delete(NamedTuple):
    """An element the message explicitly empties: `Patient/id`, the element's path, its source."""

    resource: str
    element: str
    source: str


class Loss(NamedTuple):
    """Populated fields of one segment that nothing read.

    `fields` are field numbers, or `5.2` texts when components are accounted for. With FHIR input
    `segment` is the resource type and `fields` are element paths.
    """

    segment: str
    occurrence: int
    fields: list[Any]


class Left(NamedTuple):
    """A populated field that the mapping leaves alone on purpose, and why (`ignore:`)."""

    segment: str
    occurrence: int
    field: Any
    why: str


class Lineage(NamedTuple):
    """Where one output element came from.

    `sources` are the positions looked at, in order, `given` those of the alternative that gave
    the value. `place` is the line of the rule, `via` the lines that asked for the templates it
    stands in, the mapping's own first. `rule` is what is written there.
    """

    element: str
    place: str
    sources: tuple[str, ...]
    given: tuple[str, ...]
    via: tuple[str, ...]
    rule: str


class Rule(NamedTuple):
    """One value written in a mapping: where, for which element, and which fields it may read.

    `role` is `$each`, `$when`, `$key`, or '' for a value of the output.
    """

    place: str
    via: tuple[str, ...]
    text: str
    element: str
    role: str
    reads: frozenset[str]


class Attempt(NamedTuple):
    """A rule was asked: the positions it looked at, and whether it gave a value.

    `given` are the positions of the alternative that came last.
    """

    rule: int
    sources: tuple[str, ...]
    given: tuple[str, ...]
    found: bool


@dataclass(slots=True)
class Result:
    """The output of a mapping: a Bundle for FHIR, segments for HL7 v2 and X12.

    With a trace, `attempts` hold every rule asked, and `resources` what `lineage` counts: they are
    those of the Bundle before equal ones became one. Parts of a bundle stand in those of other
    messages too: copy before you change anything.
    """

    bundle: dict[str, Any] = field(default_factory=dict)
    segments: list[Any] = field(default_factory=list)
    warnings: list[Warning] = field(default_factory=list)
    deletes: list[Delete] = field(default_factory=list)
    loss: list[Loss] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    lineage: list[Lineage] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    resources: list[Any] = field(default_factory=list)

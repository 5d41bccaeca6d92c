"""Maps every ADT and SIU message of the shared corpora with the library and counts what comes out.

Run as a script it prints the table; `test_corpora.py` asserts on the same figures.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mappings.catalogue import Catalogue, load
from mappings.context import Context
from mappings.result import Left
from vagus.canonical.bundle import dumps
from vagus.canonical.identity import Identity
from vagus.canonical.systems import Systems
from vagus.canonical.validation import Validator
from vagus.formats.format import Terms
from vagus.formats.hl7v2 import HL7V2
from vagus.kernel.diagnostics import Diagnostics
from vagus.kernel.errors import DecodeError, MappingError

CORPORA = Path(__file__).parents[4] / "shared/corpora"
FORMAT = HL7V2()
TERMS = Terms(charset="latin-1")


@dataclass
class Outcome:
    """One message and what became of it."""

    file: str
    type: str
    state: str  # valid | invalid | refused
    mapping: str = ""
    resources: int = 0
    issues: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    loss: list[str] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    stable: bool = True


def library() -> Catalogue:
    """The library, linted."""
    diagnostics = Diagnostics()
    found = load([], diagnostics)
    diagnostics.raise_errors()
    return found


def context() -> Context:
    """A delivery that is the same every time."""
    return Context(
        message_id="m-1",
        endpoint="corpora",
        source="corpora",
        facility="corpora",
        received_at="2026-03-02T09:00:00Z",
        raw_url="",
        now="2026-03-02T09:00:00Z",
        zone="UTC",
        identity=Identity(b"k" * 32),
        systems=Systems("corpora"),
    )


def messages() -> Iterator[tuple[str, bytes]]:
    """Every HL7 v2 message of the corpora with the file it stands in."""
    for path in sorted(CORPORA.glob("hl7-*/**/*.hl7")):
        try:
            for body in FORMAT.split(path.read_bytes()):
                yield str(path.relative_to(CORPORA)), body
        except DecodeError:
            continue


def outcomes(catalogue: Catalogue) -> Iterator[Outcome]:
    """What becomes of each message that names an event the library maps."""
    validator = Validator()
    facts = context()
    for file, body in messages():
        try:
            message = FORMAT.decode(body, TERMS)
        except DecodeError:
            continue
        if message.code in ("ADT", "SIU"):
            mapping = catalogue.select("hl7v2", structure=message.structure, type=message.type)
            if mapping is not None:
                yield _outcome(file, message, mapping, facts, validator)


def _outcome(file: str, message: Any, mapping: Any, facts: Context, check: Validator) -> Outcome:
    try:
        result = mapping.apply(message, facts, loss="field")
        again = mapping.apply(message, facts)
    except MappingError:
        return Outcome(file, message.type, "refused", mapping.name)
    issues = check.issues(result.bundle)
    return Outcome(
        file,
        message.type,
        "invalid" if issues else "valid",
        mapping.name,
        len(result.bundle["entry"]),
        [f"{issue.place.split('[')[0]}: {issue.code}" for issue in issues],
        [warning.code for warning in result.warnings],
        [f"{segment}-{number}" for segment, _, numbers in result.loss for number in numbers],
        result.left,
        dumps(result.bundle) == dumps(again.bundle),
    )


def table(found: list[Outcome]) -> str:
    """The figures as text: per structure, findings by code, loss by field."""
    lines = ["mapping       messages  valid  invalid  refused  resources"]
    for name in sorted({outcome.mapping for outcome in found}):
        own = [outcome for outcome in found if outcome.mapping == name]
        states = Counter(outcome.state for outcome in own)
        made = sum(outcome.resources for outcome in own)
        lines.append(
            f"{name:12}  {len(own):8}  {states['valid']:5}  {states['invalid']:7}"
            f"  {states['refused']:7}  {made:9}"
        )
    for title, attribute in (("issues", "issues"), ("warnings", "warnings"), ("loss", "loss")):
        counts = Counter(item for outcome in found for item in getattr(outcome, attribute))
        lines.append(f"{title}: {sum(counts.values())}")
        lines.extend(f"  {number:5}  {item}" for item, number in counts.most_common(60))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(table(list(outcomes(library()))) + "\n")

"""Why an expected leaf is not in our Bundle: every difference falls into a class with a reason."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from map_conformance.comparing import Difference

FILE = Path(__file__).with_name("classes.yaml")
#: Whose a difference is: the first two are theirs, the others ours.
OWNERS = ("dialect", "defect", "choice", "to do")


@dataclass(frozen=True)
class Class:
    """A kind of difference; it holds for what fits any of its conditions."""

    name: str
    whose: str
    reason: str
    conditions: tuple[tuple[tuple[str, re.Pattern[str]], ...], ...]

    def holds(self, oracle: str, found: Difference) -> bool:
        """Whether a difference is of this kind."""
        facts = {
            "oracle": oracle,
            "type": found.type,
            "path": found.path,
            "value": found.value,
            "ours": found.ours,
            "state": found.state,
        }
        return any(
            all(pattern.search(facts[name]) for name, pattern in condition)
            for condition in self.conditions
        )


@cache
def classes() -> tuple[Class, ...]:
    """The classes as written, the first that holds first."""
    return tuple(
        Class(item["class"], item["whose"], " ".join(item["reason"].split()), _conditions(item))
        for item in yaml.safe_load(FILE.read_text("utf-8"))
    )


def _conditions(
    item: dict[str, list[dict[str, str]]],
) -> tuple[tuple[tuple[str, re.Pattern[str]], ...], ...]:
    return tuple(
        tuple((name, re.compile(text)) for name, text in condition.items())
        for condition in item["when"]
    )


def classify(oracle: str, found: Difference) -> Class | None:
    """The class of a difference, or None when nobody has explained it."""
    return next((item for item in classes() if item.holds(oracle, found)), None)

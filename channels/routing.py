"""Which destinations want an event: by its type, and by conditions on the message."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from channels.work import Work
from vagus.canonical import events

Condition = Callable[[Any], object]


@dataclass(frozen=True, slots=True)
class Route:
    """One destination's wishes; no patterns means every event, none included."""

    destination: int
    patterns: tuple[str, ...] = ()
    condition: Condition | None = None

    def wants(self, event: str) -> bool:
        """Whether a pattern admits the event."""
        if not self.patterns:
            return True
        return any(events.matches(pattern, event) for pattern in self.patterns)


class Router:
    """The routes of one channel; what a type of event needs is worked out once."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = routes
        self._known: dict[str, tuple[tuple[int, ...], tuple[Route, ...]]] = {}

    def targets(self, work: Work) -> Sequence[int]:
        """The destinations that want this part, in the order of the channel file."""
        known = self._known.get(work.event)
        if known is None:
            known = self._learn(work.event)
        fixed, conditional = known
        if not conditional:
            return fixed
        chosen = [
            route.destination
            for route in conditional
            if route.condition is None or route.condition(work.message)
        ]
        return [*fixed, *chosen]

    def _learn(self, event: str) -> tuple[tuple[int, ...], tuple[Route, ...]]:
        wanting = [route for route in self._routes if route.wants(event)]
        fixed = tuple(route.destination for route in wanting if route.condition is None)
        conditional = tuple(route for route in wanting if route.condition is not None)
        self._known[event] = (fixed, conditional)
        return fixed, conditional

"""What generated code remembers from message to message (§14).

What it remembers stands in the output of many messages, so nobody may change an output in place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mappings.runtime import State

#: How many values are kept for each function; then it begins anew.
LIMIT = 500
#: How many variants remember something for one channel; then all begin anew.
MOST = 64


class Kept(dict[str, Any]):
    """What a function makes of a value, made once for each."""

    def __init__(self, make: Callable[[str], Any]) -> None:
        self._make = make

    def __missing__(self, value: str) -> Any:
        made = self._make(value)
        keep(self, value, made)
        return made


class Memory:
    """What one variant of a mapping remembers for each channel, by its own number per function."""

    def __init__(self) -> None:
        self.size = 0

    def number(self) -> int:
        """The number of one more function."""
        self.size += 1
        return self.size - 1

    def of(self, state: State) -> list[dict[Any, Any]]:
        """What is remembered for the channel and the separators of a message."""
        key = (self, state.component, state.sub)
        found = state.context.memory.get(key)
        if found is None:
            if len(state.context.memory) >= MOST:
                state.context.memory.clear()
            found = state.context.memory[key] = [{} for _ in range(self.size)]
        return found


def keep(memory: dict[Any, Any], item: Any, made: Any) -> None:
    """Keep what was made of an item."""
    if len(memory) >= LIMIT:
        memory.clear()
    memory[item] = made

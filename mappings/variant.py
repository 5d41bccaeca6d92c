"""The compiled forms of a mapping: whole ones, and those narrowed to what a feed holds (§14)."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import Any

from mappings.losses import Accountant
from mappings.runtime import State
from mappings.seen import Seen
from mappings.session import Flags, Plan
from mappings.walk import Code, walk
from vagus.kernel.diagnostics import Diagnostics
from vagus.kernel.errors import ConfigError

#: Messages that pass before the first narrowed variant is made; twice as many that do not fit it
#: before the next.
FIRST = 64
#: One message in so many may hold nothing new and yet not fit, because its segments stand in an
#: order that the mapping's structure does not know; where there are more, trying does not pay.
ODD = 8


class Variant:
    """One compiled form of a mapping."""

    __slots__ = ("accountant", "code", "run", "sites")

    def __init__(self, plan: Plan, code: Code) -> None:
        self.code = code
        self.sites = tuple(code.session.sites)
        self.accountant = Accountant(code.session)
        names = dict(code.names)
        # The text holds names, numbers and repr() of constants only: see emit.
        exec(compile(code.text, f"<mapping {plan.name!r}>", "exec"), names)  # noqa: S102
        self.run: Callable[[State], list[Any]] = names["run"]


def compiled(plan: Plan, flags: Flags, seen: Seen | None = None) -> Variant:
    """A variant made now; raises ConfigError when the mapping has errors."""
    report = Diagnostics()
    code = walk(plan, flags, report, seen)
    report.raise_errors()
    return Variant(plan, code)


class Narrowing:
    """Learns what the messages of a mapping hold, and has a narrowed variant made beside them.

    `variant` is the one to be tried, once there is one. Every message that it did not map, or
    that came before there was one, is told to `missed`.
    """

    def __init__(self, plan: Plan, flags: Flags) -> None:
        self._plan = plan
        self._flags = flags
        self._seen = Seen()
        self._known = Seen()
        self._misses = 0
        self._odd = 0
        self._due = FIRST
        self._work: Thread | None = None
        self.tries = 0
        self.variant: Variant | None = None

    def missed(self, state: State) -> None:
        """Take note of a message, and begin to make a variant when there were enough of them."""
        if not self._due:
            return
        message = Seen()
        message.add(state.message.segments, (state.component, state.repetition, state.sub))
        if self.variant is not None and self._known.covers(message):
            self._odd += 1
            if self._odd > FIRST and self._odd * ODD > self.tries:
                self._give_up()
            return
        self._seen.merge(message)
        self._misses += 1
        if self._misses >= self._due:
            self._misses, self._due = 0, self._due * 2
            self._work = Thread(target=self._narrow, args=(self._seen.copy(),), daemon=True)
            self._work.start()

    def settle(self) -> None:
        """Wait for the variant that is being made, if one is."""
        if self._work is not None:
            self._work.join()

    def _narrow(self, seen: Seen) -> None:
        try:
            variant = compiled(self._plan, self._flags, seen)
        except ConfigError:
            self._give_up()
            return
        self._known, self.variant = seen, variant

    def _give_up(self) -> None:
        """Leave all messages to the whole code."""
        self.variant, self._due = None, 0

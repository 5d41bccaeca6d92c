"""Third step of a message's life: decode, filter, map, validate, route. Pure and synchronous."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from channels.config import Unrouted
from channels.routing import Router
from channels.work import Step, Work
from vagus.kernel.envelope import Envelope
from vagus.kernel.errors import MappingError, MessageError, Unroutable, ValidationFailed

UNROUTED = "unrouted"


@dataclass(slots=True)
class Outcome:
    """What became of a message: parts with the destinations that want them, or why none.

    `dropped` has the number of each part that goes nowhere, with the word of the filter that
    stopped it; `notes` what was noticed on the way; `error` is why the whole message is a dead
    letter.
    """

    routed: list[tuple[Work, Sequence[int]]] = field(default_factory=list)
    dropped: list[tuple[int, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    error: MessageError | None = None


class Pipeline:
    """The steps of one channel."""

    def __init__(
        self,
        decode: Callable[[bytes], Any],
        event: Callable[[str], str],
        steps: Sequence[Step],
        router: Router,
        unrouted: Unrouted,
    ) -> None:
        self._decode = decode
        self._event = event
        self._steps = steps
        self._router = router
        self._unrouted = unrouted

    def run(self, envelope: Envelope) -> Outcome:
        """Everything that follows from one message; never raises for what it contains."""
        outcome = Outcome()
        try:
            for work in self.parts(envelope, outcome):
                if targets := self._router.targets(work):
                    outcome.routed.append((work, targets))
                elif self._unrouted is Unrouted.DEAD:
                    raise Unroutable("no-destination")
                else:
                    outcome.dropped.append((work.part, UNROUTED))
        except MessageError as error:
            outcome.error = error
            outcome.routed.clear()
        return outcome

    def parts(self, envelope: Envelope, outcome: Outcome) -> list[Work]:
        """The parts of a message that pass every step; raises MessageError."""
        if envelope.message is None:
            envelope.message = self._decode(envelope.body)
        message = envelope.message
        done: list[Work] = []
        self._walk(Work(envelope, message, self._event(message.type)), 0, done, outcome)
        return done

    def _walk(self, work: Work, first: int, done: list[Work], outcome: Outcome) -> None:
        for position in range(first, len(self._steps)):
            result = self._steps[position](work)
            if work.notes:
                outcome.notes += work.notes
                work.notes = ()
            if result is None:
                continue
            if isinstance(result, str):
                outcome.dropped.append((self._numbered(work, done, outcome).part, result))
                return
            for part in result:
                self._walk(part, position + 1, done, outcome)
            return
        done.append(self._numbered(work, done, outcome))

    @staticmethod
    def _numbered(work: Work, done: list[Work], outcome: Outcome) -> Work:
        """Parts are numbered whatever becomes of them, so that each keeps its number."""
        work.part = len(done) + len(outcome.dropped)
        return work


def where_of(error: MessageError) -> str:
    """The place a dead letter shows: in the message, and in the mapping when one is at fault."""
    if isinstance(error, MappingError) and error.path:
        return f"{error.mapping}:{error.line} {error.path} {error.where}".strip()
    if isinstance(error, ValidationFailed) and error.issues:
        return "; ".join(str(issue) for issue in error.issues[:5])
    return error.where

"""First step of a message's life: what arrived is identified, stored, and only then answered.

Nothing that arrives is lost: what cannot be read, or may not be accepted, is stored as a dead
letter with its bytes and answered as its format demands.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any, Protocol

from channels.acks import Awaiting, Fate
from channels.config import Ack
from channels.measure import ChannelMeasures
from connectors.seam import Reply, Respond
from vagus.formats.finding import Finding
from vagus.formats.format import Answer, Format, Stage, Terms, Verdict
from vagus.journal.entries import Accept, Died, Entry, Replied
from vagus.kernel import ids
from vagus.kernel.clock import Clock
from vagus.kernel.envelope import Envelope
from vagus.kernel.errors import DecodeError, MessageError
from vagus.kernel.log import get_logger

log = get_logger(__name__)

ACCEPTED = Answer(Verdict.ACCEPTED)
UNREADABLE = "unreadable"
ENGINE_DEFECT = "engine-defect"


class Journal(Protocol):
    """Where an intake writes, and asks what became of a message."""

    ids: ids.Ids

    def put(self, entry: Entry) -> None:
        """Record; the entry's `then` follows the commit."""
        ...

    def fate(self, message_id: int) -> Fate | None:
        """How far a message has come; None when it is not known."""
        ...


@dataclass(frozen=True, slots=True)
class Reading:
    """How the messages of one endpoint are read, ordered and answered."""

    format: Format
    terms: Terms
    ack: Ack
    lanes: Callable[[Any], tuple[bytes, ...]]  # opaque tokens of what must stay in order
    sender: Callable[[str], int]  # keyed hash of who sent it
    #: What a check of this channel refuses a message for, so that its sender is told.
    faults: Callable[[Any], Sequence[Finding]] = lambda message: ()


class Intake:
    """Takes what a source received into the journal, and answers once it is durable."""

    def __init__(
        self,
        endpoint: int,
        reading: Reading,
        journal: Journal,
        clock: Clock,
        measures: ChannelMeasures,
        arrived: Callable[[Envelope], None],
    ) -> None:
        self._endpoint = endpoint
        self._reading = reading
        self._journal = journal
        self._clock = clock
        self._measures = measures
        self._arrived = arrived
        self.awaiting = Awaiting(journal.fate)

    def receive(self, frame: bytes, peer: str, respond: Respond, damage: str = "") -> None:
        """Take one frame from a source; `respond` is called once it is durable."""
        self._measures.last_message = self._clock.now()
        if damage:
            self._refuse(frame, "frame", MessageError(damage), respond)
            return
        try:
            bodies = self._reading.format.split(frame)
        except DecodeError as error:
            self._refuse(frame, error.stage, error, respond)
            return
        if len(bodies) == 1:
            self._take(bodies[0], respond)
            return
        if not bodies:
            respond(Reply(None))  # a batch of nothing: there is nothing to keep
            return
        batch = _Batch(len(bodies), respond)
        for position, body in enumerate(bodies):
            self._take(body, partial(batch.one, position))

    def _hears(self, message: Any) -> tuple[bool, bool]:
        """Whether the sender hears when its message is stored, and when it is done with."""
        stages = self._reading.format.stages(message)
        if stages is not None:
            return Stage.STORED in stages, Stage.DONE in stages
        late = self._reading.ack is Ack.DELIVERED
        return not late, late

    def again(
        self, body: bytes, cause: int, override: str | None, told: Callable[[int], None]
    ) -> None:
        """Take a stored message in once more: a new message that names its cause."""
        started = self._clock.monotonic()
        message: Any = None
        lanes: tuple[bytes, ...] = ()
        error: MessageError | None = None
        try:
            message = self._reading.format.decode(body, self._reading.terms)
            lanes = self._reading.lanes(message)
        except MessageError as problem:
            message, error = None, problem
        entry = self._entry(message, body, lanes)
        entry.cause, entry.override, entry.dedupe = cause, override, False
        envelope = Envelope(entry.id, self._endpoint, body, message, cause, override, started)

        def stored() -> None:
            if error is None:
                self._arrived(envelope)
            told(entry.id)

        entry.then = stored
        self._journal.put(entry)
        if error is not None:
            self._journal.put(Died(entry.id, self._endpoint, error.stage, error.code, error.where))

    def _take(self, body: bytes, respond: Respond) -> None:
        started = self._clock.monotonic()
        reading = self._reading
        try:
            message = reading.format.decode(body, reading.terms)
            objection = reading.format.objection(message, reading.terms)
            lanes = reading.lanes(message)
        except MessageError as error:
            self._refuse(body, error.stage, error, respond)
            return
        except Exception:  # a defect of ours: the message is kept, and its sender can go on
            log.exception("decode_fault")
            self._refuse(body, DecodeError.stage, DecodeError(ENGINE_DEFECT), respond)
            return
        if objection is not None:
            self._object(body, message, lanes, objection, respond)
            return
        entry = self._entry(message, body, lanes)
        if self._hears(message)[0]:
            entry.reply = self._reply(entry, body, message, ACCEPTED, Stage.STORED)
        envelope = Envelope(entry.id, self._endpoint, body, message, arrived=started, lanes=lanes)
        entry.then = partial(self._stored, entry, envelope, respond)
        self._journal.put(entry)

    def _entry(self, message: Any, body: bytes, lanes: tuple[bytes, ...] = ()) -> Accept:
        entry = Accept(
            id=self._journal.ids.next(),
            endpoint=self._endpoint,
            type=UNREADABLE,
            control="",
            sender=0,
            subject=None,
            hash=sha256(body).digest(),
            body=body,
        )
        if message is not None:
            entry.type, entry.control = message.type, message.control
            entry.sender = self._reading.sender(message.sender)
            entry.subject = lanes[0] if lanes else None
        return entry

    def _reply(
        self, entry: Accept, body: bytes, message: Any, answer: Answer, stage: Stage
    ) -> bytes | None:
        control = ids.to_text(entry.id)
        return self._reading.format.reply(body, message, answer, stage, control, self._clock.now())

    def _stored(self, entry: Accept, envelope: Envelope, respond: Respond) -> None:
        """The commit is done: answer, and let the message go on."""
        self._measures.ack.add(self._clock.monotonic() - envelope.arrived)
        if entry.reused:
            self._measures.reused_controls += 1
        if entry.duplicate is not None:
            self._again(entry, envelope, respond)
            return
        now, later = self._hears(envelope.message)
        if later:
            self.awaiting.expect(entry.id, partial(self._done, entry, envelope, respond))
        if now or not later:
            respond(Reply(entry.reply, follows=int(later)))
        self._arrived(envelope)

    def _again(self, entry: Accept, envelope: Envelope, respond: Respond) -> None:
        """A duplicate gets the answer its first copy got, or will get."""
        now, later = self._hears(envelope.message)
        if now or not later:
            if now and entry.reply is None:
                entry.reply = self._reply(
                    entry, entry.body, envelope.message, ACCEPTED, Stage.STORED
                )
            respond(Reply(entry.reply, follows=int(later)))
        elif entry.reply is not None:
            respond(Reply(entry.reply))
            return
        if later:
            first = entry.duplicate or 0
            self.awaiting.expect_known(first, partial(self._done, entry, envelope, respond))

    def _done(self, entry: Accept, envelope: Envelope, respond: Respond, verdict: Verdict) -> None:
        answer = ACCEPTED
        if verdict is not Verdict.ACCEPTED:
            answer = Answer(verdict, "207", findings=self._reading.faults(envelope.message))
        reply = self._reply(entry, envelope.body, envelope.message, answer, Stage.DONE)
        if reply is not None and entry.duplicate is None and not self._hears(envelope.message)[0]:
            self._journal.put(Replied(entry.id, reply))
        respond(Reply(reply, accepted=verdict is Verdict.ACCEPTED))

    def _object(
        self,
        body: bytes,
        message: Any,
        lanes: tuple[bytes, ...],
        answer: Answer,
        respond: Respond,
    ) -> None:
        """A readable message that this endpoint may not take."""
        entry = self._entry(message, body, lanes)
        died = Died(entry.id, self._endpoint, "accept", answer.code, answer.where)
        self._bury(entry, message, answer, died, respond)

    def _refuse(self, body: bytes, stage: str, error: MessageError, respond: Respond) -> None:
        """Bytes that are no message."""
        entry = self._entry(None, body)
        died = Died(entry.id, self._endpoint, stage, error.code, error.where)
        self._bury(entry, None, self._reading.format.refusal(error), died, respond)

    def _bury(
        self, entry: Accept, message: Any, answer: Answer, died: Died, respond: Respond
    ) -> None:
        self._measures.refused += 1
        accepted = self._reading.ack is Ack.RECEIVED
        told = ACCEPTED if accepted else answer
        for stage in Stage:  # who hears only when it is done with, hears now: it is
            if entry.reply is None:
                entry.reply = self._reply(entry, entry.body, message, told, stage)
        entry.dedupe = False  # each copy of what was refused is kept and answered on its own
        entry.then = lambda: respond(Reply(entry.reply, accepted=accepted))
        self._journal.put(entry)
        self._journal.put(died)


class _Batch:
    """Collects the answers of several messages that came in one frame, in their order."""

    def __init__(self, count: int, respond: Respond) -> None:
        self._replies: list[Reply | None] = [None] * count
        self._early: list[Reply] = []
        self._left = count
        self._respond = respond

    def one(self, position: int, reply: Reply) -> None:
        """The answer to one of them; the last one to come answers the frame."""
        if self._replies[position] is not None:
            self._follow(reply)
            return
        self._replies[position] = reply
        self._left -= 1
        if self._left:
            return
        respond, early = self._respond, self._early
        replies = [item for item in self._replies if item is not None]
        bodies = [item.body for item in replies if item.body is not None]
        respond(
            Reply(
                bodies[0] if bodies else None,
                accepted=all(item.accepted for item in replies),
                close=any(item.close for item in replies),
                more=tuple(bodies[1:]),
                follows=sum(item.follows for item in replies),
            )
        )
        for reply in early:
            respond(reply)

    def _follow(self, reply: Reply) -> None:
        """A reply that follows: after the frame is answered, and not before."""
        if self._left:
            self._early.append(reply)
        else:
            self._respond(reply)

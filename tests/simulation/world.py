"""A small world around the real core: a journal that can crash, senders that resend, a peer.

Every step is chosen by a seed: frames arrive, commits complete for a part of what was put, the
peer takes, refuses, hangs or answers too late, time passes, the process dies. After every step
the guarantees are checked; a failure names the seed and the step.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict, deque
from functools import partial
from pathlib import Path
from random import Random

from broker.embedded import EmbeddedBroker
from broker.seam import Queue
from channels.channel import Channel
from channels.config import Ack, ChannelConfig, OnDead, Unrouted
from channels.courier import Courier
from channels.dispatch import Dispatch, Limits
from channels.engine import Engine
from channels.health import Health
from channels.intake import Intake, Reading
from channels.measure import ChannelMeasures, DestinationMeasures
from channels.pipeline import Pipeline
from channels.poison import StartedMark
from channels.retry import RetryPolicy
from channels.routing import Route, Router
from vagus.formats.format import Answer, Stage, Terms, Verdict
from vagus.journal.entries import (
    Accept,
    Buried,
    Delivered,
    Died,
    Filtered,
    Parked,
    Replied,
    Routed,
)
from vagus.journal.rows import Open, Stored
from vagus.kernel.clock import ManualClock
from vagus.kernel.errors import DeliveryDelayed, DeliveryRejected, Fault
from vagus.kernel.ids import Ids

ENDPOINT, DESTINATION = 1, 7
SMALL = Limits(memory=6, lane=2, page=3)


class Violation(AssertionError):
    """A guarantee does not hold."""


class Toy:
    """A message of the toy format: `number|key[,key]`."""

    version = structure = ""
    sender = "ehr"
    type = "TOY"

    def __init__(self, body: bytes) -> None:
        number, keys = body.decode().split("|")
        self.control = number
        self.keys = tuple(keys.split(","))


class ToyFormat:
    name = "toy"

    def split(self, frame: bytes) -> list[bytes]:
        return [frame]

    def decode(self, body: bytes, terms: Terms) -> Toy:
        return Toy(body)

    def stages(self, message: Toy) -> None:
        return None

    def objection(self, message: Toy, terms: Terms) -> Answer | None:
        return None

    def refusal(self, error: Exception) -> Answer:
        return Answer(Verdict.ERROR)

    def reply(self, body, message, answer: Answer, stage: Stage, control: str, now: float) -> bytes:
        return f"{answer.verdict}|{message.control}".encode()


class Disk:
    """What survives a crash."""

    def __init__(self) -> None:
        self.messages: dict[int, dict] = {}
        self.deliveries: dict[tuple[int, int], dict] = {}
        self.controls: dict[tuple[str, bytes], int] = {}
        self.last = 0


class MemoryJournal:
    """The journal's promises without a disk: what is put is durable after a later commit."""

    stalled = False
    busy = False

    def __init__(self, disk: Disk, clock: ManualClock, soon, *, hasty: bool = False) -> None:
        self.disk = disk
        self._soon = soon  # rows are visible before the event loop hears of their commit
        self.ids = Ids(clock, 0, disk.last)
        self.pending: deque = deque()
        self._hasty = hasty  # planted: calls back before the commit

    def put(self, entry) -> None:
        self.pending.append(entry)
        if self._hasty and entry.then:
            then, entry.then = entry.then, None
            then()

    def commit(self, count: int) -> None:
        """Make the first so many entries durable, then call back in order."""
        done = [self.pending.popleft() for _ in range(min(count, len(self.pending)))]
        for entry in done:
            self._apply(entry)
        self._soon(partial(self._call_back, done))

    def _call_back(self, done: list) -> None:
        for entry in done:
            if entry.then:
                entry.then()

    def _apply(self, entry) -> None:
        disk = self.disk
        match entry:
            case Accept():
                first = disk.controls.get((entry.control, entry.hash))
                if first is not None:
                    entry.duplicate, entry.reply = first, disk.messages[first]["reply"]
                    return
                disk.controls[entry.control, entry.hash] = entry.id
                disk.messages[entry.id] = {
                    "state": "stored",
                    "body": entry.body,
                    "reply": entry.reply,
                }
                disk.last = max(disk.last, entry.id)
            case Replied():
                disk.messages[entry.id]["reply"] = entry.reply
            case Routed():
                disk.messages[entry.id]["state"] = "routed"
                for target in entry.targets:
                    disk.deliveries[entry.id, target.part] = {
                        "lane": target.lane,
                        "state": "waiting",
                        "attempts": 0,
                        "due": None,
                    }
            case Filtered() | Died():
                disk.messages[entry.id]["state"] = type(entry).__name__.lower()
            case Delivered() | Buried() | Parked():
                row = disk.deliveries[entry.message, entry.part]
                row["state"] = type(entry).__name__.lower()
                row["attempts"] = entry.attempts
                row["due"] = entry.due if isinstance(entry, Parked) else None

    def fate(self, message_id: int) -> None:
        return None

    def stored(self, after: int, limit: int) -> list[Stored]:
        rows = [
            (number, row)
            for number, row in sorted(self.disk.messages.items())
            if row["state"] == "stored" and number > after
        ]
        return [
            Stored(number, ENDPOINT, "TOY", "", None, None, b"", row["body"])
            for number, row in rows[:limit]
        ]

    def waiting(self, destination: int, after: tuple[int, int], limit: int) -> list[Open]:
        return self._open(lambda key, row: key > after)[:limit]

    def lane_waiting(self, destination: int, lane: bytes, after, limit: int) -> list[Open]:
        return self._open(lambda key, row: key > after and row["lane"] == lane)[:limit]

    def _open(self, wanted) -> list[Open]:
        return [
            Open(key[0], key[1], DESTINATION, row["lane"], 0, row["attempts"], row["due"])
            for key, row in sorted(self.disk.deliveries.items())
            if row["state"] in ("waiting", "parked") and wanted(key, row)
        ]


class World:
    """One seeded run. `plant` names a bug to build in."""

    def __init__(self, seed: int, plant: str = "", messages: int = 40) -> None:
        self.random = Random(seed)
        self.seed = seed
        self.plant = plant
        self.steps = 0
        self.crashes = 0
        self.clock = ManualClock()
        self.disk = Disk()
        self.acked: set[str] = set()
        self.sent: list[tuple[str, int]] = []
        self.taken: dict[str, list[int]] = defaultdict(list)  # by key, message ids as the peer saw
        self.todo = deque(self._message(number) for number in range(messages))
        self.unacked: dict[str, bytes] = {}
        self._mark = Path(tempfile.mkdtemp()) / "started"
        self._boot()

    def _message(self, number: int) -> bytes:
        keys = self.random.sample("ABCDE", 2 if self.random.random() < 0.15 else 1)
        return f"{number}|{','.join(keys)}".encode()

    def _boot(self) -> None:
        self.soon: deque = deque()
        self.flying: list = []
        self.journal = MemoryJournal(
            self.disk, self.clock, self.soon.append, hasty=self.plant == "hasty-ack"
        )
        if self.plant == "unsorted-recovery":
            waiting = self.journal._open
            self.journal._open = lambda wanted: waiting(wanted)[::-1]
        broker = EmbeddedBroker(self.journal)
        mark = StartedMark(self._mark)
        mark.finish()
        self.engine = Engine(self.journal, broker, self.clock, mark, self.soon.append)
        kind = {
            "early-release": _EarlyRelease,
            "early-hot": _EarlyHot,
            "short-reload": _ShortReload,
        }
        policy = RetryPolicy(attempts=3, first=1.0, longest=4.0)
        health = Health(2, self.random.random)
        self.dispatch = kind.get(self.plant, Dispatch)(
            DESTINATION,
            broker,
            policy,
            health,
            self.random.random,
            on_dead=OnDead.CONTINUE,
            limits=SMALL,
        )
        broker.attach(Queue(DESTINATION, "toy.peer", "toy"), self.dispatch)
        self._channel(broker)
        self.engine._keep_pumping()

    def _channel(self, broker: EmbeddedBroker) -> None:
        def lanes(message: Toy) -> tuple[bytes, ...]:
            return tuple(key.encode() * 12 for key in message.keys)

        reading = Reading(ToyFormat(), Terms(), Ack.STORED, lanes, lambda s: 1)
        self.intake = Intake(
            ENDPOINT, reading, self.journal, self.clock, ChannelMeasures(), self.engine.arrived
        )
        courier = Courier("toy.peer", self.dispatch, None, self.clock, DestinationMeasures())
        pipeline = Pipeline(Toy, lambda t: "toy", [], Router([Route(DESTINATION)]), Unrouted.DEAD)
        self.engine.add(
            Channel(
                ChannelConfig(channel="toy"),
                ENDPOINT,
                self.intake,
                pipeline,
                lanes,
                ChannelMeasures(),
                {DESTINATION: courier},
                {},
                lambda number: (self.disk.messages[number]["body"], None),
            )
        )

    # Steps.

    def run(self, faults: bool = True) -> None:
        """Until everything was sent and nothing is left to do."""
        self.faults = faults
        moves = [self.arrive, self.commit, self.turn, self.take, self.answer, self.wait]
        weights = [4, 4, 6, 4, 4, 1]
        if faults:
            moves.append(self.crash)
            weights.append(0.15)
        while self.steps < 20_000 and not self.quiet():
            self.steps += 1
            self.random.choices(moves, weights)[0]()
            self.check()
        if not self.quiet():
            raise Violation(f"seed {self.seed}: not quiet after {self.steps} steps")
        self.check_end()

    def quiet(self) -> bool:
        return not (
            self.todo
            or self.unacked
            or self.journal.pending
            or self.soon
            or self.flying
            or any(row["state"] in ("waiting", "parked") for row in self.disk.deliveries.values())
            or any(row["state"] == "stored" for row in self.disk.messages.values())
        )

    def arrive(self) -> None:
        resend = self.unacked and self.random.random() < 0.2
        if resend:
            control = self.random.choice(sorted(self.unacked))
            body = self.unacked[control]
        elif self.todo:
            body = self.todo.popleft()
        else:
            return
        control = body.decode().split("|")[0]
        self.unacked[control] = body
        self.intake.receive(body, "peer", partial(self._acked, control))

    def _acked(self, control: str, reply) -> None:
        self.acked.add(control)
        self.unacked.pop(control, None)

    def commit(self) -> None:
        self.journal.commit(self.random.randint(1, 6))

    def turn(self) -> None:
        if self.soon:
            self.soon.popleft()()

    def take(self) -> None:
        if (delivery := self.dispatch.take(self.clock.now())) is not None:
            self.flying.append(delivery)

    def answer(self) -> None:
        if not self.flying:
            return
        delivery = self.flying.pop(self.random.randrange(len(self.flying)))
        luck = self.random.random() if self.faults else 0.0
        now = self.clock.now()
        if luck < 0.7:
            self._peer_takes(delivery)
            self.dispatch.delivered(delivery, b"digest")
        elif luck < 0.8:
            self.dispatch.failed(delivery, DeliveryDelayed("AE", fault=Fault.MESSAGE), now)
        elif luck < 0.85:
            self.dispatch.failed(delivery, DeliveryRejected("AR"), now)
        elif luck < 0.93:
            self.dispatch.failed(delivery, DeliveryDelayed("refused"), now)
        else:
            if self.random.random() < 0.5:
                self._peer_takes(delivery)
            self.dispatch.failed(delivery, DeliveryDelayed("timeout", unknown=True), now)

    def _peer_takes(self, delivery) -> None:
        body = self.disk.messages.get(delivery.message, {}).get("body")
        if body is None:
            raise Violation(f"seed {self.seed}: sent a message that is not durable")
        for key in Toy(body).keys:
            self.taken[key].append(delivery.message)

    def wait(self) -> None:
        self.clock.advance(self.random.choice((0.1, 1.0, 5.0)))

    def crash(self) -> None:
        self.crashes += 1
        self.journal.commit(self.random.randint(0, len(self.journal.pending)) // 2)
        self._boot()

    # Guarantees.

    def check(self) -> None:
        durable = {body.decode().split("|")[0] for body in self._bodies()}
        if lost := self.acked - durable:
            raise Violation(f"seed {self.seed}, step {self.steps}: acknowledged, not stored {lost}")
        for key, seen in self.taken.items():
            if len(seen) > 1 and seen[-1] < seen[-2]:
                raise Violation(f"seed {self.seed}, step {self.steps}: lane {key} went back")

    def _bodies(self) -> list[bytes]:
        return [row["body"] for row in self.disk.messages.values()]

    def check_end(self) -> None:
        for number, row in self.disk.messages.items():
            if row["state"] != "routed":
                raise Violation(f"seed {self.seed}: message {number} is {row['state']}")
        taken = {number for seen in self.taken.values() for number in seen}
        for (number, _), row in self.disk.deliveries.items():
            if row["state"] == "delivered" and number not in taken:
                raise Violation(f"seed {self.seed}: {number} counted, never sent")


class _EarlyRelease(Dispatch):
    """Planted: a lane goes on at the peer's answer, before the outcome is durable."""

    def delivered(self, delivery, digest: bytes) -> None:
        release, self._release = self._release, lambda delivery: None
        super().delivered(delivery, digest)
        self._release = release
        self._release(delivery)


class _EarlyHot(Dispatch):
    """Planted: the queue is thought to be all in memory while rows are not yet committed."""

    def __init__(self, *args, **options) -> None:
        super().__init__(*args, **options)
        self._backlog.durable((1 << 63, 0))


class _ShortReload(Dispatch):
    """Planted: of the rows a lane left behind, only the first page is read back."""

    def _reload(self, spill) -> None:
        spill.last = spill.order
        super()._reload(spill)

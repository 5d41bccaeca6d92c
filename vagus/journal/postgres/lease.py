"""Who runs a node: a lease in PostgreSQL, renewed while an engine lives, with an epoch.

Every transaction of an engine begins by looking at its lease and holding it still until COMMIT. An
engine that was taken over while it slept finds another epoch there, writes nothing and stops.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from vagus.journal.postgres.session import Session, Use
from vagus.journal.postgres.settings import Postgres
from vagus.journal.seam import StoreFault, Trouble
from vagus.journal.statements import POSTGRES
from vagus.kernel.errors import ConfigError
from vagus.kernel.ids import MAX_NODE
from vagus.kernel.log import get_logger

log = get_logger(__name__)
_PAUSE = 0.2
#: How long a starting engine waits for another one to hand its node back.
HANDOVER_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Held:
    """A lease as it stands in the table; `left` and `since` in seconds."""

    node: int
    holder: str
    runs_on: int
    host: str
    pid: int
    plan: str
    epoch: int
    since: float
    left: float
    wanted: bool

    @property
    def alive(self) -> bool:
        """Whether somebody holds it."""
        return self.left > 0

    @property
    def taken_over(self) -> bool:
        """Whether another node's engine holds it."""
        return self.runs_on != self.node

    @property
    def state(self) -> str:
        """In a word: up, taken-over, stopped or down."""
        if self.alive:
            return "taken-over" if self.taken_over else "up"
        return "down" if self.holder else "stopped"


def held(session: Session) -> list[Held]:
    """Every lease there ever was, by node; raises StoreFault."""
    return [Held(*row) for row in session.run(POSTGRES["leases"]).fetchall()]


class Lease:
    """The right to write the journal of one node; taken when it is made, on any thread."""

    def __init__(self, settings: Postgres, node: int, runs_on: int, plan: str) -> None:
        """Raises ConfigError when another engine has it, StoreFault."""
        self.node = node
        self.runs_on = runs_on
        self.plan = plan
        self._wanted = False
        self.holder = uuid4().hex
        self._ttl = settings.lease
        self._session = Session(settings, Use(f"lease of node {node}"))
        self._ended = threading.Event()
        try:
            self.epoch = self._take()
        except BaseException:
            self._session.close()
            raise
        self._thread = threading.Thread(target=self._renew, name=f"lease-{node}", daemon=True)
        self._thread.start()

    @property
    def wanted(self) -> bool:
        """Whether its own engine wants it back."""
        return self._wanted

    # What every transaction asks.

    @property
    def statement(self) -> str:
        """A SELECT for the number of the transaction and the lease, held until its end."""
        return POSTGRES["hold_lease"].format(node=self.node)

    def judge(self, row: Any) -> None:
        """Raise StoreFault when the lease is another's, or has run out for now."""
        if row is None or (row[1], row[2]) != (self.holder, self.epoch):
            raise StoreFault(f"node {self.node} was taken over", Trouble.BROKEN)
        if not row[3]:
            raise StoreFault(f"the lease of node {self.node} has run out", Trouble.PASSING)

    def release(self) -> None:
        """Let anybody have it."""
        self._ended.set()
        self._thread.join()
        try:
            self._session.run(POSTGRES["end_lease"], (self.node, self.holder, self.epoch))
        except StoreFault as error:
            log.warning("lease_not_ended", error=error)  # it runs out by itself
        self._session.close()

    # Taking and keeping it.

    def _take(self) -> int:
        """Wait for a predecessor that is dead, or for whoever took its node over; the epoch."""
        first: Held | None = None
        deadline = time.monotonic() + HANDOVER_SECONDS
        while True:
            row = self._session.run(
                POSTGRES["take_lease"],
                (
                    self.node,
                    self.holder,
                    self.runs_on,
                    socket.gethostname(),
                    os.getpid(),
                    self.plan,
                    self._ttl,
                ),
            ).fetchone()
            if row is not None:
                return int(row[0])
            now = next(item for item in held(self._session) if item.node == self.node)
            if first is None or first.holder != now.holder:
                first, seen = now, time.monotonic()
            self._object(first, now, time.monotonic() - seen)
            if time.monotonic() > deadline:
                raise ConfigError(
                    f"node {self.node} is still worked off by node {now.runs_on} on {now.host}:"
                    " start it again when that engine has handed it back"
                )
            time.sleep(_PAUSE)

    def _object(self, first: Held, now: Held, waited: float) -> None:
        """Raise ConfigError when waiting for a holder is of no use."""
        if self.runs_on != self.node:
            raise ConfigError(f"node {self.node} is not free: it runs on {now.host}")
        if now.taken_over:
            if not now.wanted:
                log.info("node_wanted_back", node=self.node, holder=now.runs_on)
                self._session.run(POSTGRES["want_lease"], (self.node,))
        elif now.left > first.left - waited + self._ttl / 5:  # it was renewed meanwhile
            raise ConfigError(
                f"node {self.node} is already run by process {now.pid} on {now.host}: give each"
                " engine a node of its own (node: in vagus.yaml), or stop that one first"
            )

    def _renew(self) -> None:
        while not self._ended.wait(self._ttl / 4):
            values = (self._ttl, self.node, self.holder, self.epoch)
            try:
                row = self._session.run(POSTGRES["renew_lease"], values).fetchone()
            except StoreFault:
                continue  # away: nothing is written meanwhile, by nobody
            if row is None:
                log.error("lease_lost", node=self.node)
                return
            self._wanted = bool(row[0])


class Watch:
    """Sees which nodes nobody runs; from one thread at a time."""

    def __init__(self, settings: Postgres, node: int) -> None:
        self._session = Session(settings, Use(f"watch of node {node}"))
        self._ttl = settings.lease
        self._steady = time.monotonic()

    def orphans(self) -> set[int]:
        """What nobody holds; nothing soon after PostgreSQL was away, so that owners come first."""
        try:
            found = held(self._session)
        except StoreFault:
            self._steady = time.monotonic()
            return set()
        if time.monotonic() - self._steady < 2 * self._ttl:
            return set()
        alive = {item.node for item in found if item.alive}
        return set(range(MAX_NODE + 1)) - alive

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

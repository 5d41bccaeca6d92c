"""One day's share of a batch: everything a single transaction on one file says and changes.

Nothing in memory changes until the commit has succeeded, so that a share can be rolled back and
written again.
"""

from __future__ import annotations

from vagus.journal import seals
from vagus.journal.day import Counter, Day
from vagus.journal.seals import Sealer
from vagus.journal.statements import QUERIES
from vagus.journal.tally import Tally, word
from vagus.kernel.log import get_logger

log = get_logger(__name__)
#: What a commit seals of one kind: the rows' keys, by which they are ordered, and their records.
Records = list[tuple[tuple[int, ...], bytes]]
_LAST_EVENT, _INSERT_EVENT = QUERIES["last_event"], QUERIES["insert_event"]


class Share:
    """A transaction under way."""

    __slots__ = (
        "_tallies",
        "accepts",
        "con",
        "day",
        "delivered",
        "delta",
        "events",
        "head",
        "ignored",
        "n",
        "now",
        "outcomes",
    )

    def __init__(self, day: Day, now: int) -> None:
        self.day = day
        self.con = day.writer
        self.now = now
        self.n = day.head[0] + 1
        self.head = day.head
        self.delta: dict[Counter, int] = {}
        self._tallies: dict[int, Tally] = {}
        #: Entries that changed nothing, because the record had moved on.
        self.ignored = 0
        self.accepts: Records = []
        self.outcomes: Records = []
        self.delivered: Records = []
        self.events: Records = []

    def begin(self) -> None:
        """Take the write lock; raises what the database raises."""
        self.day.begin()

    def count(self, what: str, number: int, by: int) -> None:
        """Change a counter."""
        key = (what, number)
        self.delta[key] = self.delta.get(key, 0) + by

    def tally(self, message: int) -> Tally | None:
        """The tally of a message, to be changed in place; None: there is no such message."""
        tally = self._tallies.get(message)
        if tally is None:
            tally = self.day.tally(message)
            if tally is not None:
                self._tallies[message] = tally
        return tally

    def begin_tally(self, message: int, tally: Tally) -> None:
        """Begin counting a message that has just been routed."""
        self._tallies[message] = tally

    def move(self, tally: Tally, source: int, target: int) -> None:
        """Move one delivery from slot to slot, and with it what the message counts as."""
        before = word(tally)
        tally[source] -= 1
        tally[target] += 1
        after = word(tally)
        if before != after:
            self.count(before, tally[0], -1)
            self.count(after, tally[0], 1)

    def event(
        self,
        message: int,
        kind: str,
        actor: str,
        detail: str,
        delivery: tuple[int | None, int | None, int | None, int | None] = (None, None, None, None),
    ) -> None:
        """Write an event row; `delivery` is part, destination, attempts, due."""
        n = int(self.con.execute(_LAST_EVENT, (message,)).fetchone()[0]) + 1
        row = (message, n, self.now, clean(kind), clean(actor), clean(detail), *delivery)
        self.con.execute(_INSERT_EVENT, (*row, self.n))
        self.events.append(((message, n), seals.event(row)))

    def finish(self, sealer: Sealer) -> None:
        """Write the seal and the counters, the last statements before COMMIT."""
        groups = (self.accepts, self.outcomes, self.delivered, self.events)
        for group in groups:
            group.sort()
        records = [record for group in groups for record in group]
        if records:
            ids = [key[0] for key, _ in records]
            seal = (self.n, self.now, min(ids), max(ids), len(records))
            sealed = b"".join([record for _, record in records])
            digest = sealer.link(self.head[1], seal, sealed)
            self.con.execute(QUERIES["insert_seal"], (*seal, digest))
            self.head = (self.n, digest)
        changed = [(what, number, n) for (what, number), n in self.delta.items() if n]
        if changed:
            self.day.many(QUERIES["bump"], changed)

    def commit(self) -> None:
        """Make it durable; runs on the commit thread."""
        self.day.commit()

    def roll_back(self) -> None:
        """Undo everything; memory was not touched."""
        self.day.roll_back()

    def settle(self) -> None:
        """Take over into memory what is now durable."""
        day = self.day
        if self.ignored:
            log.warning("entries_ignored", name=day.name, count=self.ignored)
        day.head = self.head
        day.keep_tallies(self._tallies)
        for key, n in self.delta.items():
            day.counts[key] = day.counts.get(key, 0) + n


def clean(text: str) -> str:
    """Text that every database can store, whatever bytes it came from."""
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode("utf-8")
    return text.replace("\0", "?") if "\0" in text else text

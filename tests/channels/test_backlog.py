"""The feed against a plain list: nothing is lost, doubled or out of order, hot or cold."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from channels.backlog import Backlog

LIMIT, PAGE = 6, 3


@dataclass(frozen=True)
class Item:
    number: int

    @property
    def order(self) -> tuple[int, int]:
        return (self.number, 0)


class Feed(RuleBasedStateMachine):
    """Items are added in order and become rows some time later; rows are removed when done."""

    def __init__(self) -> None:
        super().__init__()
        self.number = 0
        self.memory: list[Item] = []
        self.rows: dict[int, Item] = {}
        self.uncommitted: list[tuple[Item, bool]] = []
        self.admitted: list[int] = []
        self.finished: set[int] = set()
        self.start()

    def start(self) -> None:
        self.memory.clear()
        self.admitted = sorted(self.finished)
        self.backlog: Backlog[Item] = Backlog(
            self.load, self.admit, lambda: len(self.memory), LIMIT, PAGE
        )

    def load(self, after: tuple[int, int], limit: int) -> list[Item]:
        return [row for number, row in sorted(self.rows.items()) if (number, 0) > after][:limit]

    def admit(self, item: Item) -> None:
        self.memory.append(item)
        self.admitted.append(item.number)

    @rule(count=st.integers(1, 5))
    def add(self, count: int) -> None:
        for _ in range(count):
            self.number += 1
            item = Item(self.number)
            self.uncommitted.append((item, self.backlog.add(item)))

    @rule(count=st.integers(1, 6))
    def commit(self, count: int) -> None:
        done, self.uncommitted = self.uncommitted[:count], self.uncommitted[count:]
        for item, _ in done:
            self.rows[item.number] = item
        for item, taken in done:
            if not taken:
                self.backlog.durable(item.order)

    @precondition(lambda self: self.backlog.wants_rows)
    @rule()
    def refill(self) -> None:
        self.backlog.refill()

    @precondition(lambda self: self.memory and self.memory[0].number in self.rows)
    @rule(count=st.integers(1, 4))
    def finish(self, count: int) -> None:
        for _ in range(count):
            if not self.memory or self.memory[0].number not in self.rows:
                return
            item = self.memory.pop(0)
            del self.rows[item.number]
            self.finished.add(item.number)

    @rule()
    def crash(self) -> None:
        self.uncommitted.clear()
        self.start()

    @invariant()
    def in_order_and_once(self) -> None:
        live = self.admitted[len(self.admitted) - len(self.memory) :]
        assert live == sorted(set(live))
        assert len(set(self.admitted)) == len(self.admitted)
        assert [item.number for item in self.memory] == sorted(item.number for item in self.memory)
        assert len(self.memory) <= 2 * LIMIT + PAGE

    def teardown(self) -> None:
        self.commit(len(self.uncommitted) or 1)
        for _ in range(len(self.rows) + 10):
            while self.backlog.wants_rows and self.backlog.refill():
                pass
            self.finish(LIMIT)
        assert not self.rows, "everything that was committed is fed"
        assert self.backlog.hot


Feed.TestCase.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)
TestFeed = Feed.TestCase

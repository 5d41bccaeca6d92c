"""What waits, from memory while it keeps up and from the journal when it does not.

One code path serves three needs: overflow, start-up recovery and the way back. It is *hot* while
everything that waits is in memory. When memory is full it turns *cold*: newcomers stay rows, and
pages are read from the cursor on. When the rows are used up it is *warming*: newcomers wait at
the side until the last one that stayed a row is durable, and so visible, and then it is hot.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

Order = tuple[int, int]
PAGE = 500


class Ordered(Protocol):
    """Anything with a place in the order of acceptance."""

    @property
    def order(self) -> Order:
        """The place, comparable."""
        ...


T = TypeVar("T", bound=Ordered)


class Backlog(Generic[T]):
    """The order in which waiting things are admitted to memory; starts cold, for recovery."""

    def __init__(
        self,
        load: Callable[[Order, int], list[T]],
        admit: Callable[[T], None],
        size: Callable[[], int],
        limit: int,
        page: int = PAGE,
    ) -> None:
        self._load = load
        self._admit = admit
        self._size = size
        self._limit = limit
        self._page = page
        self._cursor: Order = (0, -1)
        self._skipped: Order = (0, -1)  # the newest that stayed a row
        self._durable: Order = (0, -1)  # the newest row known to be committed
        self._side: deque[T] = deque()
        self._target: Order | None = None  # while warming: the last row to wait for
        self.hot = False

    def add(self, item: T) -> bool:
        """Take a newcomer; False when it stayed a row, then `durable` must be called later."""
        if item.order <= self._cursor:
            return True  # a page brought it before the event loop heard of its commit
        if self.hot:
            if self._size() < self._limit:
                self._cursor = item.order
                self._admit(item)
                return True
            self.hot = False
        elif self._target is not None:
            if len(self._side) < self._limit:
                self._side.append(item)
                return False
            self._target = None
            self._side.clear()
        self._skipped = item.order
        return False

    def durable(self, order: Order) -> None:
        """A row that `add` did not take is committed, and so are all before it."""
        self._durable = max(self._durable, order)

    def has_passed(self, order: Order) -> bool:
        """Whether no page will bring that row any more."""
        return self.hot or order <= self._cursor

    @property
    def wants_rows(self) -> bool:
        """Whether there is room for a page of rows."""
        return not self.hot and self._size() <= self._limit // 2

    def refill(self) -> bool:
        """Read one page of rows; True when it brought something or made the backlog hot."""
        bound = self._target
        if bound is not None and self._durable < bound:
            return False
        page = self._load(self._cursor, self._page)
        for item in page:
            if bound is not None and item.order > bound:
                break
            self._cursor = item.order
            self._admit(item)
        else:
            if len(page) == self._page:
                return True
        return self._exhausted(bound) or bool(page)

    def _exhausted(self, bound: Order | None) -> bool:
        """There are no more rows: become hot, or wait for those that are not yet committed."""
        if bound is None and self._durable < self._skipped:
            self._target = self._skipped
            return False
        self.hot = True
        self._target = None
        while self._side:
            item = self._side.popleft()
            self._cursor = item.order
            self._admit(item)
        return True

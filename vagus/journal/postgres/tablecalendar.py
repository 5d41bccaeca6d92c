"""The days of one node: six tables each."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from vagus.journal.calendar import Calendar, Current
from vagus.journal.day import Day
from vagus.journal.days import day_name, day_number
from vagus.journal.postgres.dialect import created, day_suffix, day_tables
from vagus.journal.postgres.lease import Lease
from vagus.journal.postgres.session import Session, Use
from vagus.journal.postgres.settings import Postgres
from vagus.journal.postgres.tableday import TableDay
from vagus.journal.settings import JournalSettings
from vagus.journal.state import Partition, State
from vagus.journal.statements import QUERIES, script
from vagus.kernel.clock import Clock
from vagus.kernel.errors import EngineFault
from vagus.kernel.keys import Keyset

#: How long the event loop waits for rows while PostgreSQL is away, before it does something else.
READ_PATIENCE = 1.0
_TABLES = (
    "SELECT c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
    " WHERE n.nspname = current_schema() AND c.relkind = 'r' AND c.relname LIKE %s"
)


class TableCalendar(Calendar[TableDay]):
    """Every day of one node, by number."""

    on_loop = False

    def __init__(
        self,
        postgres: Postgres,
        lease: Lease,
        keyset: Keyset,
        clock: Clock,
        state: State,
        settings: JournalSettings,
    ) -> None:
        super().__init__(keyset, clock, state, settings)
        self._node = lease.node
        self._writing = Session(postgres, Use(f"writer of node {lease.node}", lease))
        self._reading = Session(
            postgres, Use(f"reader of node {lease.node}", patience=READ_PATIENCE)
        )

    def find(self, *, clean: bool) -> None:
        """Load the days there are; raises EngineFault when tables are missing."""
        there = {row[0] for row in self._reading.run(_TABLES, (f"message\\_%\\_n{self._node}",))}
        for partition in self._state.partitions().values():
            table = f"message_{day_suffix(partition.day, self._node)}"
            if partition.state == "dropped":
                if table in there:
                    self._drop(partition.day)
                continue
            if table not in there or partition.wrapped_key is None:
                raise EngineFault(
                    f"the tables of {partition.day} are not whole: restore the database from a"
                    " backup"
                )
            day = self._day(partition)
            day.load()
            self._add(day)

    def _day(self, partition: Partition) -> TableDay:
        assert partition.wrapped_key is not None
        return TableDay(
            day_number(partition.day),
            self._vault(partition.day, partition.wrapped_key),
            self._node,
            self._writing,
            self._reading,
        )

    def open(self, day: TableDay) -> None:
        """Read the head of the day's seals."""
        if not day.opened:
            day.head = tuple(day.reader.execute(QUERIES["last_seal"]).fetchone())
            day.opened = True

    def create(self, number: int, at: int, start: bytes, partition: Partition) -> TableDay:
        """Make the tables of a day; tables without a key were never written and are made anew."""
        name = day_name(number)
        day = self._day(partition)
        self._writing.begin()
        try:
            self._writing.run(f"DROP TABLE IF EXISTS {', '.join(day_tables(name, self._node))}")
            self._writing.script(created(script("day.sql"), day.suffix))
            day.writer.execute(QUERIES["insert_seal"], (0, at, 0, 0, 0, start))
            self._writing.commit()
        except BaseException:
            self._writing.roll_back()
            raise
        self._state.add_partition(partition)
        return day

    def suspect(self, days: Iterable[Day]) -> None:
        """PostgreSQL looks after its own files."""

    def reopened(self, number: int) -> None:
        """A closed day is as complete as any other."""

    def unfinished(self, day: TableDay, partition: Partition | None) -> bool:
        """Whether the day was not yet closed."""
        return partition is not None and partition.state == "open"

    async def finish(self, day: TableDay, current: Current) -> bool:
        """Have PostgreSQL sample the day's columns, so that ad-hoc queries plan well."""
        await asyncio.to_thread(self._reading.run, f"ANALYZE {day.where}")
        return True

    async def release(self, days: list[TableDay]) -> None:
        """Forget what is kept in memory for writing."""
        for day in days:
            day.close()

    async def remove(self, day: TableDay) -> None:
        """Drop the tables."""
        await asyncio.to_thread(self._drop, day.name)

    def _drop(self, name: str) -> None:
        self._reading.run(f"DROP TABLE IF EXISTS {', '.join(day_tables(name, self._node))}")

    def close(self, *, checkpoint: bool) -> None:
        """Close the connections."""
        super().close(checkpoint=checkpoint)
        self._writing.close()
        self._reading.close()

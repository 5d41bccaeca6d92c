"""A PostgreSQL as the place of journals: one for each node."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vagus.journal.archive import Archive
from vagus.journal.book import Book
from vagus.journal.place import Place, Tenure
from vagus.journal.postgres.lease import Held, Lease, Watch, held
from vagus.journal.postgres.reading import TableArchive, TableBook, nodes_of
from vagus.journal.postgres.session import Session, Use
from vagus.journal.postgres.settings import Postgres
from vagus.journal.postgres.tablecalendar import TableCalendar
from vagus.journal.postgres.tablestate import TableState
from vagus.journal.seam import StoreFault
from vagus.journal.settings import JournalSettings
from vagus.journal.state import State
from vagus.journal.statements import POSTGRES
from vagus.kernel.clock import Clock
from vagus.kernel.errors import ConfigError, EngineFault
from vagus.kernel.keys import Keyset


@dataclass(slots=True)
class PostgresPlace(Place):
    """The journal of `node`, written by the engine of `runs_on`: another node's after a takeover.

    `plan` says which node runs which channels; engines that disagree about it do not start.
    """

    settings: Postgres
    folder: Path
    project: str
    node: int
    runs_on: int
    plan: str = ""
    _lease: Lease | None = field(default=None, init=False, repr=False)
    _watch: Watch | None = field(default=None, init=False, repr=False)

    @property
    def name(self) -> str:
        """The server, the database and the schema."""
        return self.settings.name

    def exists(self) -> bool:
        """Whether this node has ever run; raises EngineFault."""
        session = Session(self.settings, Use("reader"))
        try:
            return self.node in nodes_of(session)
        except StoreFault as error:
            raise EngineFault(f"{self.name}: {error}") from None
        finally:
            session.close()

    def holder(self) -> str | None:
        """Where the engine runs, or None; raises EngineFault."""
        for item in self.tenures(self.node):
            if item.node == self.node and item.alive:
                return f"{item.pid} on {item.host}"
        return None

    def tenures(self, node: int) -> list[Tenure]:
        """What the leases say; raises EngineFault."""
        session = Session(self.settings, Use("reader"))
        try:
            return [
                Tenure(item.node, item.runs_on, item.host, item.pid, item.state)
                for item in held(session)
            ]
        except StoreFault as error:
            raise EngineFault(f"{self.name}: the nodes cannot be seen ({error})") from None
        finally:
            session.close()

    def orphans(self) -> set[int]:
        """The nodes whose lease has run out, or that nobody ever held."""
        if self._watch is None:
            self._watch = Watch(self.settings, self.runs_on)
        return self._watch.orphans()

    def close(self) -> None:
        """Close what watching for orphans needed."""
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.close()

    def lock(self, keyset: Keyset) -> Lease:
        """The node's lease; raises ConfigError for a configuration that does not fit the others'.

        Waits for an engine that has just died, or is to hand the node back.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            self._check(keyset)
            self._lease = Lease(self.settings, self.node, self.runs_on, self.plan)
        except StoreFault as error:
            raise ConfigError(
                f"{self.name} cannot be used ({error}): see whether the server runs, and whether"
                " url, ca and the rights of its user are right"
            ) from None
        return self._lease

    def _check(self, keyset: Keyset) -> None:
        """Raise ConfigError when the database is another project's, or the others differ."""
        session = Session(self.settings, Use("start"))
        try:
            session.begin()
            session.run("SELECT pg_advisory_xact_lock(hashtext('vagus site'))")
            session.run(f"CREATE SCHEMA IF NOT EXISTS {self.settings.namespace}")
            session.script(POSTGRES["make_site"])
            mark = keyset.derive("journal site")
            session.run(POSTGRES["begin_site"], (self.project, mark))
            project, known = session.run(POSTGRES["site"]).fetchone()
            session.commit()
            if project != self.project:
                raise ConfigError(
                    f"{self.name} holds the journal of project '{project}': give"
                    f" '{self.project}' a namespace of its own (store: postgres: namespace:)"
                )
            if bytes(known) != mark:
                raise ConfigError(
                    f"{self.name} was begun with another key set: every engine of a project needs"
                    " the same key file (keys: file:)"
                )
            self._agree(session)
        finally:
            session.roll_back()
            session.close()

    def _agree(self, session: Session) -> None:
        for item in (Held(*row) for row in session.run(POSTGRES["leases"]).fetchall()):
            if item.alive and item.plan != self.plan:
                raise ConfigError(
                    f"the engine of node {item.runs_on} on {item.host} divides the channels"
                    " otherwise: stop it, or start this one with the same nodes: in vagus.yaml"
                )

    def state(self) -> State:
        """The node's state; with the lease when `lock` was called."""
        try:
            return TableState(self.settings, self.node, self._lease)
        except StoreFault as error:
            raise EngineFault(f"{self.name}: {error}") from None

    def calendar(
        self, keyset: Keyset, clock: Clock, state: State, settings: JournalSettings
    ) -> TableCalendar:
        """The node's days."""
        assert self._lease is not None
        return TableCalendar(self.settings, self._lease, keyset, clock, state, settings)

    def archive(self, keyset: Keyset) -> Archive:
        """The rows of all nodes; raises EngineFault."""
        try:
            return TableArchive(self.settings, keyset)
        except StoreFault as error:
            raise EngineFault(f"{self.name}: {error}") from None

    def books(self) -> Sequence[Book]:
        """The journal of each node; raises EngineFault."""
        session = Session(self.settings, Use("reader"))
        try:
            return [TableBook(self.settings, node) for node in nodes_of(session)]
        except StoreFault as error:
            raise EngineFault(f"{self.name}: {error}") from None
        finally:
            session.close()

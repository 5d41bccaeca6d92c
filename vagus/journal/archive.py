"""A journal read from beside the engine: another thread, another process, another machine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

from vagus.journal.seam import Connection
from vagus.journal.state import Kind
from vagus.journal.vault import Vault


class Archive(ABC):
    """The days as they are asked for; used by one thread."""

    @abstractmethod
    def days(self) -> list[int]:
        """The days there are, newest first."""

    @abstractmethod
    def on(self, number: int) -> list[Connection]:
        """The rows of a day: one connection for each engine that wrote on it."""

    @abstractmethod
    def of(self, message_id: int) -> Connection | None:
        """The rows among which a message is, or None."""

    @abstractmethod
    def vault(self, message_id: int) -> Vault:
        """What opens a message's body; raises CorruptBody when its key is gone."""

    @abstractmethod
    def names(self, kind: Kind) -> dict[int, str]:
        """Every name of a kind by its number."""

    @abstractmethod
    def past(self) -> Mapping[tuple[str, int], int]:
        """The counters of all days that were dropped."""

    @abstractmethod
    def close(self) -> None:
        """Close every connection."""

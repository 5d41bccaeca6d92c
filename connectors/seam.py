"""The two shapes a connector may have, and what crosses the edge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class Reply:
    """What the sender gets back; `body` None sends nothing, `close` ends the connection.

    `more` holds further replies, each in a frame of its own, when one frame held several messages.
    `follows` says how many replies are still to come, each by another call of `respond`: messages
    of their own, which are sent as they come and not in the order of the frames.
    """

    body: bytes | None
    accepted: bool = True
    close: bool = False
    more: tuple[bytes, ...] = ()
    follows: int = 0


Respond = Callable[[Reply], None]


class Receiver(Protocol):
    """Where a source hands over what arrived. Called on the event loop; never blocks."""

    def receive(self, frame: bytes, peer: str, respond: Respond, damage: str = "") -> None:
        """Take one frame; `respond` is called once, later, after it is durable.

        It is called again for each reply that the first one said `follows`. A source whose senders
        hear only once heeds the first.

        `damage` is a word for bytes that are no whole frame (`incomplete`, `too-large`,
        `junk`): they are kept as a dead letter. `peer` names the connection, for the record.
        """
        ...


class Source(Protocol):
    """Brings messages in."""

    async def start(self, receiver: Receiver) -> None:
        """Begin; raises ConfigError when the place cannot be used (port taken, no folder)."""
        ...

    def pause(self) -> None:
        """Stop reading until `resume`: back-pressure, nothing is refused."""
        ...

    def resume(self) -> None:
        """Read again."""
        ...

    async def stop(self) -> None:
        """Take nothing new, deliver the replies still owed, close."""
        ...


@dataclass(frozen=True, slots=True)
class Outbound:
    """One message on its way out; `key` is stable over every attempt."""

    key: str
    body: bytes
    type: str = ""  # canonical event or message type, a closed word
    lanes: tuple[bytes, ...] = ()  # opaque tokens of what it must stay in order with


@dataclass(frozen=True, slots=True)
class Receipt:
    """The peer has taken it; `code` is a closed word (`AA`, `written`)."""

    code: str
    body: bytes = b""


class Destination(Protocol):
    """Takes messages out. `concurrency` is how many sends may be under way at once."""

    concurrency: int

    async def open(self) -> None:
        """Prepare; connecting may wait for the first send."""
        ...

    async def send(self, message: Outbound) -> Receipt:
        """Hand one message to the peer; raises DeliveryDelayed or DeliveryRejected."""
        ...

    async def close(self) -> None:
        """Let go of connections and files."""
        ...


@dataclass(frozen=True, slots=True)
class Connector:
    """One line of the catalogue: the config models and how to build each side.

    `format` is the wire format that arrives when the config names none. A `warnings`
    function gives lint findings about a valid config as (field, code, text).
    """

    name: str
    about: str
    source: tuple[type[BaseModel], Callable[[Any], Source]] | None = None
    destination: tuple[type[BaseModel], Callable[[Any], Destination]] | None = None
    format: str = ""
    warnings: Callable[[Any], Sequence[tuple[str, str, str]]] | None = None

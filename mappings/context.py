"""What a mapping may know besides the message: its delivery and the project's registries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from vagus.kernel.errors import ConfigError


class Identities(Protocol):
    """Where ids come from; `vagus.canonical.identity.Identity` is one."""

    def resource_id(self, type: str, parts: Sequence[str]) -> str:
        """The id of a resource of that type made of those parts."""
        ...


class Registry(Protocol):
    """The identifier systems of a project; `vagus.canonical.systems.Systems` is one."""

    def uri(self, namespace: str, oid: str, oid_type: str) -> tuple[str, bool]:
        """The URI of an assigning authority, and whether the registry knows it."""
        ...

    def authority(self, uri: str) -> tuple[str, str, str]:
        """The assigning authority of a URI: namespace, OID and its type, each maybe ''."""
        ...


@lru_cache(maxsize=64)
def time_zone(name: str) -> ZoneInfo:
    """The IANA time zone of that name; raises ConfigError."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigError(f"'{name}' is not an IANA time zone such as Europe/Paris") from None


@dataclass(frozen=True, slots=True)
class Address:
    """What the header of a message that leaves says of its two ends; '' leaves it to the message.

    `release` is the release of the standard it is written in.
    """

    sender: str = ""
    sender_facility: str = ""
    receiver: str = ""
    receiver_facility: str = ""
    release: str = ""


@dataclass(frozen=True)
class Context:
    """The facts of one delivery. Built once per channel; `arrived` gives the one of a message.

    `received_at` and `now` are FHIR instants, `zone` an IANA name (raises ConfigError when it is
    not one). `source` names the sender in ids and made-up systems. `type` is the message type that
    is wanted of what leaves, such as ADT^A01, and `address` what its header says.
    """

    message_id: str
    endpoint: str
    source: str
    facility: str
    received_at: str
    raw_url: str
    now: str
    zone: str
    identity: Identities
    systems: Registry
    type: str = ""
    address: Address = Address()
    place: ZoneInfo = field(init=False, repr=False, compare=False)
    uris: dict[str, tuple[str, bool]] = field(default_factory=dict, repr=False, compare=False)
    memory: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "place", time_zone(self.zone))

    def arrived(self, message_id: str, received_at: str, now: str, raw_url: str = "") -> Context:
        """The same channel's context for another message."""
        found = object.__new__(Context)
        # Several times quicker than `replace`, for every message.
        found.__dict__.update(
            self.__dict__,
            message_id=message_id,
            received_at=received_at,
            now=now,
            raw_url=raw_url,
        )
        return found

"""What a channel's YAML file may say, apart from the settings of its connectors."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import Field, field_validator, model_validator

from vagus.kernel.settings import Config, Duration


class Ack(StrEnum):
    """When the sender is told that its message is accepted."""

    RECEIVED = "received"  # once stored, whatever it contains
    STORED = "stored"  # once stored and readable; the default
    DELIVERED = "delivered"  # once every destination has it


class OnDead(StrEnum):
    """What happens to a lane when a delivery in it is given up."""

    CONTINUE = "continue"
    HOLD = "hold"


class Send(StrEnum):
    """What a destination is given."""

    CANONICAL = "canonical"
    RECEIVED = "received"


class Publish(StrEnum):
    """What subscribers are given."""

    CANONICAL = "canonical"


class Unrouted(StrEnum):
    """What becomes of an event that no destination wants."""

    DEAD = "dead"
    FILTER = "filter"


class SourceConfig(Config):
    """What every source may say, next to its connector."""

    ack: Ack = Field(Ack.STORED, description="When the sender is told: received, stored, delivered")
    lane: str = Field(
        "", description="An expression for what must stay in order; default: patients"
    )
    format: str = Field("", description="The wire format, where the connector does not imply it")
    charset: str = Field("", description="The character set of messages that name none")
    zone: str = Field("UTC", description="The time zone of times that name none, e.g. Europe/Paris")
    processing: str = Field(
        "", description="The processing id that is accepted, e.g. P; empty: any"
    )
    versions: tuple[str, ...] = Field(
        (), description="The versions accepted; empty: all known ones"
    )
    facility: str = Field("", description="The facility a mapping may read with context facility")
    systems: str = Field("", description="The registry of identifier systems that mappings use")


class OnIssue(StrEnum):
    """What an issue of a check or a validation does."""

    DEAD = "dead"
    WARN = "warn"
    REFUSE = "refuse"  # a dead letter whose sender is told every error; of a check only


class Step(Config):
    """One step; exactly one of filter, require, check, transform, validate and split."""

    filter: str | None = Field(None, description="Go on only if this expression gives a value")
    require: str | None = Field(
        None, description="Without a value of this expression the message is a dead letter"
    )
    reason: str = Field(
        "", pattern=r"^[a-z0-9-]{0,40}$", description="The word recorded for what is stopped here"
    )
    transform: str | None = Field(
        None, description="A mapping, or FORMAT_to_FORMAT: by message type"
    )
    validation: str | None = Field(
        None, alias="validate", description="The model that the result must satisfy"
    )
    check: str | None = Field(
        None, description="Check against the format's standard, or a profile: standard, or its name"
    )
    on_issue: OnIssue = Field(
        OnIssue.DEAD, description="What an issue does: dead, warn, or of a check refuse"
    )
    split: str | None = Field(None, description="A segment or group; one part for each of them")

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = [self.filter, self.require, self.check, self.transform, self.validation, self.split]
        if sum(kind is not None for kind in kinds) != 1:
            raise ValueError(
                "a step is exactly one of filter, require, check, transform, validate and split"
            )
        if self.on_issue is OnIssue.REFUSE and self.check is None:
            raise ValueError("on_issue is dead or warn")
        return self


class Retry(Config):
    """How often and how long a delivery is tried again when the message is at fault."""

    attempts: int = Field(
        12, ge=1, le=1000, description="How many tries before it is a dead letter"
    )
    first: Duration = Field(2.0, gt=0, description="The wait after the first failure; it doubles")
    longest: Duration = Field(300.0, gt=0, description="The longest wait between two tries")


class Address(Config):
    """What the header of a message that a mapping writes says of its two ends."""

    sender: str = Field("", description="The sending application; default: that of the source")
    sender_facility: str = Field("", description="The sending facility; default: as it came")
    receiver: str = Field("", description="The receiving application; default: as it came")
    receiver_facility: str = Field("", description="The receiving facility; default: as it came")
    release: str = Field(
        "",
        pattern=r"^([0-9][0-9A-Za-z.]{0,11})?$",
        description="The release of the standard it names; default: the mapping's",
    )


class DestinationConfig(Config):
    """What every destination may say, next to its connector."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$", description="Its name within the channel")
    on: tuple[str, ...] = Field((), description="Event patterns such as patient.*; empty: all")
    when: str = Field("", description="An expression that must give a value")
    send: Send = Field(Send.CANONICAL, description="The canonical Bundle, or the bytes received")
    mapping: str = Field(
        "", description="A mapping from the canonical Bundle, or FORMAT_to_FORMAT: by event"
    )
    address: Address = Field(
        default_factory=Address, description="What its mapping writes into the header"
    )
    retry: Retry = Field(default_factory=Retry, description="How failures are tried again")
    on_dead: OnDead = Field(OnDead.CONTINUE, description="Whether a dead letter holds up its lane")
    ordering: str = Field("lane", pattern="^(lane|none)$", description="lane, or none for no order")

    @field_validator("on", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return value.split() if isinstance(value, str) else value


class ChannelConfig(Config):
    """One channel: a source, steps and destinations."""

    channel: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$", description="The channel's name")
    description: str = Field("", description="What it is for, in a sentence")
    enabled: bool = Field(True, description="Whether it runs")
    steps: tuple[Step, ...] = Field((), description="What is done with each message, in order")
    publish: Publish | None = Field(
        None, description="canonical: every event also goes to the project's subscribers"
    )
    unrouted: Unrouted = Field(
        Unrouted.DEAD, description="What becomes of an event no destination wants"
    )

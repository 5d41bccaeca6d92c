"""What a project folder says, as typed values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from broker.rabbitmq.settings import RabbitMQ
from channels.config import ChannelConfig, DestinationConfig, SourceConfig
from connectors.seam import Connector
from mappings.catalogue import Catalogue
from vagus.canonical.systems import Systems
from vagus.journal.postgres.settings import Postgres
from vagus.kernel.diagnostics import Place
from vagus.kernel.ids import MAX_NODE
from vagus.kernel.settings import Config, Duration, ProjectPath, Size
from vagus.kernel.strictyaml import Fields, Node
from vagus.project.profiles import Profile

FILE = "vagus.yaml"
EMBEDDED = "embedded"
LINK = "channel"  # a destination that is another channel, and the source of such a channel


class Store(Config):
    """Where messages are kept, and for how long."""

    path: Path = Field(Path("data"), description="Folder of the journal, relative to the project")
    postgres: Postgres | None = Field(None, description="Keep the journal in PostgreSQL instead")
    keep: Duration = Field(30 * 86400.0, gt=0, description="How long finished messages are kept")
    min_free: Size = Field(1 << 30, ge=0, description="Free disk below which intake is paused")


class Keys(Config):
    """Where the keys come from."""

    file: Path = Field(Path("data/vagus.key"), description="The key file, readable by its owner")
    create: bool = Field(False, description="Make the key file at the first start")


class Http(Config):
    """The side door for health checks and metrics."""

    enabled: bool = Field(True, description="Whether it is open")
    host: str = Field("127.0.0.1", description="The address it listens on")
    port: int = Field(8475, ge=0, le=65535, description="The port it listens on")
    expose: bool = Field(False, description="Allow an address that is not loopback")


class Broker(Config):
    """What carries events: the word embedded, or rabbitmq with its settings."""

    model_config = ConfigDict(json_schema_extra={"examples": [EMBEDDED]})
    rabbitmq: RabbitMQ | None = Field(None, description="Carries events to subscribers")

    @model_validator(mode="before")
    @classmethod
    def _embedded(cls, value: object) -> object:
        return {} if value == EMBEDDED else value

    @property
    def kind(self) -> str:
        """The name of the broker."""
        return EMBEDDED if self.rabbitmq is None else "rabbitmq"


class SubscriberSettings(Config):
    """A program that gets canonical events: which ones, and the key they are sealed with."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$", description="Its name")
    description: str = Field("", description="What it is for, in a sentence")
    on: tuple[str, ...] = Field(("*",), description="Event patterns such as appointment.*")
    key: ProjectPath = Field(description="File with its key: a JWK, or a set; the first seals")
    queues: Literal[1, 2, 4, 8, 16] = Field(1, description="Queues that share its patients")
    ordering: str = Field("lane", pattern="^(lane|none)$", description="lane, or none for no order")

    @field_validator("on", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return value.split() if isinstance(value, str) else value

    @field_validator("queues", mode="before")
    @classmethod
    def _number(cls, value: object) -> object:
        return int(value) if isinstance(value, str) and value.isdigit() else value


class ProjectSettings(Config):
    """What vagus.yaml may say."""

    project: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$", description="The project's name")
    description: str = Field("", description="What it is for, in a sentence")
    node: int = Field(0, ge=0, le=63, description="The number of this engine among its peers")
    nodes: dict[int, tuple[str, ...]] = Field(
        default_factory=dict, description="The channels of each node, when there are several"
    )
    zone: str = Field("UTC", description="The time zone of channels that name none")
    broker: Broker = Field(default_factory=Broker, description="What carries events")
    store: Store = Field(default_factory=Store, description="Where messages are kept")
    keys: Keys = Field(default_factory=Keys, description="Where the keys come from")
    http: Http = Field(default_factory=Http, description="Health checks and metrics")
    subscribers: tuple[SubscriberSettings, ...] = Field(
        (), description="Programs that get canonical events"
    )

    @model_validator(mode="after")
    def _together(self) -> ProjectSettings:
        if not self.nodes:
            return self
        if self.store.postgres is None:
            raise ValueError(
                "several nodes share a journal in PostgreSQL: name it under store: postgres:, or"
                " leave out nodes: and run one engine"
            )
        if self.node not in self.nodes:
            raise ValueError(f"node {self.node} is not under nodes: list it, or correct node:")
        if not all(0 <= node <= MAX_NODE for node in self.nodes):
            raise ValueError(f"a node is a number between 0 and {MAX_NODE}")
        return self


@dataclass(slots=True)
class Side:
    """One configured connector: its name, its settings model, where it stands."""

    connector: str
    settings: BaseModel | None
    place: Place


@dataclass(slots=True)
class DestinationFile:
    """One destination of a channel file."""

    config: DestinationConfig
    side: Side
    fields: Fields


@dataclass(slots=True)
class ChannelFile:
    """One channel file, checked."""

    config: ChannelConfig
    common: SourceConfig
    source: Side
    destinations: list[DestinationFile]
    fields: Fields
    place: Place


@dataclass(slots=True)
class Project:
    """Everything a project folder says, with its files linked to each other."""

    folder: Path
    settings: ProjectSettings
    channels: list[ChannelFile]
    catalogue: Catalogue
    systems: Mapping[str, Systems]
    profiles: Mapping[str, Profile]
    connectors: Mapping[str, Connector]
    node: Node | None = None  # of the main file

    @property
    def name(self) -> str:
        """The project's name."""
        return self.settings.project

    @property
    def store(self) -> Path:
        """The folder of the journal, or with PostgreSQL of what an engine keeps beside it."""
        return self.folder / self.settings.store.path

    def node_of(self, channel: str) -> int:
        """The node that runs a channel when all are up."""
        nodes = self.settings.nodes.items()
        return next((node for node, names in nodes if channel in names), self.settings.node)

    def channel(self, name: str) -> ChannelFile | None:
        """The channel of that name."""
        return next((item for item in self.channels if item.config.channel == name), None)


class LinkSettings(Config):
    """The name of another channel."""

    name: str = Field(description="The other channel")

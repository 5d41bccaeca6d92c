"""What an automation may say: which subscriber it is, where events come from, how often to try."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from broker.rabbitmq.settings import RabbitMQ
from vagus.kernel.settings import Config, Duration


class Recipient(Config):
    """A subscriber that follow-up events go to, sealed for it."""

    name: str = Field(description="The name of the subscriber")
    key: Path = Field(description="File with its key, a JWK")
    on: tuple[str, ...] = Field(("*",), description="The events it is given")


class Settings(Config):
    """One automation."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$", description="The subscriber it is")
    project: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$", description="The project it listens to")
    rabbitmq: RabbitMQ = Field(description="Where events come from")
    key: Path = Field(description="File with the subscriber's key: a JWK or a JWK Set")
    state: Path = Field(description="Folder for what must outlive a restart")
    queues: int = Field(1, ge=1, le=16, description="How many queues the subscriber has")
    concurrency: int = Field(8, ge=1, le=1000, description="Handlers that run at once")
    attempts: int = Field(8, ge=1, le=100, description="Tries before an event is given up")
    first: Duration = Field(2.0, gt=0, description="The wait after the first failure; it doubles")
    longest: Duration = Field(300.0, gt=0, description="The longest wait between two tries")
    recipients: tuple[Recipient, ...] = Field((), description="Who gets follow-up events")
    metrics: int | None = Field(None, ge=0, le=65535, description="Port of Prometheus, loopback")

"""What a file of `simulators/` may say: exactly one of sends, accepts and drops."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, Self, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from vagus.kernel.settings import Config, Duration

T = TypeVar("T")


def _inside(pattern: str) -> str:
    path = PurePosixPath(pattern)
    if not pattern or path.is_absolute() or ".." in path.parts:
        raise ValueError("write a pattern below the project folder, e.g. messages/*.hl7")
    return pattern


def _some(values: tuple[T, ...]) -> tuple[T, ...]:
    if not values:
        raise ValueError("name at least one")
    return values


def _one_or_many(value: object) -> object:
    return value.split() if isinstance(value, str) else value


Pattern = Annotated[str, AfterValidator(_inside)]
Patterns = Annotated[tuple[Pattern, ...], BeforeValidator(_one_or_many), AfterValidator(_some)]
Words = Annotated[tuple[str, ...], BeforeValidator(_one_or_many)]


class Target(Config):
    """A port that takes some of the messages."""

    types: Words = Field((), description="Message codes that go there, e.g. ADT; empty: all others")
    host: str = Field("127.0.0.1", description="Name or address of the receiver")
    port: int = Field(ge=1, le=65535, description="TCP port of the receiver")


Targets = Annotated[tuple[Target, ...], AfterValidator(_some)]


class Mischief(Config):
    """Messages that are wrong, sent beside the good ones over a connection of their own."""

    messages: Patterns = Field(description="Which files, in order of their path")
    every: Duration = Field(2.0, gt=0, description="The time from one to the next")
    wait: Duration = Field(2.0, gt=0, description="How long an answer is waited for")


class Sends(Config):
    """An EHR: sends messages over MLLP in the order of their files, patient by patient."""

    messages: Patterns = Field(description="Which files, in order of their path")
    to: Targets = Field(description="Where messages go, by their code")
    connections: int = Field(4, ge=1, le=256, description="How many, each with one under way")
    rate: float = Field(20.0, ge=0, description="Messages a second in all; 0: as answers allow")
    loops: int = Field(0, ge=0, description="How often the story is told; 0: until stopped")
    fresh: bool = Field(True, description="New MSH-7 and MSH-10 from the first loop on")
    ack_timeout: Duration = Field(10.0, gt=0, description="After it the same bytes go out again")
    duplicates: float = Field(0.0, ge=0, le=1, description="The share sent twice though answered")
    seed: int = Field(1, description="Makes the choice of duplicates repeatable")
    bad: Mischief | None = Field(None, description="Wrong messages to send along")


class Accepts(Config):
    """A peer: takes what comes over MLLP and answers it."""

    host: str = Field("127.0.0.1", description="Address to listen on")
    port: int = Field(ge=0, le=65535, description="TCP port to listen on; 0: any free one")
    refuse: float = Field(0.0, ge=0, le=1, description="The share answered AE the first time")
    silent: float = Field(0.0, ge=0, le=1, description="The share not answered the first time")
    delay: Duration = Field(0.0, ge=0, description="How long it thinks before it answers")
    seed: int = Field(1, description="Makes the choice of refused messages repeatable")


class Drops(Config):
    """A system that leaves files in a folder."""

    files: Patterns = Field(description="Which files, in order of their path")
    folder: str = Field(min_length=1, description="Where they are left; made if it is missing")
    every: Duration = Field(20.0, gt=0, description="The time from one to the next")
    loops: int = Field(0, ge=0, description="How often all are left there; 0: until stopped")
    fresh: bool = Field(True, description="New MSH-7 and MSH-10 from the first loop on")


class SimulatorConfig(Config):
    """One simulator."""

    simulator: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$", description="Its name")
    description: str = Field("", description="What it stands for, in a sentence")
    sends: Sends | None = Field(None, description="An EHR that sends over MLLP")
    accepts: Accepts | None = Field(None, description="A peer that accepts over MLLP")
    drops: Drops | None = Field(None, description="A system that leaves files in a folder")

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if sum(kind is not None for kind in (self.sends, self.accepts, self.drops)) != 1:
            raise ValueError("a simulator does exactly one of sends, accepts and drops")
        return self

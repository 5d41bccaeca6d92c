"""What a project may say about `mllp` in a channel file."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from connectors.tls import ServerTls, Tls
from vagus.kernel.network import is_loopback
from vagus.kernel.settings import Config, Duration, Size


class SourceConfig(Config):
    """A port that takes HL7 v2 messages."""

    port: int = Field(ge=0, le=65535, description="TCP port to listen on.")
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    tls: ServerTls | None = Field(default=None, description="Our certificate and whom we trust.")
    allow_plaintext: bool = Field(
        default=False,
        description="Listen without TLS on an address that other machines can reach.",
    )
    end_block: Literal["strict", "lenient"] = Field(
        default="strict",
        description="strict: a frame ends with 1C 0D. lenient: a 1C alone ends it, for senders "
        "that forget the 0D; content with a 1C byte is then cut.",
    )
    max_frame: Size = Field(default=16 << 20, gt=0, description="Longest message taken.")
    frame_timeout: Duration = Field(
        default=30.0,
        gt=0,
        description="How long a message may take to arrive, or a reply to be taken.",
    )
    idle_timeout: Duration = Field(
        default=0.0, ge=0, description="Close a connection silent for so long; 0s = never."
    )
    ack_timeout: Duration = Field(
        default=0.0,
        ge=0,
        description="Close the connection instead of answering later than this, because a late "
        "answer is taken for that of the next message; 0s = always answer.",
    )
    max_connections: int = Field(
        default=1000, gt=0, description="Connections open at once; further ones are closed."
    )
    pipeline: int = Field(
        default=64, gt=0, description="Messages of one connection waiting for their reply."
    )

    @model_validator(mode="after")
    def _guarded(self) -> SourceConfig:
        if self.tls is None and not self.allow_plaintext and not is_loopback(self.host):
            raise ValueError(
                f"other machines can reach {self.host or 'every address'}: add tls, "
                "or write allow_plaintext: true if the network itself is protected"
            )
        return self


class DestinationConfig(Config):
    """A receiver of HL7 v2 messages."""

    host: str = Field(min_length=1, description="Name or address of the receiver.")
    port: int = Field(ge=1, le=65535, description="TCP port of the receiver.")
    tls: Tls | None = Field(default=None, description="TLS from the first byte, with our files.")
    allow_plaintext: bool = Field(
        default=False, description="Send to other machines without TLS and without a warning."
    )
    connections: int = Field(
        default=1, ge=1, le=256, description="Connections at once, each with one message under way."
    )
    connect_timeout: Duration = Field(
        default=5.0, gt=0, description="How long connecting may take, TLS included."
    )
    ack_timeout: Duration = Field(
        default=30.0, gt=0, description="How long to wait for the acknowledgement."
    )
    accept: tuple[Literal["AA", "CA"], ...] = Field(
        default=("AA", "CA"), min_length=1, description="Acknowledgements that count as taken."
    )
    retry_error: bool = Field(
        default=True, description="Whether a message answered AE or CE is tried again."
    )


def warnings(config: SourceConfig | DestinationConfig) -> list[tuple[str, str, str]]:
    """What deserves a second look in a valid config, as field, code and text."""
    if not isinstance(config, DestinationConfig) or config.tls or config.allow_plaintext:
        return []
    if is_loopback(config.host):
        return []
    text = f"messages to {config.host} travel unencrypted: add tls, or allow_plaintext: true"
    return [("tls", "plaintext", text)]

"""What an operator can set about the journal."""

from __future__ import annotations

from pydantic import Field

from vagus.kernel.settings import Config, Duration


class JournalSettings(Config):
    """How the journal keeps its days."""

    window: Duration = Field(
        default=7 * 86400.0, description="How long a repeated message is recognised."
    )
    keep: Duration = Field(
        default=90 * 86400.0, description="How long a finished day is kept before it is dropped."
    )
    grace: Duration = Field(
        default=300.0, description="How long after midnight UTC a day is closed."
    )
    batch: int = Field(default=128, ge=1, le=1024, description="The most entries of one commit.")
    tokenise_control: frozenset[str] = Field(
        default=frozenset(),
        description="Endpoints whose control ids are stored as keyed hashes, not as text.",
    )

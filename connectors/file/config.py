"""What a project may say about `file` in a channel file."""

from __future__ import annotations

import string
from typing import Literal

from pydantic import Field, field_validator

from vagus.kernel.settings import Config, Duration, ProjectPath, Size

PLACEHOLDERS = frozenset(("id", "type", "time"))
_LITERAL = frozenset(string.ascii_letters + string.digits + "._-")


class SourceConfig(Config):
    """A folder that others put files into."""

    folder: ProjectPath = Field(min_length=1, description="Folder to watch.")
    create: bool = Field(default=False, description="Make the folder if it is not there.")
    pattern: str = Field(
        default="*", min_length=1, description="Which names to take, with * ? and [a-z]."
    )
    every: Duration = Field(default=1.0, gt=0, description="How often to look.")
    stable: Duration = Field(
        default=1.0, ge=0, description="How long size and time of a file must stay the same."
    )
    order: Literal["name", "mtime"] = Field(
        default="name", description="Which of several files goes first."
    )
    archive: str = Field(
        default=".done", min_length=1, description="Folder for accepted files, inside `folder`."
    )
    on_failure: str = Field(
        default=".failed", min_length=1, description="Folder for refused files, inside `folder`."
    )
    format: str = Field(default="hl7v2", min_length=1, description="The format of the files.")
    max_size: Size = Field(default=64 << 20, gt=0, description="Largest file taken.")


class DestinationConfig(Config):
    """A folder that others take files from."""

    folder: ProjectPath = Field(min_length=1, description="Folder to write to.")
    create: bool = Field(default=False, description="Make the folder if it is not there.")
    name: str = Field(
        default="{time}-{id}",
        description="File name from {id}, {type} and {time} (of acceptance), letters, digits "
        "and . _ -; it must hold {id}.",
    )
    suffix: str = Field(
        default=".msg",
        pattern=r"^(\.[A-Za-z0-9]{1,12}){0,2}$",
        description="End of the file name, such as .hl7 or .json.",
    )
    concurrency: int = Field(
        default=8, ge=1, le=256, description="Messages written together, sharing one flush."
    )

    @field_validator("name")
    @classmethod
    def _closed(cls, value: str) -> str:
        try:
            parts = list(string.Formatter().parse(value))
        except ValueError:
            raise ValueError("write placeholders as {id}, {type} or {time}") from None
        names = [name for _, name, _, _ in parts if name is not None]
        if any(spec or conversion for _, _, spec, conversion in parts):
            raise ValueError("placeholders take no format")
        if unknown := sorted(set(names) - PLACEHOLDERS):
            raise ValueError(
                f"unknown placeholder {{{unknown[0]}}}: use {{id}}, {{type}}, {{time}}"
            )
        if "id" not in names:
            raise ValueError("the name must hold {id}, or messages would share a file")
        if not all(set(literal) <= _LITERAL for literal, _, _, _ in parts):
            raise ValueError("outside of placeholders use only letters, digits and . _ -")
        if value.startswith("."):
            raise ValueError("a name that begins with a dot would be hidden from its reader")
        return value

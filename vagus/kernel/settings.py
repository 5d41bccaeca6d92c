"""Settings: YAML nodes into typed, frozen models, every problem with its place.

`${NAME}` is taken from the environment, `${NAME:-text}` has a default, and `${file:PATH}` is the
content of a secret file without its last line end.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic_core import ErrorDetails

from vagus.kernel.diagnostics import Diagnostics, Place, did_you_mean
from vagus.kernel.strictyaml import Fields, Items, Node, Text

_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZE = re.compile(r"([0-9]{1,12})(B|KiB|MiB|GiB)?")
_BYTES = {None: 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_VARIABLE = re.compile(
    r"\$\{(file:[^}]{1,400}|[A-Za-z_][A-Za-z0-9_]{0,100})(?::-([^}]{0,1000}))?\}"
)


class Config(BaseModel):
    """The base of every model that users fill in by YAML."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


def _duration(value: object) -> object:
    if not isinstance(value, str):
        return value
    match = _DURATION.fullmatch(value.strip())
    if match is None:
        raise ValueError("write a duration such as 200ms, 5s, 10m, 2h or 7d")
    return float(match[1]) * _SECONDS[match[2]]


def _size(value: object) -> object:
    if not isinstance(value, str):
        return value
    match = _SIZE.fullmatch(value.strip())
    if match is None:
        raise ValueError("write a size such as 512KiB, 16MiB or 2GiB")
    return int(match[1]) * _BYTES[match[2]]


#: Seconds, written as `5s`, `200ms`, `10m`, `2h`, `7d`.
Duration = Annotated[
    float,
    BeforeValidator(_duration),
    WithJsonSchema({"type": "string", "pattern": r"^\d+(\.\d+)?(ms|s|m|h|d)$"}),
]
#: Bytes, written as `512KiB`, `16MiB`, `2GiB`.
Size = Annotated[
    int,
    BeforeValidator(_size),
    WithJsonSchema({"type": "string", "pattern": r"^\d+(B|KiB|MiB|GiB)?$"}),
]


def _inside(value: str, info: ValidationInfo) -> str:
    folder = (info.context or {}).get("folder")
    return str(folder / value) if folder is not None and value else value


#: A file or folder; one that is not absolute lies in the project's folder.
ProjectPath = Annotated[str, AfterValidator(_inside)]

M = TypeVar("M", bound=BaseModel)


class Reader:
    """Turns nodes into models; reads secrets from one environment, below one folder."""

    def __init__(
        self,
        diagnostics: Diagnostics,
        environment: Mapping[str, str] | None = None,
        folder: Path = Path(),
    ) -> None:
        self._diagnostics = diagnostics
        self._environment = os.environ if environment is None else environment
        self._folder = folder

    def model(self, kind: type[M], node: Node) -> M | None:
        """The model, or None after adding a diagnostic for every problem."""
        before = len(self._diagnostics)
        value = self.value(node)
        if len(self._diagnostics) > before:
            return None
        try:
            context = {"folder": self._folder}
            return kind.model_validate({} if value is None else value, context=context)
        except ValidationError as error:
            for item in error.errors(include_url=False, include_input=False):
                self._report(kind, node, item)
            return None

    def value(self, node: Node) -> Any:
        """The node as strings, lists and dicts with every `${…}` filled in."""
        match node:
            case Text():
                return None if node.value is None else self.text(node)
            case Items():
                return [self.value(item) for item in node.items]
            case Fields():
                return {key: self.value(item) for key, item in node.entries.items()}

    def text(self, node: Text) -> str:
        """The text of a scalar with every `${…}` filled in."""
        return _VARIABLE.sub(lambda match: self._fill(match, node.place), node.value or "")

    def _fill(self, match: re.Match[str], place: Place) -> str:
        name, default = match[1], match[2]
        if not name.startswith("file:"):
            value = self._environment.get(name, default)
            if value is None:
                text = (
                    f"the environment variable {name} is not set; set it, or write ${{{name}:-…}}"
                )
                self._diagnostics.error(place, "missing-variable", text)
            return value or ""
        try:
            return (self._folder / name[5:]).read_text("utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError):
            self._diagnostics.error(
                place, "missing-secret", f"the secret file {name[5:]} cannot be read"
            )
            return ""

    def _report(self, kind: type[BaseModel], node: Node, item: ErrorDetails) -> None:
        path = [part for part in item["loc"] if isinstance(part, str | int)]
        if item["type"] == "extra_forbidden":
            name = str(path[-1])
            hint = did_you_mean(name, _fields_at(kind, path[:-1]))
            place = place_of(node, path, key=True)
            self._diagnostics.error(place, "unknown-field", f"'{name}' is not a field here{hint}")
        elif item["type"] == "missing":
            place = place_of(node, path[:-1])
            self._diagnostics.error(place, "missing-field", f"'{path[-1]}' is required")
        else:
            text = item["msg"].removeprefix("Value error, ")
            self._diagnostics.error(place_of(node, path), "bad-value", text[:1].lower() + text[1:])


def place_of(node: Node, path: list[str | int], *, key: bool = False) -> Place:
    """The place of the node at a path, or of its key; of the nearest parent if it is not there."""
    place = node.place
    for position, part in enumerate(path):
        if isinstance(node, Fields) and part in node.entries:
            last = position == len(path) - 1
            place = node.keys[str(part)] if key and last else node.entries[str(part)].place
            node = node.entries[str(part)]
        elif isinstance(node, Items) and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
            place = node.place
    return place


def _fields_at(kind: type[BaseModel], path: list[str | int]) -> list[str]:
    for part in path:
        field = kind.model_fields.get(str(part))
        annotation = field.annotation if field else None
        inner = _model_in(annotation)
        if inner is None:
            continue
        kind = inner
    return [field.alias or name for name, field in kind.model_fields.items()]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        if found := _model_in(part):
            return found
    return None

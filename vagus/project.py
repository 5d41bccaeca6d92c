"""A folder of YAML files read, checked and linked into a project, before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from channels.config import ChannelConfig, DestinationConfig, SourceConfig
from connectors.catalogue import load as load_connectors
from connectors.seam import Connector
from mappings import catalogue as mapping_catalogue
from mappings.catalogue import Catalogue
from vagus.canonical.systems import Systems
from vagus.canonical.systems import load as load_systems
from vagus.kernel import keys, settings, strictyaml
from vagus.kernel.diagnostics import Diagnostics, Place, did_you_mean
from vagus.kernel.errors import ConfigError
from vagus.kernel.settings import Config, Duration, Size
from vagus.kernel.strictyaml import Fields, Items, Node

FILE = "vagus.yaml"
LINK = "channel"  # a destination that is another channel, and the source of such a channel


class Store(Config):
    """Where messages are kept, and for how long."""

    path: Path = Field(Path("data"), description="Folder of the journal, relative to the project")
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


class ProjectSettings(Config):
    """What vagus.yaml may say."""

    project: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$", description="The project's name")
    description: str = Field("", description="What it is for, in a sentence")
    node: int = Field(0, ge=0, le=63, description="The number of this engine among its peers")
    zone: str = Field("UTC", description="The time zone of channels that name none")
    broker: str = Field("embedded", pattern="^embedded$", description="What carries events")
    store: Store = Field(default_factory=Store, description="Where messages are kept")
    keys: Keys = Field(default_factory=Keys, description="Where the keys come from")
    http: Http = Field(default_factory=Http, description="Health checks and metrics")


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
    connectors: Mapping[str, Connector]
    files: dict[str, Place] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The project's name."""
        return self.settings.project

    @property
    def store(self) -> Path:
        """The folder of the journal."""
        return self.folder / self.settings.store.path

    def channel(self, name: str) -> ChannelFile | None:
        """The channel of that name."""
        return next((item for item in self.channels if item.config.channel == name), None)


def find(start: Path) -> Path:
    """The project folder at or above a folder; raises ConfigError when there is none."""
    for folder in (start, *start.resolve().parents):
        if (folder / FILE).is_file():
            return folder
    raise ConfigError(f"{start}: no {FILE} here or above; make a project with: vagus init DIR")


def load(
    folder: Path, diagnostics: Diagnostics, environment: Mapping[str, str] | None = None
) -> Project | None:
    """The project of a folder, or None when its main file cannot be read.

    Every problem of every file becomes a diagnostic; a project with errors must not run.
    """
    return _Loader(folder, diagnostics, environment).project()


def open_project(folder: Path, environment: Mapping[str, str] | None = None) -> Project:
    """The project of a folder; raises ConfigError with every error found."""
    diagnostics = Diagnostics()
    project = load(folder, diagnostics, environment)
    diagnostics.raise_errors()
    if project is None:
        raise ConfigError(f"{folder / FILE}: the project cannot be read")
    return project


def keyset(project: Project) -> keys.Keyset:
    """The keys of a project, made now if they may be and are not there yet."""
    path = project.folder / project.settings.keys.file
    if path.exists():
        return keys.load(path)
    if project.settings.keys.create:
        return keys.create(path)
    raise ConfigError(f"{path}: there is no key file; put it there, or set keys: {{create: true}}")


class _Loader:
    """Reads one project folder."""

    def __init__(
        self, folder: Path, diagnostics: Diagnostics, environment: Mapping[str, str] | None
    ) -> None:
        self._folder = folder
        self._diagnostics = diagnostics
        self._reader = settings.Reader(diagnostics, environment, folder)
        self._connectors, problems = load_connectors()
        for text in problems:
            diagnostics.warning(Place(FILE), "connector-unavailable", text)

    def project(self) -> Project | None:
        """The whole project."""
        node = self._single(self._folder / FILE)
        options = self._reader.model(ProjectSettings, node) if node else None
        if options is None:
            return None
        folders = [self._folder / "mappings", self._folder / "tables"]
        project = Project(
            folder=self._folder,
            settings=options,
            channels=[],
            catalogue=mapping_catalogue.load(
                [item for item in folders if item.is_dir()], self._diagnostics, root=self._folder
            ),
            systems=self._systems(),
            connectors=self._connectors,
        )
        for path in sorted((self._folder / "channels").glob("*.yaml")):
            if channel := self._channel(path, options):
                project.channels.append(channel)
        self._check_names(project)
        return project

    def _single(self, path: Path) -> Node | None:
        name = str(path.relative_to(self._folder))
        nodes = strictyaml.load_file(path, self._diagnostics, name)
        if len(nodes) > 1:
            self._diagnostics.error(nodes[1].place, "many-documents", "one document in this file")
        return nodes[0] if nodes else None

    def _systems(self) -> dict[str, Systems]:
        registries: dict[str, Systems] = {}
        for path in sorted((self._folder / "systems").glob("*.yaml")):
            node = self._single(path)
            registry = load_systems(node, self._diagnostics) if node else None
            if registry is not None:
                registries[registry.source] = registry
        return registries

    def _channel(self, path: Path, options: ProjectSettings) -> ChannelFile | None:
        node = self._single(path)
        if not isinstance(node, Fields):
            if node is not None:
                self._diagnostics.error(node.place, "bad-channel", "a channel file is a map")
            return None
        own = _without(node, "source", "destinations")
        config = self._reader.model(ChannelConfig, own)
        source = self._source(node, options)
        destinations = self._destinations(node)
        if config is None or source is None or destinations is None:
            return None
        common, side = source
        return ChannelFile(config, common, side, destinations, node, node.place)

    def _source(self, node: Fields, options: ProjectSettings) -> tuple[SourceConfig, Side] | None:
        source = node.entries.get("source")
        if not isinstance(source, Fields):
            place = source.place if source else node.place
            self._diagnostics.error(place, "missing-field", "'source' is required: a connector")
            return None
        common, side = self._side(source, SourceConfig, "source")
        if common is None or side is None:
            return None
        assert isinstance(common, SourceConfig)
        implied = self._connectors[side.connector].format if side.connector != LINK else "fhir"
        update: dict[str, Any] = {}
        if not common.format:
            update["format"] = getattr(side.settings, "format", "") or implied
        if "zone" not in source.entries:
            update["zone"] = options.zone
        return common.model_copy(update=update), side

    def _destinations(self, node: Fields) -> list[DestinationFile] | None:
        listed = node.entries.get("destinations")
        if listed is None:
            return []
        if not isinstance(listed, Items):
            self._diagnostics.error(listed.place, "bad-value", "destinations are a list")
            return None
        found: list[DestinationFile] | None = []
        for item in listed.items:
            if not isinstance(item, Fields):
                self._diagnostics.error(item.place, "bad-value", "a destination is a map")
                found = None
                continue
            config, side = self._side(item, DestinationConfig, "destination")
            if config is None or side is None:
                found = None
            elif found is not None:
                assert isinstance(config, DestinationConfig)
                found.append(DestinationFile(config, side, item))
        return found

    def _side(
        self, node: Fields, common: type[Config], kind: str
    ) -> tuple[Config | None, Side | None]:
        """The settings every source or destination has, and those of its connector."""
        own = [name for name in node.entries if name not in common.model_fields]
        config = self._reader.model(common, _without(node, *own))
        if len(own) != 1:
            place = node.keys[own[1]] if own else node.place
            names = ", ".join(sorted(self._names(kind)))
            text = f"a {kind} has exactly one connector ({names})"
            self._diagnostics.error(place, "one-connector", text)
            return config, None
        return config, self._connector(own[0], node, kind)

    def _names(self, kind: str) -> list[str]:
        return [name for name, item in self._connectors.items() if getattr(item, kind)] + [LINK]

    def _connector(self, name: str, node: Fields, kind: str) -> Side | None:
        place = node.keys[name]
        if name == LINK:
            return Side(LINK, _Link(name=str(strictyaml.plain(node.entries[name]) or "")), place)
        connector = self._connectors.get(name)
        offered = getattr(connector, kind, None)
        if offered is None:
            hint = did_you_mean(name, self._names(kind))
            text = f"'{name}' is not a field here nor a {kind} connector{hint}"
            self._diagnostics.error(place, "unknown-connector", text)
            return None
        model = self._reader.model(offered[0], node.entries[name])
        return None if model is None else Side(name, model, place)

    def _check_names(self, project: Project) -> None:
        seen: dict[str, Place] = {}
        for channel in project.channels:
            name = channel.config.channel
            place = channel.fields.entries["channel"].place
            if name in seen:
                text = f"another channel is called '{name}': {seen[name]}"
                self._diagnostics.error(place, "duplicate-channel", text)
            seen[name] = place
            within: set[str] = set()
            for destination in channel.destinations:
                own = destination.config.name
                if own in within:
                    text = f"another destination of this channel is called '{own}'"
                    self._diagnostics.error(destination.fields.place, "duplicate-destination", text)
                within.add(own)


class _Link(Config):
    """The name of another channel."""

    name: str = Field(description="The other channel")


def _without(node: Fields, *names: str) -> Fields:
    entries = {key: value for key, value in node.entries.items() if key not in names}
    return Fields(entries, node.keys, node.place)

"""From the YAML files of a folder to a project, every problem with its place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from channels.config import ChannelConfig, DestinationConfig, SourceConfig
from connectors.catalogue import load as load_connectors
from mappings import catalogue as mapping_catalogue
from vagus.canonical.systems import Systems
from vagus.canonical.systems import load as load_systems
from vagus.kernel import settings, strictyaml
from vagus.kernel.diagnostics import Diagnostics, Place, did_you_mean
from vagus.kernel.settings import Config
from vagus.kernel.strictyaml import Fields, Items, Node
from vagus.project import links, profiles
from vagus.project.model import (
    FILE,
    LINK,
    ChannelFile,
    DestinationFile,
    Http,
    LinkSettings,
    Project,
    ProjectSettings,
    Side,
)


class Loader:
    """Reads one project folder; what is wrong becomes diagnostics."""

    def __init__(
        self, folder: Path, diagnostics: Diagnostics, environment: Mapping[str, str] | None
    ) -> None:
        self._folder = folder
        self._diagnostics = diagnostics
        self._reader = settings.Reader(diagnostics, environment, folder)
        self._connectors = load_connectors(
            lambda text: diagnostics.warning(Place(FILE), "connector-unavailable", text)
        )

    def project(self, *, mappings: bool = True) -> Project | None:
        """The whole project, or without its mappings, and what depends on them unchecked."""
        node = self._single(self._folder / FILE)
        if node is None and not self._diagnostics.errors:
            self._diagnostics.error(Place(FILE), "empty-file", "say at least: project: NAME")
        known = self._reader.model(ProjectSettings, node) if node else None
        options = known or ProjectSettings(project="unreadable", http=Http(enabled=False))
        folders = [self._folder / "mappings", self._folder / "tables"] if mappings else []
        project = Project(
            folder=self._folder,
            settings=options,
            channels=[],
            catalogue=mapping_catalogue.load(
                [item for item in folders if item.is_dir()], self._diagnostics, library=mappings
            ),
            systems=self._systems(),
            profiles=self._profiles(),
            connectors=self._connectors,
            node=node,
        )
        for path in sorted((self._folder / "channels").glob("*.yaml")):
            if channel := self._channel(path, options):
                project.channels.append(channel)
        if mappings:
            links.check(project, self._diagnostics)
        return project if known else None

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
                registries[registry.name] = registry
        return registries

    def _profiles(self) -> dict[str, profiles.Profile]:
        found: dict[str, profiles.Profile] = {}
        for path in sorted((self._folder / profiles.FOLDER).glob("*.yaml")):
            node = self._single(path)
            profile = profiles.read(node, self._diagnostics) if node else None
            if profile is None or node is None:
                continue
            if profile.name in found:
                text = f"another profile is called '{profile.name}'"
                self._diagnostics.error(node.place, "duplicate-profile", text)
            found[profile.name] = profile
        return found

    def _channel(self, path: Path, options: ProjectSettings) -> ChannelFile | None:
        before = len(self._diagnostics)
        node = self._single(path)
        if not isinstance(node, Fields):
            if len(self._diagnostics) == before:
                place = node.place if node else Place(str(path.relative_to(self._folder)))
                self._diagnostics.error(place, "bad-channel", "a channel file is a map")
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
        names = self._names(kind)
        chosen = [name for name in own if name in names]
        if unknown := [name for name in own if name not in names]:
            for name in unknown:
                hint = did_you_mean(name, names if not chosen else [*common.model_fields, *names])
                text = f"'{name}' is not a field here nor a {kind} connector{hint}"
                code = "unknown-field" if chosen else "unknown-connector"
                self._diagnostics.error(node.keys[name], code, text)
            for name in chosen:
                self._connector(name, node, kind)
            return config, None
        if len(own) != 1:
            place = node.keys[own[1]] if own else node.place
            text = f"a {kind} has exactly one connector ({', '.join(sorted(names))})"
            self._diagnostics.error(place, "one-connector", text)
            return config, None
        return config, self._connector(own[0], node, kind)

    def _names(self, kind: str) -> list[str]:
        return [name for name, item in self._connectors.items() if getattr(item, kind)] + [LINK]

    def _connector(self, name: str, node: Fields, kind: str) -> Side | None:
        place = node.keys[name]
        if name == LINK:
            return Side(
                LINK, LinkSettings(name=str(strictyaml.plain(node.entries[name]) or "")), place
            )
        offered = getattr(self._connectors[name], kind)
        model = self._reader.model(offered[0], node.entries[name])
        return None if model is None else Side(name, model, place)


def _without(node: Fields, *names: str) -> Fields:
    entries = {key: value for key, value in node.entries.items() if key not in names}
    return Fields(entries, node.keys, node.place)

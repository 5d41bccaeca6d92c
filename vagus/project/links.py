"""What the files of a project say about each other: does it exist, and does it fit?"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from channels.config import Ack, OnIssue, Send, Step
from channels.outgoing import pair
from mappings.single import compile_expression
from vagus.canonical import events
from vagus.canonical.bundle import FORMAT as TARGET
from vagus.formats.catalogue import FORMATS
from vagus.kernel.diagnostics import Diagnostics, Place, did_you_mean
from vagus.kernel.settings import place_of
from vagus.project import nodes, subscribers
from vagus.project.model import FILE, LINK, ChannelFile, DestinationFile, Project, Side
from vagus.project.profiles import STANDARD

_SEGMENT = re.compile(r"[A-Z][A-Z0-9]{2}")
_OWN_SEGMENT = re.compile(r"Z[A-Z0-9]{2}")
MODELS = ("fhir/r4",)
_EVERY = {"", "0.0.0.0", "::"}  # noqa: S104 - addresses that stand for all, compared and not used


def check(project: Project, diagnostics: Diagnostics) -> None:
    """Add a diagnostic for whatever does not fit together."""
    _names(project, diagnostics)
    _ports(project, diagnostics)
    subscribers.check(project, diagnostics)
    nodes.check(project, diagnostics)
    for channel in project.channels:
        _Channel(project, channel, diagnostics).check()


def check_ports_free(project: Project, diagnostics: Diagnostics) -> None:
    """Add a diagnostic for each port to listen on that another program has."""
    for host, port, place in _listeners(project):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                text = f"port {port} of {host} is in use: stop what uses it, or choose another"
                diagnostics.error(place, "port-in-use", text)


def _names(project: Project, diagnostics: Diagnostics) -> None:
    seen: dict[str, Place] = {}
    for channel in project.channels:
        name = channel.config.channel
        place = channel.fields.entries["channel"].place
        if name in seen:
            text = f"another channel is called '{name}': {seen[name]}"
            diagnostics.error(place, "duplicate-channel", text)
        seen[name] = place
        within: set[str] = set()
        for destination in channel.destinations:
            own = destination.config.name
            if own in within:
                text = f"another destination of this channel is called '{own}'"
                diagnostics.error(destination.fields.place, "duplicate-destination", text)
            within.add(own)


def _listeners(project: Project) -> Iterable[tuple[str, int, Place]]:
    for channel in project.channels:
        port = getattr(channel.source.settings, "port", 0)
        if port and channel.config.enabled:
            place = place_of(channel.fields, ["source", channel.source.connector, "port"])
            yield getattr(channel.source.settings, "host", ""), port, place


def _ports(project: Project, diagnostics: Diagnostics) -> None:
    taken: dict[int, list[tuple[str, str]]] = {}
    http = project.settings.http
    if http.enabled and http.port:
        taken[http.port] = [(http.host, f"health checks and metrics of {FILE} listen")]
    for host, port, place in _listeners(project):
        others = taken.setdefault(port, [])
        for other, who in others:
            if host == other or _EVERY & {host, other}:
                text = f"{who} on port {port} of {other}"
                diagnostics.error(place, "port-in-use", text)
                break
        others.append((host, f"the channel of {place} listens"))


class _Channel:
    """Checks one channel against the rest of the project."""

    def __init__(self, project: Project, channel: ChannelFile, diagnostics: Diagnostics) -> None:
        self._project = project
        self._channel = channel
        self._diagnostics = diagnostics
        self._format = channel.common.format

    def check(self) -> None:
        """Add a diagnostic for whatever does not fit."""
        self._source()
        for position, step in enumerate(self._channel.config.steps):
            self._step(step, position)
        for position, item in enumerate(self._channel.destinations):
            self._destination(item, position)
        self._warnings(self._channel.source, "source")
        if not self._channel.destinations and self._channel.config.publish is None:
            text = "the channel has no destination: all its messages become dead letters"
            self._diagnostics.warning(self._channel.place, "no-destination", text)

    def _warnings(self, side: Side, *path: str | int) -> None:
        """What a connector itself finds worth a second look."""
        connector = self._project.connectors.get(side.connector)
        if connector is None or connector.warnings is None:
            return
        for field, code, text in connector.warnings(side.settings):
            place = self._place(*path, side.connector, field)
            self._diagnostics.warning(place, code, text)

    def _place(self, *path: str | int) -> Place:
        return place_of(self._channel.fields, list(path))

    def _error(self, place: Place, code: str, text: str) -> None:
        self._diagnostics.error(place, code, text)

    def _source(self) -> None:
        common = self._channel.common
        if self._format not in FORMATS:
            hint = did_you_mean(self._format, FORMATS)
            names = ", ".join(FORMATS)
            text = f"'{self._format}' is not a format ({names}){hint}"
            self._error(self._place("source", "format"), "unknown-format", text)
        try:
            ZoneInfo(common.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            text = f"'{common.zone}' is not a time zone such as America/Chicago"
            self._error(self._place("source", "zone"), "unknown-zone", text)
        if common.systems and common.systems not in self._project.systems:
            hint = did_you_mean(common.systems, self._project.systems)
            text = f"'{common.systems}' is not a registry of identifier systems{hint}"
            self._error(self._place("source", "systems"), "unknown-systems", text)
        if common.lane:
            self._expression(common.lane, self._place("source", "lane"))

    def _expression(self, text: str, place: Place) -> None:
        if self._format in FORMATS:
            compile_expression(text, place, self._diagnostics, self._format)

    def _step(self, step: Step, position: int) -> None:
        if step.filter is not None:
            self._expression(step.filter, self._place("steps", position, "filter"))
        elif step.require is not None:
            self._expression(step.require, self._place("steps", position, "require"))
        elif step.check is not None:
            self._check(step, step.check, position)
        elif step.validation is not None and step.validation not in MODELS:
            hint = did_you_mean(step.validation, MODELS)
            text = f"'{step.validation}' is not a model ({', '.join(MODELS)}){hint}"
            self._error(self._place("steps", position, "validate"), "unknown-model", text)
        elif step.split is not None:
            self._split(step.split, self._place("steps", position, "split"))
        elif step.transform is not None:
            self._transform(step.transform, self._place("steps", position, "transform"))

    def _check(self, step: Step, name: str, position: int) -> None:
        place = self._place("steps", position, "check")
        profiles = self._project.profiles
        if name != STANDARD and name not in profiles:
            hint = did_you_mean(name, [STANDARD, *profiles])
            text = f"'{name}' is not a profile of profiles/, nor '{STANDARD}'{hint}"
            self._error(place, "unknown-profile", text)
        elif name != STANDARD and profiles[name].format != self._format:
            text = f"profile {name} is about {profiles[name].format}, the source gives "
            self._error(place, "wrong-format", text + self._format)
        if any(other.split for other in self._channel.config.steps[:position]):
            text = "a check is of the whole message: put it before the split"
            self._error(place, "bad-order", text)
        if step.on_issue is OnIssue.REFUSE and self._channel.common.ack is not Ack.DELIVERED:
            text = "a sender can be refused only by a reply after the steps: write ack: delivered"
            self._error(self._place("steps", position, "on_issue"), "too-late", text)

    def _split(self, name: str, place: Place) -> None:
        names = FORMATS[self._format].parts() if self._format in FORMATS else [name]
        if name in names or _OWN_SEGMENT.fullmatch(name):
            return
        text = f"'{name}' is not a segment or group of {self._format}{did_you_mean(name, names)}"
        if _SEGMENT.fullmatch(name):  # the standard has some that no dictionary of ours needs
            self._diagnostics.warning(place, "unknown-part", text)
        else:
            self._error(place, "unknown-part", text)

    def _transform(self, name: str, place: Place) -> None:
        mapping = self._project.catalogue.get(name)
        if mapping is None:
            pairs = [f"{source}_to_{TARGET}" for source in FORMATS]
            if name not in pairs:
                hint = did_you_mean(name, [*self._project.catalogue.names(), *pairs])
                text = f"'{name}' is not a mapping{hint}"
                self._error(place, "unknown-mapping", text)
        elif mapping.source_format != self._format:
            text = f"mapping {name} reads {mapping.source_format}, the source gives {self._format}"
            self._error(place, "wrong-format", text)

    def _destination(self, item: DestinationFile, position: int) -> None:
        self._warnings(item.side, "destinations", position)
        for pattern in item.config.on:
            place = self._place("destinations", position, "on")
            if problem := events.pattern_problem(pattern):
                self._error(place, "unknown-event", problem)
            elif not self._reachable(pattern):
                text = f"no {self._format} message becomes the event '{pattern}'"
                self._error(place, "unreachable-destination", text)
        if item.config.when:
            self._expression(item.config.when, self._place("destinations", position, "when"))
        if item.config.send is Send.CANONICAL and not self._makes_canonical():
            text = "nothing makes a canonical Bundle: add a transform step, or send: received"
            self._error(item.fields.place, "nothing-to-send", text)
        if item.config.mapping:
            self._mapping_out(item, position)
        elif "address" in item.fields.entries:
            place = self._place("destinations", position, "address")
            text = "an address is written by a mapping: add mapping: " + pair(self._format)
            self._error(place, "bad-value", text)
        if item.side.connector == LINK:
            self._link(item)

    def _mapping_out(self, item: DestinationFile, position: int) -> None:
        place = self._place("destinations", position, "mapping")
        name = item.config.mapping
        mapping = self._project.catalogue.get(name)
        if mapping is None:
            pairs = [pair(target) for target in FORMATS]
            if name not in pairs:
                hint = did_you_mean(name, [*self._project.catalogue.names(), *pairs])
                self._error(place, "unknown-mapping", f"'{name}' is not a mapping{hint}")
        elif mapping.source_format != TARGET or mapping.target_format not in FORMATS:
            text = f"mapping {name} must go from {TARGET} to one of {', '.join(FORMATS)}"
            self._error(place, "wrong-format", text)
        if item.config.send is Send.RECEIVED:
            self._error(place, "bad-value", "a mapping starts from the canonical Bundle: no send")

    def _reachable(self, pattern: str) -> bool:
        return any(
            events.matches(pattern, event)
            for (source, _), event in events.TABLE.items()
            if source == self._format
        )

    def _makes_canonical(self) -> bool:
        return any(step.transform for step in self._channel.config.steps)

    def _link(self, item: DestinationFile) -> None:
        name = getattr(item.side.settings, "name", "")
        target = self._project.channel(name)
        if target is None:
            hint = did_you_mean(name, [other.config.channel for other in self._project.channels])
            text = f"there is no channel '{name}'{hint}"
            self._error(item.side.place, "unreachable-destination", text)
        elif not target.config.enabled:
            text = f"channel '{name}' is not enabled: nothing would take what is sent there"
            self._error(item.side.place, "unreachable-destination", text)
        elif target.source.connector != LINK:
            text = f"channel '{name}' takes from {target.source.connector}; write source: channel"
            self._error(item.side.place, "unreachable-destination", text)
        elif (given := self._given(item)) != target.common.format:
            text = f"channel '{name}' reads {target.common.format}, but is given {given}"
            self._error(item.side.place, "wrong-format", text)
        elif self._leads_back(target):
            text = f"channel '{name}' leads back here: messages would go round for ever"
            self._error(item.side.place, "channel-cycle", text)

    def _given(self, item: DestinationFile) -> str:
        """The format of what a destination is given."""
        mapping = self._project.catalogue.get(item.config.mapping) if item.config.mapping else None
        if mapping is not None:
            return mapping.target_format
        if item.config.mapping:
            return item.config.mapping.removeprefix(pair(""))
        return TARGET if item.config.send is Send.CANONICAL else self._format

    def _leads_back(self, start: ChannelFile) -> bool:
        seen: set[str] = set()
        open_ = [start]
        while open_:
            channel = open_.pop()
            name = channel.config.channel
            if name == self._channel.config.channel:
                return True
            if name in seen:
                continue
            seen.add(name)
            names = [
                getattr(item.side.settings, "name", "")
                for item in channel.destinations
                if item.side.connector == LINK
            ]
            open_ += [found for each in names if (found := self._project.channel(each))]
        return False

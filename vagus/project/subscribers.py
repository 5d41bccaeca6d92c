"""Whether subscribers and the channels that publish to them fit together."""

from __future__ import annotations

from pathlib import Path

from vagus.canonical import events
from vagus.kernel import jwe
from vagus.kernel.diagnostics import Diagnostics, Place
from vagus.kernel.errors import ConfigError
from vagus.kernel.settings import place_of
from vagus.project.model import FILE, Project


def check(project: Project, diagnostics: Diagnostics) -> None:
    """Add a diagnostic for whatever does not fit."""
    subscribers = project.settings.subscribers
    if subscribers and project.settings.broker.rabbitmq is None:
        text = "the embedded broker serves one process: subscribers need broker: {rabbitmq: …}"
        diagnostics.error(_place(project, "subscribers"), "no-broker", text)
    seen: set[str] = set()
    for position, item in enumerate(subscribers):
        if item.name in seen:
            text = f"another subscriber is called '{item.name}'"
            place = _place(project, "subscribers", position, "name")
            diagnostics.error(place, "duplicate-subscriber", text)
        seen.add(item.name)
        for pattern in item.on:
            if problem := events.pattern_problem(pattern):
                place = _place(project, "subscribers", position, "on")
                diagnostics.error(place, "unknown-event", problem)
        _key(Path(item.key), _place(project, "subscribers", position, "key"), diagnostics)
    _publishers(project, diagnostics)


def _key(path: Path, place: Place, diagnostics: Diagnostics) -> None:
    if not path.exists():  # a secret need not be where the project is only checked
        text = f"there is no key file {path.name}; make one with: vagus broker key {path.name}"
        diagnostics.warning(place, "missing-key", text)
        return
    try:
        jwe.load(path)
    except ConfigError as error:
        diagnostics.error(place, "bad-key", str(error))


def _publishers(project: Project, diagnostics: Diagnostics) -> None:
    for file in project.channels:
        if file.config.publish is None:
            continue
        place = place_of(file.fields, ["publish"])
        if project.settings.broker.rabbitmq is None:
            text = f"publish needs broker: {{rabbitmq: …}} in {FILE}"
            diagnostics.error(place, "no-broker", text)
        elif not project.settings.subscribers:
            text = f"nobody subscribes: name subscribers in {FILE}"
            diagnostics.warning(place, "no-subscriber", text)
        if not any(step.transform for step in file.config.steps):
            text = "nothing makes a canonical Bundle to publish: add a transform step"
            diagnostics.error(place, "nothing-to-send", text)


def _place(project: Project, *path: str | int) -> Place:
    return place_of(project.node, list(path)) if project.node else Place(FILE)

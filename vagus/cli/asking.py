"""Asking the engine to act: through the journal, whether it runs now or starts later."""

from __future__ import annotations

import getpass
import json
import time
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from vagus.cli import output
from vagus.journal.audit import Audit
from vagus.journal.place import Place
from vagus.journal.requests import Requests
from vagus.kernel import ids
from vagus.kernel.clock import SystemClock
from vagus.kernel.errors import ConfigError, EngineFault
from vagus.kernel.keys import Keyset
from vagus.project import Project, placing

PATIENCE = 5.0
_EVERY = 0.05


def actor() -> str:
    """Who is at the keyboard, for the record."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def runs(project: Project) -> bool:
    """Whether an engine runs on the project's journal, as far as can be told from here."""
    try:
        return placing.place(project).holder() is not None
    except (ConfigError, EngineFault):
        return False


def need_store(project: Project) -> None:
    """Raise ConfigError when there is no journal to look into."""
    _need(placing.place(project))


def _need(place: Place) -> None:
    if not place.exists():
        raise ConfigError(f"{place.name}: there is no journal here; has the project ever run?")


def ask(
    project: Project, kind: str, detail: Mapping[str, Any], patience: float = PATIENCE
) -> dict[str, Any] | None:
    """Have the engines concerned do something; their answer, or None when it will be done later.

    Waits `patience` seconds for running engines. Raises ConfigError without a journal.
    """
    answers = [
        _ask(placing.place(project, node), kind, part, patience)
        for node, part in _by_node(project, detail)
    ]
    merged: dict[str, Any] = {}
    for answer in answers:
        if answer is None:
            return None
        for key, value in answer.items():
            known = merged.get(key)
            if isinstance(known, dict):
                known |= value
            elif isinstance(known, list):
                known += value
            else:
                merged[key] = value
    return merged


def _by_node(project: Project, detail: Mapping[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    """What each node is to do: every message is its node's, and so is a channel."""
    own = project.settings.node
    if not project.settings.nodes:
        return [(own, dict(detail))]
    if "ids" not in detail:
        return [(project.node_of(detail["name"]), dict(detail))]
    parts: dict[int, list[str]] = {}
    for text in detail["ids"]:
        parts.setdefault(ids.node_of(ids.from_text(text)), []).append(text)
    return [(node, {**detail, "ids": texts}) for node, texts in parts.items()]


def _ask(
    place: Place, kind: str, detail: Mapping[str, Any], patience: float
) -> dict[str, Any] | None:
    _need(place)
    with closing(place.state()) as state:
        requests = Requests(state, SystemClock())
        number = requests.add(kind, json.dumps({**detail, "actor": actor()}), actor())
        if place.holder() is None:
            output.note("no engine is running; this will be done at its next start")
            return None
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if (result := requests.result(number)) is not None:
                answer: dict[str, Any] = json.loads(result)
                return answer
            time.sleep(_EVERY)
    output.note("the engine has not answered yet; it is still being done")
    return None


def record(project: Project, keyset: Keyset, action: str, subject: str, detail: str = "") -> None:
    """Put on record, before it happens, that the user does something; durable on return."""
    with closing(placing.place(project).state()) as state:
        Audit(state, keyset, SystemClock()).append(actor(), action, subject, detail)

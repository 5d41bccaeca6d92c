"""Asking the engine to act: through the journal, whether it runs now or starts later."""

from __future__ import annotations

import getpass
import json
import time
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from vagus.cli import output
from vagus.journal import lock
from vagus.journal.audit import Audit
from vagus.journal.requests import Requests
from vagus.journal.state import FILE, State
from vagus.kernel.clock import SystemClock
from vagus.kernel.errors import ConfigError
from vagus.kernel.keys import Keyset
from vagus.project import Project

PATIENCE = 5.0
_EVERY = 0.05


def actor() -> str:
    """Who is at the keyboard, for the record."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def has_store(project: Project) -> bool:
    """Whether the project has ever run."""
    return (project.store / FILE).exists()


def need_store(project: Project) -> None:
    """Raise ConfigError when there is no journal to look into."""
    if not has_store(project):
        raise ConfigError(f"{project.store}: there is no journal here; has the project ever run?")


def ask(
    project: Project, kind: str, detail: Mapping[str, Any], patience: float = PATIENCE
) -> dict[str, Any] | None:
    """Have the engine do something; its answer, or None when it will be done later.

    Waits `patience` seconds for a running engine. Raises ConfigError without a journal.
    """
    need_store(project)
    with closing(State(project.store)) as state:
        requests = Requests(state, SystemClock())
        number = requests.add(kind, json.dumps({**detail, "actor": actor()}), actor())
        if lock.holder(project.store) is None:
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
    with closing(State(project.store)) as state:
        Audit(state, keyset, SystemClock()).append(actor(), action, subject, detail)

"""The checks of a channel's steps, with the profiles they name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from channels.config import OnIssue, Step
from vagus.formats.finding import Finding, Severity
from vagus.formats.format import Format
from vagus.project.model import Project

Check = Callable[[Any], Sequence[Finding]]


def check(project: Project, name: str, format: Format) -> Check:
    """What finds the faults of a message, by the standard and the profile of that name."""
    profile = project.profiles.get(name)
    content = profile.content if profile else None
    return lambda message: format.check(message, content)


def faults(project: Project, steps: Iterable[Step], format: Format) -> Check:
    """What gives the errors of all checks whose senders are to be told of them."""
    checks = [
        check(project, step.check, format)
        for step in steps
        if step.check is not None and step.on_issue is OnIssue.REFUSE
    ]

    def found(message: Any) -> Sequence[Finding]:
        every = (item for one in checks for item in one(message))
        return [item for item in every if item.severity is Severity.ERROR]

    return found

"""What is wrong in the user's files, said the way compilers say it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

from vagus.kernel.diagnostic import Diagnostic, Place, Severity
from vagus.kernel.errors import ConfigError

__all__ = ["Diagnostic", "Diagnostics", "Place", "Severity", "did_you_mean"]


class Diagnostics:
    """The findings of one run over a project; each is kept once."""

    def __init__(self) -> None:
        self._items: dict[Diagnostic, None] = {}

    def error(self, place: Place, code: str, text: str) -> None:
        """Record a finding that must be mended before running."""
        self._items[Diagnostic(place, Severity.ERROR, code, text)] = None

    def warning(self, place: Place, code: str, text: str) -> None:
        """Record a finding that a person should look at."""
        self._items[Diagnostic(place, Severity.WARNING, code, text)] = None

    def extend(self, items: Iterable[Diagnostic]) -> None:
        """Take over the findings of another run."""
        for item in items:
            self._items[item] = None

    def __iter__(self) -> Iterator[Diagnostic]:
        return iter(sorted(self._items))

    def __len__(self) -> int:
        return len(self._items)

    @property
    def errors(self) -> list[Diagnostic]:
        """The findings that stop the project from running, in file order."""
        return [item for item in self if item.severity is Severity.ERROR]

    def raise_errors(self) -> None:
        """Raise `ConfigError` with every error found, if there is one."""
        if errors := self.errors:
            raise ConfigError(diagnostics=errors)


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """A suffix that names the nearest known word, or nothing."""
    known = list(names)
    near = difflib.get_close_matches(name, known, 1, 0.6)
    if not near:
        folded = {item.lower(): item for item in known}
        near = [folded[name.lower()]] if name.lower() in folded else []
    return f"; did you mean '{near[0]}'?" if near else ""

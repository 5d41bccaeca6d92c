"""What every simulator offers to whoever starts it."""

from __future__ import annotations

from typing import Any, Protocol


class Simulator(Protocol):
    """One simulated system beside a running project, on the same event loop.

    `feeds` is true for those that bring messages in: they are stopped before the engine drains,
    the others after it. A report holds counts and milliseconds, never content.
    """

    name: str
    feeds: bool

    async def start(self) -> None:
        """Begin; raises ConfigError when a port is taken."""
        ...

    async def stop(self) -> None:
        """Finish what is under way, then let go of connections."""
        ...

    def report(self) -> dict[str, Any]:
        """What it has done so far; safe to print as JSON."""
        ...

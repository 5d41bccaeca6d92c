"""The live table that `vagus run` shows on a terminal: names, counts and ages, never content."""

from __future__ import annotations

import asyncio
import time

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from channels.channel import Channel
from vagus.cli.drawing import grid
from vagus.live import Running

_EVERY = 0.5
_WORDS = ("accepted", "delivered", "filtered", "dead", "pending")


async def watch(live: Running, url: str) -> None:
    """Draw the table on standard error until cancelled."""
    console = Console(stderr=True, highlight=False)
    with Live(console=console, auto_refresh=False, transient=True) as screen:
        while True:
            screen.update(picture(live, url), refresh=True)
            await asyncio.sleep(_EVERY)


def picture(live: Running, url: str) -> Group:
    """The table with where to look further."""
    counts = live.journal.counts()["endpoints"]
    lines = [
        [
            channel.name + (" (paused)" if channel.paused else ""),
            *(str(counts.get(channel.name, {}).get(word, 0)) for word in _WORDS),
            _age(channel),
        ]
        for channel in live.engine.channels.values()
    ]
    reason = live.engine.pressure.reason
    state = f"not accepting: {reason}" if reason else "running; Ctrl-C drains and stops"
    places = f"folder {live.project.folder}" + (f"   {url}/metrics" if url else "")
    heads = ["channel", *_WORDS, "last message"]
    return Group(
        grid(heads, lines, title=f"{live.project.name}: {state}"),
        Text(places, style="dim"),
        Text(f"vagus dead-letters {live.project.folder}", style="dim"),
    )


def _age(channel: Channel) -> str:
    last = channel.measures.last_message
    if not last:
        return "-"
    seconds = max(0, int(time.time() - last))
    return f"{seconds} s ago" if seconds < 120 else f"{seconds // 60} min ago"

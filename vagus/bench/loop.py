"""The event loop of a process: uvloop where it is installed and wanted, else asyncio's own."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


def run(main: Coroutine[Any, Any, None], *, fast: bool) -> str:
    """Run to the end; the name of the loop that was used."""
    if fast:
        try:
            import uvloop
        except ImportError:
            pass
        else:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(main)
            return "uvloop"
    asyncio.run(main)
    return "asyncio"

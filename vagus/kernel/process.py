"""How an engine process is set up: its event loop, and what its garbage collector looks at."""

from __future__ import annotations

import asyncio
import gc
import importlib
import importlib.util
from collections.abc import Callable
from typing import Any

#: Young objects before a collection. A message makes some thousands that die with it.
YOUNG = 20_000

LoopFactory = Callable[[], asyncio.AbstractEventLoop]


def loop_factory() -> LoopFactory | None:
    """uvloop's where it is installed (the extra `fast`), else None: asyncio's own."""
    if importlib.util.find_spec("uvloop") is None:
        return None
    module: Any = importlib.import_module("uvloop")
    factory: LoopFactory = module.new_event_loop
    return factory


def settle_memory() -> None:
    """Leave what exists now out of every later collection: it lives as long as the process.

    A project's mappings and schemas are some hundred thousand objects; walking over them again
    and again costs more than mapping the messages.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 50)

"""Changing keys: the days' own keys are wrapped anew, the bodies stay as they are."""

from __future__ import annotations

from vagus.journal.state import State
from vagus.journal.vault import rewrapped
from vagus.kernel.keys import Keyset


def rewrap(state: State, keyset: Keyset) -> int:
    """Wrap every day's key with the keyset's current key; how many there were.

    Afterwards the older keys of the keyset can be removed. Raises CorruptBody when a day's key
    does not open, and changes nothing then.
    """
    wrapped = {
        partition.day: rewrapped(keyset, partition.day, partition.wrapped_key)
        for partition in state.partitions().values()
        if partition.wrapped_key is not None
    }
    state.set_wrapped(wrapped)
    return len(wrapped)

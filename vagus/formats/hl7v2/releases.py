"""The release of the standard that a message says it follows (MSH-12.1)."""

from __future__ import annotations

from functools import lru_cache

#: Read for what names no release.
ASSUMED = (2, 5)


@lru_cache(maxsize=64)
def release(version: str) -> tuple[int, ...]:
    """`2.5.1` as (2, 5, 1); releases compare as tuples do."""
    parts = version.split(".")[:3]
    if not all(part.isascii() and part.isdigit() for part in parts):
        return ASSUMED
    return tuple(int(part) for part in parts)

"""Choices that look random and come out the same on every run with the same seed."""

from __future__ import annotations

from hashlib import blake2b


def chance(seed: int, *parts: bytes) -> float:
    """A number of [0, 1) that depends on the seed and the parts only."""
    digest = blake2b(b"\x1f".join((str(seed).encode(), *parts)), digest_size=8).digest()
    return int.from_bytes(digest) / (1 << 64)

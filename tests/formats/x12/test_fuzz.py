"""Samples mutilated at random, in pieces of any size: always results, never an exception."""

from __future__ import annotations

import random

import pytest
from formats.x12.samples import BODIES, interchange

from vagus.formats.x12.units import each

CLEAN = [interchange(transaction) for transaction in BODIES]


def mutilated(rng: random.Random) -> bytes:
    data = bytearray(rng.choice(CLEAN))
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(6):
            case 0:
                data[at : at + 1] = bytes([rng.randrange(256)])
            case 1:
                del data[at : at + rng.choice((1, 3, 30, 300))]
            case 2:
                data[at:at] = rng.choice((b"*", b"~", b":", b"^", b"\n", b"9" * 5000, b"ISA*"))
            case 3:
                other = rng.choice(CLEAN)
                start = rng.randrange(len(other))
                data[at:at] = other[start : start + rng.choice((20, 200, 2000))]
            case 4:
                segments = bytes(data).split(b"~")
                first, second = rng.randrange(len(segments)), rng.randrange(len(segments))
                segments[first], segments[second] = segments[second], segments[first]
                data = bytearray(b"~".join(segments))
            case 5:
                segments = bytes(data).split(b"~")
                chosen = rng.randrange(len(segments))
                segments[chosen:chosen] = [segments[chosen]] * rng.choice((1, 3, 100))
                data = bytearray(b"~".join(segments))
    return bytes(data)


@pytest.mark.parametrize("seed", range(8))
def test_nothing_breaks_the_reader(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(60):
        data = mutilated(rng)
        size = rng.choice((40, 400, 1 << 18))
        pieces = [data[at : at + size] for at in range(0, len(data), size)]
        for result in each(pieces, lambda unit: None):
            for item in result.findings:
                assert 0 <= item.offset <= len(data)
                assert item.plain.text and "MARKED" not in item.where + item.text

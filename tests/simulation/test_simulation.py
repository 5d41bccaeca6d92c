"""The core under a seeded scheduler: guarantees at every step, and planted bugs that are found."""

from __future__ import annotations

import pytest

from simulation.world import Violation, World

SEEDS = 150


def test_guarantees_hold_over_seeds_and_crashes() -> None:
    crashes = 0
    for seed in range(SEEDS):
        world = World(seed)
        world.run()
        crashes += world.crashes
        assert len(world.acked) == 40
    assert crashes > SEEDS // 2


def test_a_run_without_faults_delivers_each_message_once() -> None:
    for seed in range(60):
        world = World(seed)
        world.run(faults=False)
        for seen in world.taken.values():
            assert seen == sorted(set(seen)), f"seed {seed}"


@pytest.mark.parametrize(
    "plant", ["hasty-ack", "early-release", "unsorted-recovery", "early-hot", "short-reload"]
)
def test_planted_bugs_are_found(plant: str) -> None:
    with pytest.raises((Violation, AssertionError, KeyError)):
        _search(plant)


def _search(plant: str) -> None:
    for seed in range(SEEDS * 2):
        World(seed, plant).run()

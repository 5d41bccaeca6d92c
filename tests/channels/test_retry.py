from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from channels.health import Health
from channels.retry import PROBE_LONGEST, RetryPolicy, probe_delay

share = st.floats(0, 1, exclude_max=True)


@given(st.floats(0.001, 60), st.floats(0.001, 3600), st.integers(1, 1000), share, share)
def test_waits_grow_and_are_bounded(
    first: float, longest: float, attempt: int, one: float, two: float
) -> None:
    policy = RetryPolicy(12, first, longest)
    wait = policy.delay(attempt, lambda: one)
    assert 0 < wait <= longest
    assert policy.delay(attempt + 1, lambda: one) >= wait
    assert policy.delay(attempt, lambda: two) >= wait / 2


@given(st.integers(1, 10_000), share)
def test_probes_grow_and_are_bounded(failures: int, chance: float) -> None:
    wait = probe_delay(failures, lambda: chance)
    assert 0.5 <= wait <= 1.5 * PROBE_LONGEST
    assert probe_delay(failures + 1, lambda: chance) >= wait


def test_a_peers_wish_is_a_floor() -> None:
    assert RetryPolicy(3, 1, 4).delay(1, lambda: 0.0, 30.0) == 30.0
    assert RetryPolicy(3, 1, 4).delay(9, lambda: 0.0, 0.1) == 2.0


def test_attempts_are_exhausted() -> None:
    assert [RetryPolicy(attempts=3).exhausted(number) for number in (1, 2, 3, 4)] == [
        False,
        False,
        True,
        True,
    ]


def test_several_sends_failing_together_count_once() -> None:
    health = Health(8, lambda: 0.5)
    for _ in range(8):
        health.failed(100.0)
    assert health.probe_at == 101.0
    health.failed(101.5)
    assert health.probe_at == 103.5


def test_a_success_of_before_ends_the_outage() -> None:
    health = Health(8, lambda: 0.5)
    health.failed(100.0)
    assert health.allowed(100.0) == 0
    assert health.allowed(101.0) == 1
    health.succeeded()
    assert [health.allowed(100.0)] == [1]
    ramp = []
    for _ in range(4):
        health.succeeded()
        ramp.append(health.allowed(100.0))
    assert ramp == [2, 4, 8, 8]

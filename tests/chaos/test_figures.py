"""The figures say what was measured, and what falls short never looks reached."""

from __future__ import annotations

import math

from tests.histories import Kind

from .figures import Figure, longest_call_s, middle, recovery_s, success_percent
from .workload import Sample


def sample(called: float, returned: float, error: str = "", key: bytes = b"a") -> Sample:
    return Sample(1, key, Kind.GET, called, returned, error)


def test_a_figure_is_held_to_its_target() -> None:
    """Of some figures more is better."""
    assert Figure("", 2.0, 2.0).is_reached
    assert not Figure("", 2.1, 2.0).is_reached
    assert not Figure("", math.inf, 2.0).is_reached
    assert Figure("", 99.0, 99.0, is_least=True).is_reached
    assert not Figure("", 98.9, 99.0, is_least=True).is_reached
    assert "FALLS SHORT" in str(Figure("", 2.1, 2.0))


def test_recovery_is_counted_for_each_key_from_the_fault_on() -> None:
    """What was called before it, or not answered, does not count; a key never answered does."""
    samples = [
        sample(9.0, 10.5),
        sample(10.1, 10.2, "no connection"),
        sample(10.3, 11.0),
        sample(11.0, 11.1),
    ]
    assert recovery_s(samples, [b"a", b"b"], 10.0) == [1.0, math.inf]
    assert middle(recovery_s(samples, [b"a"], 10.0)) == 1.0


def test_success_is_that_of_calls_made_between_two_times() -> None:
    """Nothing called is no success."""
    samples = [sample(1, 2), sample(2, 3, "refused"), sample(5, 6)]
    assert success_percent(samples, 1, 3) == 50
    assert success_percent(samples, 8, 9) == 0


def test_the_longest_call_is_of_those_answered() -> None:
    """One that failed is counted elsewhere."""
    samples = [sample(0, 9), sample(1, 2), sample(2, 8, "refused")]
    assert longest_call_s(samples, 1) == 1
    assert longest_call_s([], 0) == math.inf

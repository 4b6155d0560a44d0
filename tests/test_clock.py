"""The clocks, steady and of the calendar."""

from __future__ import annotations

from memcloud.clock import SystemClock


def test_the_offset_of_the_real_clock_does_not_move() -> None:
    """Else a deadline would come back a millisecond away from the one that was given."""
    clock = SystemClock()
    offset_ms = clock.unix_offset_ms()
    for _ in range(1000):
        before_ms, unix_ms, after_ms = clock.now_ms(), clock.unix_ms(), clock.now_ms()
        assert before_ms <= unix_ms - offset_ms <= after_ms


def test_the_real_clock_never_goes_back() -> None:
    """Deadlines hang on it."""
    clock = SystemClock()
    looks = [clock.now_ms() for _ in range(1000)]
    assert looks == sorted(looks)

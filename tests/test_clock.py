"""The clocks, steady and of the calendar."""

from __future__ import annotations

from memcloud.clock import SystemClock, unix_offset_ms

from .manual_clock import ManualClock


class RestlessClock(ManualClock):
    """A clock that passes on to the next millisecond before some of the looks at it."""

    def __init__(self, steps: list[int]) -> None:
        super().__init__()
        self._steps = steps

    def now_ms(self) -> int:
        """Return the time after the next step."""
        self.advance(self._steps.pop(0) if self._steps else 0)
        return super().now_ms()

    def unix_ms(self) -> int:
        """Return the time after the next step."""
        self.advance(self._steps.pop(0) if self._steps else 0)
        return super().unix_ms()


def test_the_offset_is_exact_although_time_passes_between_two_looks() -> None:
    """Else a deadline would come back a millisecond away from the one that was given."""
    still = ManualClock()
    expected = still.unix_ms() - still.now_ms()
    for steps in ([0, 1, 0], [0, 0, 1], [0, 1, 1, 1, 1], [1, 1, 0, 0, 0, 5]):
        assert unix_offset_ms(RestlessClock(steps)) == expected


def test_the_offset_of_the_real_clock_does_not_move() -> None:
    """Until somebody sets the wall clock and it is told to follow."""
    clock = SystemClock()
    assert len({unix_offset_ms(clock) for _ in range(10_000)}) == 1


def test_the_real_clock_never_goes_back() -> None:
    """Deadlines hang on it."""
    clock = SystemClock()
    looks = [clock.now_ms() for _ in range(1000)]
    assert looks == sorted(looks)

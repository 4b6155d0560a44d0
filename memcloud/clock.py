"""Where time comes from. The core asks a Clock and never the operating system.

Deadlines are kept on a clock that never steps and that runs on while the machine is suspended, so
that a wrong or corrected wall clock expires nothing early or late. Commands that name a moment of
the calendar (EXPIREAT, EXPIRETIME) convert by a constant offset between the two, and so get back
exactly the moment they named.
"""

from __future__ import annotations

import time
from typing import Protocol

# A wall clock that is off by more than this has been set, not adjusted.
STEP_MS = 1000

# Linux' CLOCK_BOOTTIME and macOS' CLOCK_MONOTONIC both count the time that the machine sleeps.
CLOCK_ID: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Clock(Protocol):
    """A source of time, in whole milliseconds unless the name says otherwise."""

    def now_ms(self) -> int:
        """Milliseconds since a fixed start; never goes back."""
        ...

    def now_ns(self) -> int:
        """The same in nanoseconds, to measure how long something took."""
        ...

    def unix_ms(self) -> int:
        """Milliseconds since 1970: ``now_ms()`` plus a constant, until the wall clock is set."""
        ...

    def unix_offset_ms(self) -> int:
        """What ``unix_ms()`` is ahead of ``now_ms()``, to convert between the two exactly."""
        ...

    def unix_us(self) -> int:
        """Microseconds since 1970, straight from the wall clock."""
        ...


class SystemClock:
    """The real one."""

    def __init__(self) -> None:
        self._offset_ms = 0
        self.resync()

    def now_ms(self) -> int:
        """See `Clock.now_ms`."""
        return time.clock_gettime_ns(CLOCK_ID) // 1_000_000

    def now_ns(self) -> int:
        """See `Clock.now_ns`."""
        return time.perf_counter_ns()

    def unix_ms(self) -> int:
        """See `Clock.unix_ms`."""
        return self.now_ms() + self._offset_ms

    def unix_offset_ms(self) -> int:
        """See `Clock.unix_offset_ms`."""
        return self._offset_ms

    def unix_us(self) -> int:
        """See `Clock.unix_us`."""
        return time.time_ns() // 1000

    def resync(self) -> bool:
        """Follow the wall clock if somebody has set it; return whether that was so."""
        offset_ms = time.time_ns() // 1_000_000 - self.now_ms()
        if abs(offset_ms - self._offset_ms) < STEP_MS:
            return False
        self._offset_ms = offset_ms
        return True

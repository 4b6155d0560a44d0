"""A clock that moves only when a test says so."""

from __future__ import annotations


class ManualClock:
    """A `memcloud.clock.Clock` set by hand.

    The calendar and the steady clock start far apart, so that code which mixes them up fails.
    """

    def __init__(self, now_ms: int = 1_000_000, unix_ms: int = 1_700_000_000_000) -> None:
        self._now_ms = now_ms
        self._offset_ms = unix_ms - now_ms

    def now_ms(self) -> int:
        """See `Clock.now_ms`."""
        return self._now_ms

    def now_ns(self) -> int:
        """See `Clock.now_ns`."""
        return self._now_ms * 1_000_000

    def unix_ms(self) -> int:
        """See `Clock.unix_ms`."""
        return self._now_ms + self._offset_ms

    def unix_offset_ms(self) -> int:
        """See `Clock.unix_offset_ms`."""
        return self._offset_ms

    def unix_us(self) -> int:
        """See `Clock.unix_us`."""
        return self.unix_ms() * 1000

    def advance(self, ms: int) -> None:
        """Let ``ms`` milliseconds pass on both clocks."""
        assert ms >= 0, "a clock never goes back"
        self._now_ms += ms

    def set_unix_ms(self, unix_ms: int) -> None:
        """Set the calendar, as somebody with a wrong watch might."""
        self._offset_ms = unix_ms - self._now_ms

"""How much memory a node may keep while its host is short of it.

The problem. The memory that a node lends belongs to somebody who may want it back at any moment,
for a program that does not ask. A node that keeps it makes the whole machine slow; one that gives
everything away at the first sign is no cache.

The idea. Two marks stand on the scale of what host and control group have left. Below the lower
one the node is *pressed*, and lowers its own limit, a step at a time, by what is missing to the
upper one. Between the marks nothing changes. Above the upper one, for a while, it is *calm* and
raises the limit step by step, as long as a node that filled itself up to the new limit would
still leave the upper mark free. So giving back and growing never take turns on the same facts.

Stalls (Linux' pressure stall information) double the marks and are not a reason by themselves: they
come also from a program that is short in a control group of its own, which nothing here can help,
and their average over 10 s still tells of a shortage that is over.

Nothing here evicts, reads a file or knows the time: facts go in, a ceiling comes out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

UPPER_SHARE: Final = 10  # the upper mark is this part of all memory: a tenth
UPPER_BYTES_MAX: Final = 4 << 30  # a tenth of a large machine is more than anybody waits for
LOWER_SHARE: Final = 2  # the lower mark is this part of the upper one: a half
STALLED_PERCENT: Final = 10.0

SHRINK_SHARE: Final = 4  # of the configured limit, given back at most between two looks
GROW_SHARE: Final = 16  # of the configured limit, taken back at most per `GROW_MS`
FLOOR_SHARE: Final = 16  # of the configured limit, kept whatever happens
CALM_MS: Final = 10_000
GROW_MS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Pressure:
    """What is known of the memory around the node; None where the system does not tell."""

    available_bytes: int
    total_bytes: int
    stalled_percent: float | None = None  # share of the last 10 s that some task waited for memory
    group_limit_bytes: int | None = None
    group_used_bytes: int | None = None  # without what the system drops by itself

    @property
    def surplus_bytes(self) -> int:
        """What is left above the upper mark of whoever is shorter of host and control group."""
        return min(left - upper for left, upper in self._scales())

    @property
    def is_short(self) -> bool:
        """Whether host or control group are below their lower mark."""
        return any(left < upper // LOWER_SHARE for left, upper in self._scales())

    def _scales(self) -> list[tuple[int, int]]:
        """Return what is left and the upper mark, for the host and for the control group."""
        upper_bytes = _upper_mark(self.total_bytes)
        if self.stalled_percent is not None and self.stalled_percent >= STALLED_PERCENT:
            upper_bytes *= 2
        scales = [(self.available_bytes, upper_bytes)]
        limit_bytes, used_bytes = self.group_limit_bytes, self.group_used_bytes
        if limit_bytes is not None and used_bytes is not None:
            scales.append((limit_bytes - used_bytes, _upper_mark(limit_bytes)))
        return scales


class Governor:
    """Decides the ceiling of one store: a limit below the configured one, or None.

    Invariants:

    1. While pressed, the ceiling never rises; while calm, it never falls.
    2. A new ceiling is at least what the store still holds, so that no command has to evict for it.
    """

    def __init__(self) -> None:
        self.ceiling_bytes: int | None = None
        self.is_pressed = False
        self._calm_since_ms: int | None = None

    def goal_bytes(self, pressure: Pressure, limit_bytes: int, used_bytes: int) -> int | None:
        """Take note of the facts; return down to what the store should be evicted, if pressed.

        Args:
            limit_bytes: the configured limit; 0 is none.
            used_bytes: what the store holds now.
        """
        surplus_bytes = pressure.surplus_bytes
        self.is_pressed = pressure.is_short or (self.is_pressed and surplus_bytes < 0)
        if not self.is_pressed:
            return None
        limit_bytes = limit_bytes or pressure.total_bytes
        step_bytes = min(-surplus_bytes, limit_bytes // SHRINK_SHARE)
        return max(used_bytes - step_bytes, limit_bytes // FLOOR_SHARE)

    def shrink(self, goal_bytes: int, used_bytes: int) -> None:
        """Lower the ceiling to the goal, or to what is used if that could not be evicted."""
        reached_bytes = max(goal_bytes, used_bytes)
        if self.ceiling_bytes is None or reached_bytes < self.ceiling_bytes:
            self.ceiling_bytes = reached_bytes

    def grow(self, pressure: Pressure, limit_bytes: int, used_bytes: int, now_ms: int) -> None:
        """Raise the ceiling by a step if it has been calm for long enough; to be called often."""
        surplus_bytes = pressure.surplus_bytes
        if self.is_pressed or surplus_bytes < 0:
            self._calm_since_ms = None
            return
        if self._calm_since_ms is None:
            self._calm_since_ms = now_ms
        if self.ceiling_bytes is None or now_ms - self._calm_since_ms < CALM_MS:
            return
        limit_bytes = limit_bytes or pressure.total_bytes
        grown_bytes = self.ceiling_bytes + max(1, limit_bytes // GROW_SHARE)
        if surplus_bytes < min(grown_bytes, limit_bytes) - used_bytes:
            return
        self.ceiling_bytes = None if grown_bytes >= limit_bytes else grown_bytes
        # The next step is due after `GROW_MS` more.
        self._calm_since_ms = now_ms - CALM_MS + GROW_MS


def _upper_mark(total_bytes: int) -> int:
    return min(total_bytes // UPPER_SHARE, UPPER_BYTES_MAX)

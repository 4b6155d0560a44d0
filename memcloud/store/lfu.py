"""LFU: the least often used goes first, counted in a byte.

The problem: a true count of accesses grows without bound, and remembers for ever what was popular
once. Redis' answer (evict.c), which this follows number for number since OBJECT FREQ shows it:

- The counter is logarithmic. An access raises it with a probability of 1 in
  (counter - 5) * log_factor + 1, so that with a factor of 10 it takes about a million accesses to
  reach the end, 255.
- It decays by one for every ``decay_minutes`` that nobody asked for the key. The decay is worked
  out from the time of the last access when the counter is looked at; nothing walks over the keys.
- A new key begins with 5, not 0, lest it go before it can prove itself.

Among keys of equal counters the one longest unused goes first; Redis leaves that to chance.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Final

from memcloud.chance import Random

from .entry import Entry
from .sampling import Find, Sampling

COUNTER_INITIAL: Final = 5
COUNTER_MAX: Final = 255
_MINUTE_MS: Final = 60_000
_TIME_BITS: Final = 48  # milliseconds of 8900 years


@dataclass(slots=True)
class LfuTuning:
    """lfu-log-factor and lfu-decay-time, which may change at run time."""

    log_factor: int = 10
    decay_minutes: int = 1  # 0: never


def decayed_counter(entry: Entry, now_ms: int, tuning: LfuTuning) -> int:
    """Return what the counter of an entry has come down to by now."""
    if not tuning.decay_minutes:
        return entry.counter
    minutes = now_ms // _MINUTE_MS - entry.accessed_ms // _MINUTE_MS
    return max(0, entry.counter - minutes // tuning.decay_minutes)


class LeastFrequentlyUsed(Sampling):
    """LFU over the entries of a sample."""

    __slots__ = ("_now_ms", "_random", "_tuning")

    notes_access: ClassVar[bool] = True
    initial_counter: ClassVar[int] = COUNTER_INITIAL

    def __init__(
        self, random: Random, find: Find, now_ms: Callable[[], int], tuning: LfuTuning
    ) -> None:
        super().__init__(random, find)
        self._random = random
        self._now_ms = now_ms
        self._tuning = tuning

    def rank(self, entry: Entry) -> int:
        """Return the counter, and below it the time of the last access."""
        counter = decayed_counter(entry, self._now_ms(), self._tuning)
        return counter << _TIME_BITS | entry.accessed_ms

    def access(self, entry: Entry, now_ms: int) -> None:
        """Let the counter decay for the time gone by, and perhaps raise it."""
        counter = decayed_counter(entry, now_ms, self._tuning)
        if counter < COUNTER_MAX:
            odds = max(0, counter - COUNTER_INITIAL) * self._tuning.log_factor + 1
            counter += self._random.random() * odds < 1
        entry.counter = counter

"""Which key has to go when memory is full: the lowest in some ranking, approximately.

The problem: an exact order of all keys (by last access, by frequency, by deadline) is a structure
that every read rewrites. Redis does without one (evict.c), and so do we: a few entries are drawn
at random, and the lowest ranked of them goes. To come nearer to the true order, the drawn ones
that did not go are kept as candidates for next time, so each round competes with the best of the
past.

A kept candidate may have been read, changed or deleted meanwhile. Its rank tells: it stands for
its key only while both still agree. (A key deleted and written anew within the same millisecond
may also agree; then it is a key of that rank, which is all that is claimed.) Candidates are kept by
name, not by reference, so that none keeps a deleted value in memory.

Limits: keys of one rank go in the order of their names. Keys past their deadline are drawn like
others. One huge value may cost very many small keys in one go; they are not spread over several
rounds, since the limit is exact.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from typing import ClassVar, Final

from memcloud.chance import Random

from .entry import Entry
from .pool import Pool

SAMPLES: Final = 5  # maxmemory-samples of Redis, whose redis.conf argues for it
CANDIDATES_MAX: Final = 16  # EVPOOL_SIZE in evict.c

Find = Callable[[int, bytes], Entry | None]
"""Returns the entry of a key in the keyspace of a number, expired or not."""


class Sampling:
    """Draws, ranks and names the lowest; what the rank is, a class derived from it says."""

    __slots__ = ("_candidates", "_find", "_pool")

    notes_access: ClassVar[bool] = False
    initial_counter: ClassVar[int] = 0

    def __init__(self, random: Random, find: Find) -> None:
        self._find = find
        self._pool = Pool(random)
        # Rank, number of keyspace, key; sorted, so the first to go comes first.
        self._candidates: list[tuple[int, int, bytes]] = []

    def rank(self, entry: Entry) -> int:
        """Return a number; the entry with the lowest goes first."""
        raise NotImplementedError

    def access(self, entry: Entry, now_ms: int) -> None:
        """Note nothing."""

    def insert(self, entry: Entry) -> None:
        """Let the entry be drawn."""
        self._pool.add(entry)

    def adopt(self, entry: Entry) -> None:
        """Let the entry be drawn."""
        self._pool.add(entry)

    def remove(self, entry: Entry) -> None:
        """Let it be drawn no more; a candidate that names it is out of date by that."""
        self._pool.remove(entry)

    def resize(self, entry: Entry, growth_bytes: int) -> None:
        """Note nothing: sizes do not count."""

    def candidate(self) -> Entry | None:
        """Return the lowest of some new and some kept entries."""
        if not self._pool:
            return None
        for _ in range(SAMPLES):
            self._add(self._pool.draw())
        # The last eviction took a candidate away, so at least one of those drawn has found a
        # place, even if all others are lower and out of date.
        while True:
            rank, number, key = self._candidates.pop(0)
            entry = self._find(number, key)
            if entry is not None and entry.is_tracked and self.rank(entry) == rank:
                return entry

    def _add(self, entry: Entry) -> None:
        candidate = (self.rank(entry), entry.keyspace.number, entry.key)
        position = bisect_left(self._candidates, candidate)
        if self._candidates[position : position + 1] != [candidate]:
            self._candidates.insert(position, candidate)
            del self._candidates[CANDIDATES_MAX:]


class LeastRecentlyUsed(Sampling):
    """LRU: the entry whose last access is longest ago goes first."""

    __slots__ = ()

    def rank(self, entry: Entry) -> int:
        """Return the time of the last access."""
        return entry.accessed_ms


class NextDue(Sampling):
    """The entry whose deadline comes first goes first: it has the least left to lose."""

    __slots__ = ()

    _NEVER_MS: ClassVar[int] = 1 << 63

    def rank(self, entry: Entry) -> int:
        """Return the deadline; entries that are in the cache without one go last."""
        return self._NEVER_MS if entry.deadline_ms is None else entry.deadline_ms

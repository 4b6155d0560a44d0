"""Which key has to go when memory is full: the least recently used, approximately.

The problem: an exact LRU order is a linked list that every read rewrites. Redis does without one
(evict.c), and so do we: each entry knows the time of its last access, a few entries are drawn at
random, and the longest unused of them goes. To come nearer to the true order, the drawn ones that
did not go are kept as candidates for next time, so each round competes with the best of the past.

A kept candidate may have been read, changed or deleted meanwhile. Its time of access tells: it
stands for its key only while both still agree. (A key deleted and written anew within the
same millisecond also agrees; then it is a key of that age, which is all that is claimed.)

An entry is drawn uniformly over all evictable keys, in O(1) whatever their spread over databases
and slots, so an eviction costs the same with ten keys and with ten million.

Limits: ages are in milliseconds, and keys of one millisecond go in the order of their names. Keys
past their deadline are drawn like others. One huge value may cost very many small keys in one
go; they are not spread over several rounds, since the limit is exact.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from memcloud.chance import Random

if TYPE_CHECKING:
    from .keyspace import Keyspace

SAMPLES: Final = 5  # maxmemory-samples of Redis, whose redis.conf argues for it
CANDIDATES_MAX: Final = 16  # EVPOOL_SIZE in evict.c


class LruEviction:
    """Chooses and evicts, among the keyspaces given at the start."""

    __slots__ = ("_candidates", "_keyspaces", "_random")

    def __init__(self, keyspaces: Sequence[Keyspace], random: Random) -> None:
        self._keyspaces = tuple(keyspaces)
        self._random = random
        # Accessed_ms, index of keyspace, key; sorted, so the longest unused comes first.
        self._candidates: list[tuple[int, int, bytes]] = []

    def evict(self) -> bool:
        """Evict one key; False if there is none."""
        if not self._draw():
            return False
        # The last eviction took a candidate away, so at least one of those drawn has found a
        # place, even if all others are older and out of date.
        while True:
            accessed_ms, index, key = self._candidates.pop(0)
            keyspace = self._keyspaces[index]
            if keyspace.stored_access_ms(key) == accessed_ms:
                keyspace.evict(key)
                return True

    def _draw(self) -> bool:
        """Add entries drawn at random to the candidates; False if there are no entries."""
        total = sum(map(len, self._keyspaces))
        if not total:
            return False
        for _ in range(SAMPLES):
            self._add(self._random.randrange(total))
        return True

    def _add(self, place: int) -> None:
        """Make the entry at this place, counted over all keyspaces, a candidate if it is one."""
        index = 0
        while place >= len(self._keyspaces[index]):
            place -= len(self._keyspaces[index])
            index += 1
        entry = self._keyspaces[index].entry_at(place)
        candidate = (entry.accessed_ms, index, entry.key)
        position = bisect_left(self._candidates, candidate)
        if self._candidates[position : position + 1] != [candidate]:
            self._candidates.insert(position, candidate)
            del self._candidates[CANDIDATES_MAX:]

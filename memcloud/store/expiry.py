"""Which key is due next.

The problem: a key whose time is over must go even if nobody ever asks for it again, and finding
such keys must not cost a walk over all of them. Redis samples; a heap finds them in order and
exactly, at the price of one item per deadline.

The idea: the heap only proposes. The deadline in the entry is the truth, and an item that does not
agree with it is stale: the key was deleted, overwritten, renamed or given another deadline since.
So removal costs nothing here: stale items are skipped when they come up, and once they are more
than half of the heap it is rebuilt without them.

Items name their keyspace by its number, which it keeps when databases are swapped.

Limits: the rebuild is O(items) in one go (about 0.4 s for a million), though rare enough to cost
O(1) per deadline set or dropped.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .keyspace import Keyspace

# Below this a rebuild saves nothing worth having.
_REBUILD_LENGTH_MIN: Final = 64


class Expiry:
    """The deadlines of all keyspaces of a store."""

    __slots__ = ("_heap", "_keyspaces", "current_count")

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, bytes]] = []  # deadline_ms, number of keyspace, key
        self._keyspaces: list[Keyspace] = []
        # How many entries have a deadline; the keyspaces keep it. Each has an item in the heap.
        self.current_count = 0

    def __len__(self) -> int:
        """Return the number of items, stale ones included."""
        return len(self._heap)

    def register(self, keyspace: Keyspace) -> int:
        """Return the number by which items name the keyspace from now on."""
        self._keyspaces.append(keyspace)
        return len(self._keyspaces) - 1

    def push(self, deadline_ms: int, number: int, key: bytes) -> None:
        """Note that the key of that keyspace has this deadline now."""
        heappush(self._heap, (deadline_ms, number, key))
        self.maybe_rebuild()

    def maybe_rebuild(self) -> None:
        """Drop the stale items if they are more than half. Call it after removing many keys."""
        if len(self._heap) > max(2 * self.current_count, _REBUILD_LENGTH_MIN):
            # A deadline that was changed and changed back has left equal items: keep one.
            self._heap = list(dict.fromkeys(filter(self._is_current, self._heap)))
            heapify(self._heap)

    def expire_some(self, now_ms: int, limit: int) -> int:
        """Remove keys whose deadline is before ``now_ms``; return how many.

        At most ``limit`` items are looked at, stale ones included.
        """
        expired = 0
        for _ in range(limit):
            if not self._heap or self._heap[0][0] >= now_ms:
                break
            item = heappop(self._heap)
            if self._is_current(item):
                _, number, key = item
                self._keyspaces[number].expire(key)
                expired += 1
        self.maybe_rebuild()
        return expired

    def _is_current(self, item: tuple[int, int, bytes]) -> bool:
        deadline_ms, number, key = item
        return self._keyspaces[number].stored_deadline_ms(key) == deadline_ms

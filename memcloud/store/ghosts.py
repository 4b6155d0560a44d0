"""Keys that were evicted lately, without their values: a queue of hashes.

An exact queue would need an order beside the set. Two generations do nearly as well: hashes join
the young one; when that is full, it becomes the old one, and the old one is forgotten. So what is
remembered is between ``capacity`` and half of it, which is the most recent in any case.

Limits: a hash has 32 bits, and a foreign key is taken for a ghost once in 4 billion per ghost. That
would put a new key into the wrong queue, and harm nothing else.
"""

from __future__ import annotations

from zlib import crc32

from .entry import Entry


class Ghosts:
    """Remembers up to ``capacity`` keys, which is given with each of them."""

    __slots__ = ("_old", "_young")

    def __init__(self) -> None:
        self._young: set[int] = set()
        self._old: set[int] = set()

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def add(self, entry: Entry, capacity: int) -> None:
        """Remember the key of an entry, and no more than so many keys altogether."""
        if 2 * len(self._young) >= capacity:
            self._old, self._young = self._young, set()
        self._young.add(_hash(entry))

    def take(self, entry: Entry) -> bool:
        """Return whether the key of the entry is remembered, and forget it."""
        number = _hash(entry)
        is_known = number in self._young or number in self._old
        self._young.discard(number)
        self._old.discard(number)
        return is_known


def _hash(entry: Entry) -> int:
    """Return a number that is the same in all processes, unlike hash()."""
    return crc32(entry.key, entry.keyspace.number)

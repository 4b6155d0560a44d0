"""Eviction by chance: nothing to note at an access, and no trace that could defeat it.

For data where every key is as likely as any other to be asked for next, nothing does better, and a
loop over more keys than fit, which LRU misses each time, it serves in part.
"""

from __future__ import annotations

from typing import ClassVar

from memcloud.chance import Random

from .entry import Entry
from .pool import Pool


class RandomChoice:
    """Names any tracked entry."""

    __slots__ = ("_pool",)

    notes_access: ClassVar[bool] = False
    initial_counter: ClassVar[int] = 0

    def __init__(self, random: Random) -> None:
        self._pool = Pool(random)

    def access(self, entry: Entry, now_ms: int) -> None:
        """Note nothing."""

    def insert(self, entry: Entry) -> None:
        """Let the entry be drawn."""
        self._pool.add(entry)

    adopt = insert

    def remove(self, entry: Entry) -> None:
        """Let it be drawn no more."""
        self._pool.remove(entry)

    def resize(self, entry: Entry, growth_bytes: int) -> None:
        """Note nothing: sizes do not count."""

    def candidate(self) -> Entry | None:
        """Return any tracked entry."""
        return self._pool.draw() if self._pool else None

"""S3-FIFO: three queues that only move forward, and see through scans.

From "FIFO queues are all you need for cache eviction", Yang, Zhang, Qiu, Yue and Rashmi, SOSP 2023.

The problem. Most keys that enter a cache are never asked for again: a scan, a crawler, a nightly
export. LRU keeps each of them as long as if it were precious, until it has sunk from the top of the
list to the bottom, and meanwhile what is useful is pushed out. LFU holds out against scans, but
clings to what was popular once.

The idea is to be quick to demote. A tenth of the memory is a trial queue:

    new key -> [ small, 10 % ] -- asked for again twice or more --> [ main, 90 % ]
                     |                                               ^   |    ^ |
                     | else                                          |   |    |_| asked for since:
                     v                                               |   v        once more around
               evicted, its name into [ ghosts ] --- comes back -----'  evicted

- A new key joins ``small``. When it comes to the end of that queue and has been read at least twice
  meanwhile, it moves into ``main``; else it is evicted, and the hash of its name joins the ghosts.
- A key that is written while its ghost is there was evicted too early: it joins ``main`` at once.
- At the end of ``main``, a key that was read since goes around once more, at the price of one off
  its counter (of at most 3); else it is evicted.

So a scan passes through a tenth of the memory and leaves the rest alone. A read costs one
comparison and one small number; nothing is moved, no chance is involved and no clock is read.

In bytes, not in keys: ``small`` may have a tenth of what both queues are accounted for, so large
values cannot crowd out the trial. There are about as many ghosts as keys fit into ``main``, as in
the paper; their memory is part of what an entry is accounted for.

Limits. One eviction may go through many keys that were read (each can pass three times at most
before it goes, and each pass was paid for by a read), so the cost is O(1) on the mean only.
Keys that were there before the policy was chosen begin in ``main``, in the order of their places.
"""

from __future__ import annotations

from typing import ClassVar, Final

from .entry import Entry
from .fifo import Fifo
from .ghosts import Ghosts

COUNTER_MAX: Final = 3  # two bits, as in the paper
PROMOTION_COUNT: Final = 2  # reads in small that earn a place in main; "more than one" in the paper
SMALL_SHARE: Final = 10  # one part in so many


class S3Fifo:
    """Names the next of the entries in small and main."""

    __slots__ = ("_ghosts", "_main", "_small")

    notes_access: ClassVar[bool] = True
    initial_counter: ClassVar[int] = 0

    def __init__(self) -> None:
        self._small = Fifo()
        self._main = Fifo()
        self._ghosts = Ghosts()

    def access(self, entry: Entry, now_ms: int) -> None:
        """Count up to three."""
        if entry.counter < COUNTER_MAX:
            entry.counter += 1

    def insert(self, entry: Entry) -> None:
        """Put the entry on trial, or into main if it was evicted a short while ago."""
        (self._main if self._ghosts.take(entry) else self._small).add(entry)

    def adopt(self, entry: Entry) -> None:
        """Put an entry that is established into main."""
        self._main.add(entry)

    def remove(self, entry: Entry) -> None:
        """Take the entry out of its queue."""
        self._queue(entry).remove(entry)

    def resize(self, entry: Entry, growth_bytes: int) -> None:
        """Let the entry weigh so much more in its queue."""
        self._queue(entry).size_bytes += growth_bytes

    def candidate(self) -> Entry | None:
        """Return who goes next, moving those that have earned to stay."""
        while self._small or self._main:
            total_bytes = self._small.size_bytes + self._main.size_bytes
            if self._small.size_bytes * SMALL_SHARE > total_bytes or not self._main:
                entry = self._small.oldest()
                if entry.counter < PROMOTION_COUNT:
                    count = len(self._small) + len(self._main)
                    self._ghosts.add(entry, capacity=count - count // SMALL_SHARE)
                    return entry
                self._small.remove(entry)
                entry.counter = 0
            else:
                entry = self._main.oldest()
                if not entry.counter:
                    return entry
                self._main.remove(entry)
                entry.counter -= 1
            self._main.add(entry)
        return None

    def _queue(self, entry: Entry) -> Fifo:
        return self._small if entry in self._small else self._main

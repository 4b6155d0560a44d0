"""All keys of one node: sixteen databases, the blocks, and one limit of memory over them.

The problem. A cache must answer from any of its keys in a constant time, forget keys at their
deadline to the millisecond, and never outgrow the memory that its owner has offered. A
cluster adds that keys move between nodes, a slot (one of 16384 parts of the key space) at a time,
and that the whole must be replayable from a seed: no clock, no randomness but those handed in.

The idea, file by file:

- `keyspace.py`: a database is a dict of occupied slots, each a dict from key to entry, so that a
  slot is dropped, flushed or moved without looking at others. All entries also stand in one list,
  which makes a uniformly random one O(1).
- `expiry.py`: an entry past its deadline is removed by whoever meets it (lazily), and a heap of
  deadlines over all databases finds those that nobody meets (actively, in bounded portions).
- `eviction.py`: which entries may go when the limit is reached, and which policy chooses among
  them: `sampling.py` (LRU, next due), `lfu.py`, `random_choice.py` over the entries in `pool.py`;
  `s3fifo.py` with the queues in `fifo.py` and the names in `ghosts.py`.
- `sizes.py`: an entry is accounted for its lengths plus constants; the sum is exact at all times.
- `scanning.py`: a key has a fixed place in the order of a scan, the same on all nodes.

Memory. The limit is asked for before a command that may grow (`make_room`), not while it runs,
as in Redis: so accounted bytes exceed the limit by at most what one command adds. The constants
are means over many keys; what the operating system sees differs by fragmentation and by what
lies in buffers.

Two keyspaces have no number that a client can select. `blocks` maps ids of blocks to their bytes,
or to a pointer at who has them; `held` keeps the bytes of blocks for other members. They count
for the limit and are pinned unless they were stored as cache, since nobody could make them again.

Limits. Only one type of value, bytes, is stored besides pointers; others join in `values.py`. Pure
Python spends several hundred bytes on an entry. Everything runs on one thread and nothing
yields in between: dropping, flushing or evicting a million keys at once takes on the order of
a second. The native store (`_store_c.pyx`) stands behind these same methods, and is held to this
one; `engine.py` chooses between them.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import TYPE_CHECKING, Final

from .entry import Retention
from .eviction import Eviction
from .expiry import Expiry
from .keyspace import Keyspace
from .lfu import LfuTuning
from .policy import Policy
from .sizes import Account

if TYPE_CHECKING:
    from memcloud.chance import Random
    from memcloud.clock import Clock

BLOCKS: Final = -1
"""Stands for the blocks where another number stands for a database."""

HELD: Final = -2
"""Stands for what is held for other members in the same way."""


class Store:
    """The databases of a node under one limit.

    Invariants:

    1. ``used_bytes`` is the sum of `Keyspace.size_bytes` over all entries of all keyspaces.
    2. Every entry with a deadline has an item in the expiry heap that says so.
    3. What is pinned, as blocks are unless asked otherwise, is never evicted.
    4. Eviction tracks exactly the entries that may be evicted under the policy of the moment.
    """

    def __init__(
        self,
        clock: Clock,
        random: Random,
        *,
        limit_bytes: int,
        policy: Policy = Policy.NOEVICTION,
        databases: int = 16,
    ) -> None:
        self.limit_bytes = limit_bytes  # 0: none, as maxmemory 0 in Redis
        self.ceiling_bytes: int | None = None  # a lower limit for a while
        self.reserved_bytes = 0  # of the limit, for what is kept elsewhere
        self._clock = clock
        self._account = Account()
        self._expiry = Expiry()

        self._eviction = Eviction(clock, random, policy)

        def keyspace(retention: Retention = Retention.BY_POLICY) -> Keyspace:
            return Keyspace(clock, random, self._account, self._expiry, self._eviction, retention)

        self.databases = [keyspace() for _ in range(databases)]
        self.blocks = keyspace(Retention.PINNED)
        self.held = keyspace(Retention.PINNED)
        for index, each in enumerate(self.databases):
            each.index = index
        self.blocks.index, self.held.index = BLOCKS, HELD

    # Memory

    @property
    def used_bytes(self) -> int:
        """What all entries are accounted for together."""
        return self._account.used_bytes

    @property
    def peak_bytes(self) -> int:
        """The most that `used_bytes` has been."""
        return self._account.peak_bytes

    @property
    def policy(self) -> Policy:
        """Who goes when the limit is reached. A change looks at each key once, and loses none."""
        return self._eviction.policy

    @policy.setter
    def policy(self, policy: Policy) -> None:
        self._eviction.policy = policy

    @property
    def lfu_tuning(self) -> LfuTuning:
        """How counters of accesses rise and decay under the LFU policies; change it in place."""
        return self._eviction.tuning

    @property
    def effective_limit_bytes(self) -> int:
        """The limit or the ceiling, whichever is lower, less what is reserved; 0: neither is there.

        It is 1 where nothing is left.
        """
        limit_bytes = self.limit_bytes
        if self.ceiling_bytes is not None:
            limit_bytes = min(self.ceiling_bytes, limit_bytes or self.ceiling_bytes)
        return max(1, limit_bytes - self.reserved_bytes) if limit_bytes else 0

    def make_room(self) -> bool:
        """Evict as the policy allows until the limit is kept; return whether it is.

        O(1) per key evicted, and as many keys as it takes.
        """
        limit_bytes = self.effective_limit_bytes
        if not limit_bytes:
            return True
        while self._account.used_bytes > limit_bytes:
            if not self._eviction.evict():
                return False
        return True

    def evict_some(self, goal_bytes: int, limit: int) -> int:
        """Evict as the policy allows until no more than this is used; return how many keys.

        At most ``limit`` keys go; fewer if the goal is reached or nothing may be evicted.
        """
        evicted = 0
        while evicted < limit and self._account.used_bytes > goal_bytes:
            if not self._eviction.evict():
                break
            evicted += 1
        return evicted

    @property
    def allocated_bytes(self) -> int:
        """The memory that entries lie in, gaps between them included, as far as that is known."""
        return self._account.used_bytes

    def tidy(self) -> bool:
        """Do a little of what was put off; return whether there is more. Nothing is, here."""
        return False

    def has_freed(self) -> bool:
        """Return whether tidying has left memory to return since this was last asked."""
        return False

    def return_memory(self) -> None:
        """Let go of memory that is kept for later. None is, here."""

    # Time

    def expire_some(self, limit: int) -> int:
        """Remove keys past their deadline, the oldest deadlines first; return how many.

        At most ``limit`` deadlines are looked at, those of keys long gone included: a return
        below ``limit`` does not mean that nothing is left.
        """
        return self._expiry.expire_some(self._clock.now_ms(), limit)

    # What goes without being deleted

    @property
    def removed(self) -> list[tuple[int, bytes]] | None:
        """Gets the keys that are evicted or expire, each behind its database; None: nobody asks.

        The database is the one that it was then, or `BLOCKS` or `HELD`. Whoever puts a list here
        takes out of it what is in it: it has no limit.
        """
        return self._account.removed

    @removed.setter
    def removed(self, removed: list[tuple[int, bytes]] | None) -> None:
        self._account.removed = removed

    # Many keys

    def swap(self, a: int, b: int) -> None:
        """Exchange two databases. O(1): only their numbers change."""
        databases = self.databases
        databases[a], databases[b] = databases[b], databases[a]
        databases[a].index, databases[b].index = a, b

    def flush(self) -> int:
        """Empty all databases; return how many keys there were. Blocks stay: FREE is for them."""
        return sum(keyspace.flush() for keyspace in self.databases)

    def drop_slots(self, slots: Iterable[int]) -> int:
        """Remove all keys and blocks of slots that have another owner now; return how many.

        What is held for others stays, since it does not follow the slots.
        """
        slots = tuple(slots)
        owned = chain(self.databases, (self.blocks,))
        return sum(keyspace.drop_slots(slots) for keyspace in owned)

    def spaces_in_slot(self, slot: int) -> list[int]:
        """Return the databases that have keys of a slot, and `BLOCKS` if there are blocks of it."""
        if not self._account.used_bytes:
            return []
        owned = (*self.databases, self.blocks)
        return [keyspace.index for keyspace in owned if keyspace.count_in_slot(slot)]

    # Statistics since the start or the last reset

    @property
    def hits(self) -> int:
        """Reads that found their key."""
        return self._account.hits

    @property
    def misses(self) -> int:
        """Reads that did not."""
        return self._account.misses

    @property
    def expired_keys(self) -> int:
        """Keys removed at their deadline."""
        return self._account.expired_keys

    @property
    def evicted_keys(self) -> int:
        """Keys removed to make room."""
        return self._account.evicted_keys

    def reset_statistics(self) -> None:
        """Count hits, misses, expired and evicted keys from 0 again; the peak stays."""
        self._account.reset_statistics()

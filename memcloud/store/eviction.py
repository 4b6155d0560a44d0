"""Which entries may be evicted, and by which policy.

Two questions are kept apart. *May* an entry go? That is said here, by its `Retention` and, where
that leaves it to the policy, by the policy's first word: under ``allkeys-*`` every entry may,
under ``volatile-*`` one with a deadline, under ``noeviction`` none. *Which* of them goes first is
the policy's second word, and the work of a `Replacement`, which only ever sees those that may.
Hence a policy cannot touch a pinned entry by mistake, never draws in vain, and under
``noeviction`` there is nothing to keep up at all.

Entries marked as cache may go under every policy. Under ``noeviction`` they go by LRU.

A switch of the policy keeps all keys and starts its knowledge about them anew, except for the
times of last access, which are noted always. It looks at each entry once, in one go: about a second
for a million.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from memcloud.chance import Random

from .entry import Entry, Retention
from .lfu import LeastFrequentlyUsed, LfuTuning, decayed_counter
from .policy import Policy
from .random_choice import RandomChoice
from .replacement import Replacement
from .s3fifo import S3Fifo
from .sampling import LeastRecentlyUsed, NextDue

if TYPE_CHECKING:
    from memcloud.clock import Clock

    from .keyspace import Keyspace


class Eviction:
    """Chooses who goes, among the entries of all registered keyspaces."""

    __slots__ = (
        "_keyspaces",
        "_now_ms",
        "_policy",
        "_random",
        "_replacement",
        "_tracked_count",
        "initial_counter",
        "note_access",
        "tuning",
    )

    def __init__(self, clock: Clock, random: Random, policy: Policy) -> None:
        self._now_ms = clock.now_ms
        self._random = random
        self._keyspaces: list[Keyspace] = []
        self.tuning = LfuTuning()
        self._choose(policy)

    def register(self, keyspace: Keyspace) -> None:
        """Let the entries of a new keyspace go too; call it in the order of their numbers."""
        self._keyspaces.append(keyspace)

    @property
    def policy(self) -> Policy:
        """The policy of the moment."""
        return self._policy

    @policy.setter
    def policy(self, policy: Policy) -> None:
        if policy is not self._policy:
            self._choose(policy)

    def evict(self) -> bool:
        """Evict one entry; False if there is none that may go."""
        entry = self._replacement.candidate()
        if entry is None:
            return False
        entry.keyspace.evict(entry)
        return True

    def frequency(self, entry: Entry) -> int:
        """Return the counter of accesses as OBJECT FREQ shows it, under an LFU policy."""
        return decayed_counter(entry, self._now_ms(), self.tuning)

    # What keyspaces tell

    def update(self, entry: Entry) -> None:
        """Track the entry if it may be evicted now, else do not: it is new or has changed."""
        if self._may_go(entry) is entry.is_tracked:
            return
        if entry.is_tracked:
            self.remove(entry)
        else:
            self._track(entry, self._replacement.insert)

    def remove(self, entry: Entry) -> None:
        """Forget a tracked entry."""
        entry.is_tracked = False
        self._tracked_count -= 1
        self._replacement.remove(entry)

    def resize(self, entry: Entry, growth_bytes: int) -> None:
        """Note that a tracked entry has another size."""
        self._replacement.resize(entry, growth_bytes)

    def remove_all(self, entries: Iterable[Entry]) -> None:
        """Forget those of the entries that are tracked. O(entries), or O(1) if none is."""
        if self._tracked_count:
            for entry in entries:
                if entry.is_tracked:
                    self.remove(entry)

    # How it is done

    def _may_go(self, entry: Entry) -> bool:
        if entry.retention is not Retention.BY_POLICY:
            return entry.retention is Retention.CACHE
        if self._policy.is_volatile:
            return entry.deadline_ms is not None
        return self._policy.is_for_all_keys

    def _choose(self, policy: Policy) -> None:
        self._policy = policy
        self._replacement = self._new_replacement()
        self._tracked_count = 0
        self.initial_counter = self._replacement.initial_counter
        self.note_access: Callable[[Entry, int], None] | None = None
        if self._replacement.notes_access:
            self.note_access = self._replacement.access
        for keyspace in self._keyspaces:
            for entry in keyspace.entries():
                entry.is_tracked = False
                entry.counter = self.initial_counter
                if self._may_go(entry):
                    self._track(entry, self._replacement.adopt)

    def _track(self, entry: Entry, insert: Callable[[Entry], None]) -> None:
        entry.is_tracked = True
        self._tracked_count += 1
        insert(entry)

    def _new_replacement(self) -> Replacement:
        match self._policy:
            case Policy.ALLKEYS_LFU | Policy.VOLATILE_LFU:
                return LeastFrequentlyUsed(self._random, self._find, self._now_ms, self.tuning)
            case Policy.ALLKEYS_RANDOM | Policy.VOLATILE_RANDOM:
                return RandomChoice(self._random)
            case Policy.ALLKEYS_S3FIFO:
                return S3Fifo()
            case Policy.VOLATILE_TTL:
                return NextDue(self._random, self._find)
            case Policy.ALLKEYS_LRU | Policy.VOLATILE_LRU | Policy.NOEVICTION:
                return LeastRecentlyUsed(self._random, self._find)

    def _find(self, number: int, key: bytes) -> Entry | None:
        return self._keyspaces[number].stored_entry(key)

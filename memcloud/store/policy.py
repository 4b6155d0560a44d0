"""What to do when the accounted memory of a store passes its limit."""

from __future__ import annotations

from enum import StrEnum


class Policy(StrEnum):
    """Eviction policies, valued by the names CONFIG SET maxmemory-policy knows them under.

    They are in the order in which Redis lists its own.
    """

    VOLATILE_LRU = "volatile-lru"
    """Of the keys with a deadline, the least recently used of a small sample goes first."""

    VOLATILE_LFU = "volatile-lfu"
    """Of the keys with a deadline, the least often used of a small sample goes first."""

    VOLATILE_RANDOM = "volatile-random"
    """Of the keys with a deadline, any goes."""

    VOLATILE_TTL = "volatile-ttl"
    """Of the keys with a deadline, the one of a small sample that is due next goes first."""

    ALLKEYS_LRU = "allkeys-lru"
    """Any key may go, the least recently used of a small sample first."""

    ALLKEYS_LFU = "allkeys-lfu"
    """Any key may go, the least often used of a small sample first."""

    ALLKEYS_RANDOM = "allkeys-random"
    """Any key may go, and chance says which."""

    ALLKEYS_S3FIFO = "allkeys-s3fifo"
    """Any key may go, by S3-FIFO: new keys are on trial in a tenth of the memory. Not in Redis."""

    NOEVICTION = "noeviction"
    """Nothing is removed to make room; the caller refuses the write instead."""

    @property
    def is_for_all_keys(self) -> bool:
        """Whether keys without a deadline may go too."""
        return self.value.startswith("allkeys-")

    @property
    def is_volatile(self) -> bool:
        """Whether only keys with a deadline may go."""
        return self.value.startswith("volatile-")

    @property
    def is_lru(self) -> bool:
        """Whether the time of the last access decides."""
        return self.value.endswith("-lru")

    @property
    def is_lfu(self) -> bool:
        """Whether a counter of accesses decides; the time of the last one only dates it."""
        return self.value.endswith("-lfu")

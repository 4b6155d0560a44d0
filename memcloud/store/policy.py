"""What to do when the accounted memory of a store passes its limit."""

from __future__ import annotations

from enum import StrEnum


class Policy(StrEnum):
    """Eviction policies, valued by the names CONFIG SET maxmemory-policy knows them under."""

    NOEVICTION = "noeviction"
    """Nothing is ever removed to make room; the caller refuses the write instead."""

    ALLKEYS_LRU = "allkeys-lru"
    """Any evictable key may go, the least recently used of a small sample first."""

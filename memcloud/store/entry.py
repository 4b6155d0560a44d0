"""A key with its value, and what expiry and eviction keep about it."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from .sizes import entry_bytes
from .values import Value

if TYPE_CHECKING:
    from .keyspace import Keyspace


class Retention(Enum):
    """Whether an entry may be evicted."""

    BY_POLICY = "by policy"
    """It may if the policy of the moment says so: what a plain SET asks for."""

    PINNED = "pinned"
    """Never, whatever the policy: when pinned entries fill the memory, writes are refused."""

    CACHE = "cache"
    """Always, even under noeviction, and under volatile-* without a deadline."""


class Entry:
    """A key and what belongs to it."""

    __slots__ = (
        "accessed_ms",
        "counter",
        "deadline_ms",
        "is_tracked",
        "key",
        "keyspace",
        "place",
        "retention",
        "track",
        "value",
    )

    def __init__(
        self, keyspace: Keyspace, key: bytes, value: Value, accessed_ms: int, retention: Retention
    ) -> None:
        self.keyspace = keyspace
        self.key = key
        self.value = value
        self.deadline_ms: int | None = None
        self.accessed_ms = accessed_ms
        self.retention = retention
        self.place = -1  # in the list of all entries of the keyspace
        # What follows belongs to eviction.
        self.counter = 0  # of accesses, in the manner of the policy
        self.is_tracked = False  # the policy knows the entry, and may evict it
        self.track = -1  # where the policy has it

    @property
    def size_bytes(self) -> int:
        """What the entry is accounted for."""
        return entry_bytes(self.key, self.value, self.deadline_ms)

    def is_live(self, now_ms: int) -> bool:
        """Return whether the deadline, if there is one, has not passed."""
        return self.deadline_ms is None or now_ms <= self.deadline_ms

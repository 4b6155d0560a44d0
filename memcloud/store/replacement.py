"""What an eviction policy has to be able to do."""

from __future__ import annotations

from typing import ClassVar, Protocol

from .entry import Entry


class Replacement(Protocol):
    """Keeps track of the entries that may be evicted, and names the one to go next.

    It sees each of them from `insert` to `remove`. Which entries those are (all, those with a
    deadline, those not pinned) is not its business, see `eviction.py`.
    """

    notes_access: ClassVar[bool]
    """Whether `access` does anything; where it does not, nobody spends a call on it."""

    initial_counter: ClassVar[int]
    """The counter that a new entry has, whether it may be evicted or not."""

    def access(self, entry: Entry, now_ms: int) -> None:
        """Note that an entry is used, tracked or not; ``accessed_ms`` is the time before."""

    def insert(self, entry: Entry) -> None:
        """Track an entry from now on."""

    def adopt(self, entry: Entry) -> None:
        """Track an entry that was there before this policy was chosen."""

    def remove(self, entry: Entry) -> None:
        """Forget a tracked entry: it is deleted, or may not be evicted any more."""

    def resize(self, entry: Entry, growth_bytes: int) -> None:
        """Note that a tracked entry is accounted for so much more (or less) than before."""

    def candidate(self) -> Entry | None:
        """Return the tracked entry to evict now, which the caller does; None if there is none."""

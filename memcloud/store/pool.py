"""Entries to draw from at random: adding, removing and drawing cost O(1).

A list, and in each entry its place there. Removal fills the gap with the last entry. A draw is
uniform over all of them, whatever their spread over databases and slots, so an eviction costs the
same with ten keys and with ten million.
"""

from __future__ import annotations

from memcloud.chance import Random

from .entry import Entry


class Pool:
    """The tracked entries of a policy that draws; it owns their ``track``."""

    __slots__ = ("_entries", "_random")

    def __init__(self, random: Random) -> None:
        self._entries: list[Entry] = []
        self._random = random

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entry: Entry) -> None:
        """Let the entry be drawn from now on."""
        entry.track = len(self._entries)
        self._entries.append(entry)

    def remove(self, entry: Entry) -> None:
        """Let an entry of the pool be drawn no more."""
        last = self._entries.pop()
        if last is not entry:
            self._entries[entry.track] = last
            last.track = entry.track
        entry.track = -1

    def draw(self) -> Entry:
        """Return any entry; there must be one. It stays in the pool."""
        return self._entries[self._random.randrange(len(self._entries))]

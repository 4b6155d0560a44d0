"""A queue of entries that knows its size in bytes; joining, leaving and removal cost O(1).

An entry can be deleted, or reach its deadline, anywhere in a queue. So the queue is a dict from a
running number, which the entry has as its ``track``, to the entry: dicts keep their order. To find
the oldest without stepping over the gaps that removal leaves at the front, which would make
emptying a long queue quadratic, the numbers that have gone from the front are counted up.
"""

from __future__ import annotations

from .entry import Entry


class Fifo:
    """Entries in the order in which they joined; it owns their ``track``."""

    __slots__ = ("_entries", "_first", "_next", "size_bytes")

    def __init__(self) -> None:
        self._entries: dict[int, Entry] = {}
        self._first = 0  # no entry has a lower number
        self._next = 0
        self.size_bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, entry: Entry) -> bool:
        return self._entries.get(entry.track) is entry

    def add(self, entry: Entry) -> None:
        """Let the entry join as the youngest."""
        entry.track = self._next
        self._entries[self._next] = entry
        self._next += 1
        self.size_bytes += entry.size_bytes

    def remove(self, entry: Entry) -> None:
        """Let an entry of this queue leave."""
        del self._entries[entry.track]
        self.size_bytes -= entry.size_bytes

    def oldest(self) -> Entry:
        """Return the entry that is in the queue for the longest; there must be one."""
        while self._first not in self._entries:
            self._first += 1
        return self._entries[self._first]

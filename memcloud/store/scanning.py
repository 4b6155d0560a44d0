"""SCAN: all keys in small steps, while others write in between.

The problem: a cursor must mean something that neither writes nor resizes nor a change of owner can
move. Redis walks the buckets of its hash table in an order that survives resizing (dict.c); a
Python dict has no such order to offer.

The idea: give every key a fixed position, its slot followed by a hash of its name, and walk the
positions upward. The cursor is the first position not yet visited. A key that is there all the
time is met exactly once, at its position, whatever happens to others; and since the position
depends on nothing but the name, cursors of several nodes can be compared and merged.

A step collects whole slots in ascending order. Only a slot with far more keys than asked for is
cut, at a hash, and keys of equal position are never parted.

Limits: each step over a slot that is cut looks at all keys of that slot. So as not to make a scan
quadratic when all keys share one hash tag, a cut takes at least a 64th of the slot, even if COUNT
asks for less. Keys past their deadline are passed over and do not count.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import nsmallest
from typing import Final, Protocol
from zlib import crc32

from memcloud.ring import key_slot

_HASH_BITS: Final = 32
_HASH_MASK: Final = (1 << _HASH_BITS) - 1
_PARTS_PER_SLOT_MAX: Final = 64


class Slots(Protocol):
    """What is scanned."""

    def occupied(self, first: int) -> Iterable[int]:
        """Return the slots with keys from ``first`` on, ascending."""

    def count_in_slot(self, slot: int) -> int:
        """Return the number of keys in the slot, expired ones included."""

    def live_keys(self, slot: int) -> list[bytes]:
        """Return the keys of the slot whose time is not over."""


def scan_position(key: bytes) -> int:
    """Return where the key comes in a scan, below 2**46; the same on every node, always."""
    return key_slot(key) << _HASH_BITS | crc32(key)


def scan_step(slots: Slots, cursor: int, count: int) -> tuple[int, list[bytes]]:
    """Return the next cursor (0: finished) and the live keys from ``cursor`` to before it.

    They are at least ``count`` keys, unless the scan finishes. A cursor that no step has
    returned is a position like any other.
    """
    found: list[bytes] = []
    low_hash = cursor & _HASH_MASK
    first = cursor >> _HASH_BITS
    for slot in slots.occupied(first):
        if len(found) >= count:
            return slot << _HASH_BITS, found
        live = slots.live_keys(slot)
        if slot == first and low_hash:
            live = [key for key in live if crc32(key) >= low_hash]
        wanted = max(count - len(found), slots.count_in_slot(slot) // _PARTS_PER_SLOT_MAX)
        if wanted < len(live):
            last_hash = nsmallest(wanted, map(crc32, live))[-1]
            found += [key for key in live if crc32(key) <= last_hash]
            return (slot << _HASH_BITS) + last_hash + 1, found
        found += live
    return 0, found

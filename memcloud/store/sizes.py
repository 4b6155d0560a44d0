"""What an entry is accounted for, and the running sums.

Accounting must be exact (the sum over all entries, at all times) and cheap (no walk), so an entry
costs two lengths and two constants. The constants stand for what CPython spends around the bytes
of a key and its value, measured on CPython 3.11, 64-bit Linux, as growth of the resident set for
keys of 16 bytes with values of 64: 448, 400 and 370 bytes per key at 20 thousand, 100 thousand and
a million keys. The more keys, the fuller the dicts of the slots; `ENTRY_BYTES` is the middle. A
deadline took 104 more. Since up to half of the expiry heap may be stale, `DEADLINE_BYTES` is one
and a half of that. They add up like this:

    32 + 33 -> 48   header of a bytes object, key and value each, rounded up by the allocator
    80              the Entry: its collector's header, its own, five fields
    32 + 32         two numbers, the time of last access and the place in the list of entries
    8-9             that list
    60-140          a share in the dict of its slot, which grows by doubling

A value that shares its memory with another object (a bytes given twice) is accounted twice.
"""

from __future__ import annotations

from typing import Final

from .values import Value

ENTRY_BYTES: Final = 330
"""Accounted for every entry, beyond the lengths of key and value."""

DEADLINE_BYTES: Final = 160
"""Accounted on top for an entry with a deadline: a number and its item in the expiry heap."""


def entry_bytes(key: bytes, value: Value, deadline_ms: int | None) -> int:
    """Return what an entry of this content is accounted for."""
    fixed = ENTRY_BYTES if deadline_ms is None else ENTRY_BYTES + DEADLINE_BYTES
    return fixed + len(key) + len(value)


class Account:
    """The sums that all keyspaces of a store write into."""

    __slots__ = (
        "evicted_keys",
        "expired_keys",
        "hits",
        "misses",
        "peak_bytes",
        "removed",
        "used_bytes",
    )

    def __init__(self) -> None:
        self.used_bytes = 0
        self.peak_bytes = 0
        self.removed: list[tuple[int, bytes]] | None = None  # see `Store.removed`
        self.reset_statistics()

    def charge(self, size_bytes: int) -> None:
        """Add to the accounted bytes; a negative size gives back."""
        self.used_bytes += size_bytes
        if self.used_bytes > self.peak_bytes:
            self.peak_bytes = self.used_bytes

    def reset_statistics(self) -> None:
        """Count anew, as CONFIG RESETSTAT does; the bytes and their peak stay, as in Redis."""
        self.hits = 0
        self.misses = 0
        self.expired_keys = 0
        self.evicted_keys = 0

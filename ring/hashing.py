"""Where a key lies: CRC16 slots with hash tags, and a hash that is the same everywhere.

The slot of a key is the one that Redis Cluster computes (the cluster specification, "Key
distribution model"), so that cluster clients go straight to the owner. Keys that share the text
between the first ``{`` and the next ``}`` share a slot; braces with nothing between them mean
nothing.
"""

from __future__ import annotations

from binascii import crc_hqx
from hashlib import blake2b

__all__ = ["SLOTS", "hash64", "key_slot"]

SLOTS = 16384
"""How many slots there are; 14 bits of the CRC."""

_SLOT_MASK = SLOTS - 1


def key_slot(key: bytes) -> int:
    """The slot of the key, 0 to 16383."""
    opening = key.find(b"{")
    if opening >= 0:
        closing = key.find(b"}", opening + 1)
        if closing > opening + 1:
            key = key[opening + 1 : closing]
    # crc_hqx is CRC16/XMODEM when it starts from 0, the CRC that Redis Cluster uses.
    return crc_hqx(key, 0) & _SLOT_MASK


def hash64(data: bytes) -> int:
    """64 bits that depend on nothing but the data: not on the process, nor on the machine."""
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "big")

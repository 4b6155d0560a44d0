"""Slots of keys, as Redis Cluster has them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memcloud.ring import SLOTS, hash64, key_slot


@pytest.mark.parametrize(
    ("key", "slot"),
    [
        (b"", 0),
        (b"123456789", 12739),
        (b"foo", 12182),
        (b"bar", 5061),
        (b"hello", 866),
        (b"user1000", 3443),
        (b"{user1000}.following", 3443),
        (b"foo{bar}", 5061),
        (b"\x00\xff\r\n", 6261),
    ],
)
def test_slots_equal_those_of_a_redis_cluster(key: bytes, slot: int) -> None:
    """A cluster client computes them itself; a real redis-server's CLUSTER KEYSLOT gave these."""
    assert key_slot(key) == slot


def test_keys_with_one_tag_share_a_slot() -> None:
    """That is how a client keeps together what belongs together."""
    assert key_slot(b"{user1000}.following") == key_slot(b"{user1000}.followers")


@pytest.mark.parametrize(
    ("key", "hashed"),
    [
        (b"foo{}{bar}", b"foo{}{bar}"),
        (b"{}key", b"{}key"),
        (b"foo{{bar}}zap", b"{bar"),
        (b"foo{bar}{zap}", b"bar"),
        (b"foo{bar", b"foo{bar"),
        (b"foo}bar{", b"foo}bar{"),
        (b"a}{b}c", b"b"),
    ],
)
def test_odd_braces_are_read_as_in_the_cluster_specification(key: bytes, hashed: bytes) -> None:
    """The first opening brace counts, with the next closing one; nothing between them is no tag."""
    assert key_slot(key) == key_slot_without_tags(hashed)


@given(st.binary())
def test_the_slot_is_the_crc_of_the_key(key: bytes) -> None:
    """The library's CRC must be the polynomial, start and bit order of the specification."""
    without_tag = key.replace(b"{", b"")
    assert key_slot(without_tag) == key_slot_without_tags(without_tag)


def key_slot_without_tags(data: bytes) -> int:
    """CRC16/XMODEM bit by bit, polynomial 0x1021: the judge."""
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1) ^ 0x1021 if crc & 0x8000 else crc << 1
            crc &= 0xFFFF
    return crc % SLOTS


def test_hash64_never_changes() -> None:
    """Nodes of different releases must agree on the table."""
    assert hash64(b"") == 0xE4A6A0577479B2B4
    assert hash64(b"node-0") == 0x9CC402CBB50F54AD

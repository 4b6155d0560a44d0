"""What lies aside, and the limit of a node."""

from __future__ import annotations

from memcloud.slots import COUNTED_KEYS_MAX
from memcloud.store import BLOCKS, Policy

from .members import (
    LIMIT_BYTES,
    NONE,
    A,
    B,
    Member,
    copy,
)


def test_the_size_of_a_slot_is_counted_or_estimated() -> None:
    """Nobody waits for a walk over a million keys."""
    member = Member()
    for number in range(COUNTED_KEYS_MAX):
        member.put(0, b"{a}%d" % number, bytes(number % 7))
    member.put(BLOCKS, b"{a}", bytes(100))
    assert member.slots.size_bytes(A) == member.store.used_bytes
    member.slots.follow(A)
    assert member.slots.size_bytes(A) == member.aside.used_bytes
    member.slots.bring_in(A)
    member.put(0, b"{a}", bytes(7))
    member.put(0, b"{b}", bytes(7))
    size_bytes = member.store.used_bytes * (COUNTED_KEYS_MAX + 2) // (COUNTED_KEYS_MAX + 3)
    assert abs(member.slots.size_bytes(A) - size_bytes) < size_bytes // 100
    assert member.slots.size_bytes(NONE) == 0


def filled(member: Member) -> int:
    """Fill a member with what clients write; return how many keys it keeps."""
    for number in range(1000):
        if member.store.make_room():
            member.put(0, b"%d" % number, bytes(100))
    member.store.make_room()
    return len(member.store.databases[0])


def test_cache_makes_way_for_copies() -> None:
    """They count for the limit, and clients lose what is only cache."""
    member, giver = Member(limit_bytes=LIMIT_BYTES, policy=Policy.ALLKEYS_LRU), Member()
    assert member.slots.free_bytes == LIMIT_BYTES
    before = filled(member)
    assert member.slots.free_bytes == LIMIT_BYTES
    for number in range(40):
        giver.put(0, b"{a}%d" % number, bytes(1000))
    copy(A, giver, member)
    member.check()
    assert member.slots.free_bytes == LIMIT_BYTES - member.aside.used_bytes
    assert len(member.store.databases[0]) < before
    assert member.slots.used_bytes <= LIMIT_BYTES
    giver.put(0, b"{a}", bytes(30_000))
    member.slots.apply(A, giver.slots.effects_of(0, [b"{a}"]), member.now_ms)
    assert member.slots.used_bytes <= LIMIT_BYTES
    member.slots.drop(A)
    assert (member.slots.free_bytes, member.store.reserved_bytes) == (LIMIT_BYTES, 0)


def test_nothing_makes_way_where_nothing_may_be_evicted() -> None:
    """Then only what is not used is free, and no less than nothing."""
    member, giver = Member(limit_bytes=LIMIT_BYTES), Member()
    member.put(0, b"c", bytes(1000))
    assert member.slots.free_bytes == LIMIT_BYTES - member.store.used_bytes
    filled(member)
    assert member.slots.free_bytes < 1000
    member.store.databases[0].flush()
    giver.put(0, b"{a}", bytes(30_000))
    copy(A, giver, member)
    assert member.slots.free_bytes == LIMIT_BYTES - member.aside.used_bytes
    member.store.ceiling_bytes = LIMIT_BYTES // 2
    assert member.slots.free_bytes == LIMIT_BYTES // 2 - member.aside.used_bytes
    giver.put(0, b"{b}", bytes(LIMIT_BYTES))
    member.put(0, b"c")
    copy(B, giver, member)
    assert member.slots.free_bytes == 0
    assert not member.store.make_room()

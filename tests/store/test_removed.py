"""What a store tells about keys that go without being deleted."""

from __future__ import annotations

import gc

import pytest

from memcloud.ring import key_slot
from memcloud.store import BLOCKS, HELD, Policy, Retention

from .support import new_keyspace, new_store


def test_nothing_is_noted_unless_somebody_asks() -> None:
    """A node that is alone has nobody to tell, and the list has no limit."""
    store, clock = new_store()
    store.databases[0].set(b"a", b"1", clock.now_ms())
    clock.advance(1)
    assert store.databases[0].peek(b"a") is None
    assert store.removed is None


def test_a_key_is_noted_by_whoever_finds_its_time_over() -> None:
    """In the millisecond after its last one, and once."""
    store, clock = new_store()
    store.removed = []
    keys = store.databases[3]
    for name in (b"read", b"active", b"kept"):
        keys.set(name, b"1", clock.now_ms() + (9 if name == b"kept" else 1))
    clock.advance(1)
    assert keys.get(b"read") == b"1"
    assert store.expire_some(9) == 0
    assert store.removed == []
    clock.advance(1)
    assert keys.get(b"read") is None
    assert store.removed == [(3, b"read")]
    assert store.expire_some(9) == 1
    assert keys.get(b"read") is None
    assert store.removed == [(3, b"read"), (3, b"active")]


def test_a_key_is_noted_with_the_number_that_its_database_has_then() -> None:
    """SWAPDB changes the number, and not what was noted before."""
    store, clock = new_store(databases=3)
    store.removed = []
    for number, database in enumerate(store.databases):
        database.set(b"soon%d" % number, b"1", clock.now_ms())
        database.set(b"late%d" % number, b"1", clock.now_ms() + 1)
    clock.advance(1)
    store.expire_some(1 << 40)
    store.swap(0, 2)
    store.swap(1, 1)
    clock.advance(1)
    store.expire_some(1 << 40)
    before = [(0, b"soon0"), (1, b"soon1"), (2, b"soon2")]
    after = [(0, b"late2"), (1, b"late1"), (2, b"late0")]
    assert [sorted(store.removed[:3]), sorted(store.removed[3:])] == [before, after]


def test_blocks_have_numbers_of_their_own() -> None:
    """They are in no database."""
    store, clock = new_store()
    store.removed = []
    store.blocks.set(b"a", b"1", clock.now_ms())
    store.held.set(b"b", b"1", clock.now_ms())
    clock.advance(1)
    store.expire_some(9)
    assert sorted(store.removed) == [(HELD, b"b"), (BLOCKS, b"a")]


@pytest.mark.parametrize("policy", [policy for policy in Policy if policy.is_for_all_keys])
def test_exactly_the_keys_that_are_evicted_are_noted(policy: Policy) -> None:
    """Whether for a command or for the host."""
    store, _ = new_store(policy=policy, databases=2)
    store.removed = []
    written = {(n % 2, b"k%d" % n) for n in range(400)}
    for number, key in sorted(written):
        store.databases[number].set(key, bytes(100))
    store.limit_bytes = store.used_bytes * 3 // 4
    assert store.make_room()
    store.evict_some(0, 50)
    left = {(n, key) for n in range(2) for key in store.databases[n].keys()}
    assert len(left) < 300
    assert sorted(store.removed) == sorted(written - left)


def test_cache_that_makes_way_is_noted_under_any_policy() -> None:
    """It may go under noeviction too."""
    store, _ = new_store()
    store.removed = []
    store.blocks.set(b"a", b"1", None, Retention.CACHE)
    store.limit_bytes = 1
    assert store.make_room()
    assert store.removed == [(BLOCKS, b"a")]


def test_what_somebody_asked_for_is_not_noted() -> None:
    """Who deletes knows of it."""
    store, _ = new_store()
    store.removed = []
    keys = store.databases[0]
    for _ in range(2):
        keys.set(b"a", b"1")
    keys.rename(b"a", b"b")
    keys.delete(b"b")
    keys.set(b"a", b"1")
    keys.flush()
    keys.set(b"a", b"1")
    store.drop_slots([key_slot(b"a")])
    assert store.removed == []


def test_the_list_may_be_changed_or_taken_away_at_any_time() -> None:
    """Its owner takes out what he has told."""
    store, clock = new_store()
    keys = store.databases[0]
    told: list[tuple[int, bytes]] = []
    for removed in (told, None, []):
        store.removed = removed
        keys.set(b"a", b"1", clock.now_ms())
        clock.advance(1)
        assert b"a" not in keys
    assert told == store.removed == [(0, b"a")]
    assert store.removed is not told


def test_the_list_lives_as_long_as_a_database_that_may_write_to_it() -> None:
    """A store may be let go of before its databases are."""
    store, clock = new_store()
    keys = store.databases[0]
    store.removed = []
    del store
    gc.collect()
    for number in range(1000):
        keys.set(b"%d" % number, b"1", clock.now_ms())
        clock.advance(1)
        assert keys.peek(b"%d" % number) is None


def test_what_is_reserved_is_missing_from_the_limit() -> None:
    """And from the ceiling; but no limit is none, whatever is reserved."""
    store, _ = new_store()
    store.reserved_bytes = 300
    assert store.effective_limit_bytes == 0
    store.limit_bytes = 1000
    assert store.effective_limit_bytes == 700
    store.ceiling_bytes = 400
    assert store.effective_limit_bytes == 100
    store.reserved_bytes = 400
    assert store.effective_limit_bytes == 1
    store.limit_bytes = 0
    assert store.effective_limit_bytes == 1
    store.ceiling_bytes = None
    assert (store.effective_limit_bytes, store.reserved_bytes) == (0, 400)


def test_room_is_made_for_what_is_reserved() -> None:
    """Or a node that keeps copies for others would take more memory than it was lent."""
    keys, _ = new_keyspace()
    keys.set(b"0000", bytes(100))
    size_bytes = keys.used_bytes
    store, _ = new_store(policy=Policy.ALLKEYS_LRU, limit_bytes=10 * size_bytes)
    for number in range(10):
        store.databases[0].set(b"%04d" % number, bytes(100))
    assert store.make_room()
    assert len(store.databases[0]) == 10
    store.reserved_bytes = 4 * size_bytes
    assert store.make_room()
    assert len(store.databases[0]) == 6

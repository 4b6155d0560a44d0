"""The limit of memory, and who has to go."""

from __future__ import annotations

from random import Random

import pytest

from memcloud.store import Policy, Store

from .support import ACCESS_UNIT_MS, keyspaces, new_store, recomputed_bytes

LIMIT_BYTES = 200_000
VALUE_BYTES_MAX = 3000


def fill(store: Store, database: int = 0, seed: int = 7) -> int:
    """Write as commands do, far beyond the limit; return how many writes were refused."""
    random = Random(seed)
    refused = 0
    for number in range(2000):
        if store.make_room():
            value = bytes(random.randrange(VALUE_BYTES_MAX))
            store.databases[database].set(b"k%d" % number, value)
        else:
            refused += 1
        one_entry = VALUE_BYTES_MAX + 1000
        assert store.used_bytes <= LIMIT_BYTES + one_entry
    return refused


def test_under_allkeys_lru_every_write_finds_room() -> None:
    """A cache that is full goes on."""
    store, clock = new_store(limit_bytes=LIMIT_BYTES, policy=Policy.ALLKEYS_LRU)
    assert fill(store) == 0
    assert store.evicted_keys == 2000 - len(store.databases[0])
    assert store.used_bytes == sum(recomputed_bytes(keys, clock) for keys in keyspaces(store))


def test_under_noeviction_writes_are_refused_and_nothing_goes() -> None:
    """Who keeps sessions in the cache would rather see an error than a loss."""
    store, _ = new_store(limit_bytes=LIMIT_BYTES)
    refused = fill(store)
    assert refused > 0
    assert len(store.databases[0]) == 2000 - refused
    assert store.evicted_keys == 0


def test_peak_bytes_is_the_most_that_was_ever_used() -> None:
    """INFO shows it as used_memory_peak."""
    store, _ = new_store()
    store.databases[0].set(b"k", bytes(1000))
    peak_bytes = store.used_bytes
    store.databases[0].set(b"k", b"")
    store.reset_statistics()
    assert store.used_bytes == peak_bytes - 1000
    assert store.peak_bytes == peak_bytes


def test_a_limit_of_zero_is_none() -> None:
    """As maxmemory 0 in Redis."""
    store, _ = new_store(limit_bytes=0)
    store.databases[0].set(b"k", bytes(100_000))
    assert store.make_room()


def test_exactly_at_the_limit_there_is_room() -> None:
    """Redis refuses when used memory > maxmemory."""
    store, _ = new_store()
    store.databases[0].set(b"k", b"v")
    store.limit_bytes = store.used_bytes
    assert store.make_room()
    store.limit_bytes -= 1
    assert not store.make_room()
    store.policy = Policy.ALLKEYS_LRU
    assert store.make_room()
    assert store.used_bytes == 0


def test_blocks_and_what_is_held_for_others_are_never_evicted() -> None:
    """Nobody could compute them again."""
    store, _ = new_store(policy=Policy.ALLKEYS_LRU)
    store.blocks.set(b"1", bytes(1000))
    store.held.set(b"2", bytes(1000))
    for number in range(100):
        store.databases[number % 16].set(b"k%d" % number, b"v")
    store.limit_bytes = 1500
    assert not store.make_room()
    assert (len(store.blocks), len(store.held), store.evicted_keys) == (1, 1, 100)


def test_keys_of_all_databases_are_candidates_also_after_a_swap() -> None:
    """One limit holds over all of them."""
    store, _ = new_store(policy=Policy.ALLKEYS_LRU, databases=3)
    for number in range(30):
        store.databases[number % 3].set(b"k%d" % number, b"v")
    store.swap(0, 2)
    store.limit_bytes = 1
    assert store.make_room()
    assert [len(database) for database in store.databases] == [0, 0, 0]


@pytest.mark.parametrize("seed", range(3))
def test_keys_in_use_survive_and_idle_ones_go(seed: int) -> None:
    """The point of LRU: a working set of half the memory stays whole, or nearly."""
    store, clock = new_store(policy=Policy.ALLKEYS_LRU, seed=seed)
    keys = store.databases[0]
    for number in range(1000):
        keys.set(b"old%d" % number, bytes(100))
    store.limit_bytes = store.used_bytes
    hot = [b"old%d" % number for number in range(500)]
    for number in range(500):
        clock.advance(10)
        for name in hot[number % 5 :: 5]:
            keys.get(name)
        keys.set(b"new%d" % number, bytes(100))
        assert store.make_room()
    survivors = sum(name in keys for name in hot)
    assert survivors >= 495
    assert store.evicted_keys >= 490


def test_candidates_out_of_date_do_not_hide_the_keys_that_are_there() -> None:
    """Old candidates, all deleted since, must leave a place for a new one."""
    store, clock = new_store(policy=Policy.ALLKEYS_LRU)
    keys = store.databases[0]
    for number in range(100):
        clock.advance(1)
        keys.set(b"old%d" % number, b"v")
    store.limit_bytes = store.used_bytes * 4 // 5
    assert store.make_room()
    for number in range(100):
        keys.delete(b"old%d" % number)
    clock.advance(1)
    keys.set(b"new", b"v")
    store.limit_bytes = 1
    assert store.make_room()
    assert len(keys) == 0


def test_a_candidate_read_since_is_spared() -> None:
    """Being drawn once is no death sentence."""
    store, clock = new_store(policy=Policy.ALLKEYS_LRU)
    keys = store.databases[0]
    names = [b"a", b"b", b"c"]
    for name in names:
        keys.set(name, b"v")
        clock.advance(ACCESS_UNIT_MS)
    store.limit_bytes = store.used_bytes - 1
    assert store.make_room()
    # Five draws of three keys: the candidates left over are likely both of these.
    assert list(keys.keys()) == [b"c", b"b"] or sorted(keys.keys()) == [b"b", b"c"]
    keys.get(b"b")
    store.limit_bytes = store.used_bytes - 1
    assert store.make_room()
    assert list(keys.keys()) == [b"b"]


def test_the_same_seed_evicts_the_same_keys() -> None:
    """A simulation must replay."""
    left = []
    for _ in range(2):
        store, _ = new_store(limit_bytes=LIMIT_BYTES, policy=Policy.ALLKEYS_LRU, seed=5)
        fill(store)
        left.append(list(store.databases[0].keys()))
    assert left[0] == left[1]


def test_eviction_in_slices_stops_at_its_bound_and_at_its_goal() -> None:
    """Who evicts in the background lets others have their turn in between."""
    store, _ = new_store(policy=Policy.ALLKEYS_LRU)
    for number in range(10):
        store.databases[0].set(b"%d" % number, b"x" * 100)
    entry_size = store.used_bytes // 10
    assert store.evict_some(0, 3) == 3
    assert store.evict_some(5 * entry_size, 100) == 2
    assert store.evict_some(5 * entry_size, 100) == 0
    store.policy = Policy.NOEVICTION
    assert store.evict_some(0, 100) == 0
    assert len(store.databases[0]) == 5


def test_the_lower_of_limit_and_ceiling_holds() -> None:
    """The limit is the owner's word; the ceiling may only be stricter."""
    store, _ = new_store(limit_bytes=1000)
    assert store.effective_limit_bytes == 1000
    for ceiling_bytes, effective_bytes in ((500, 500), (2000, 1000), (None, 1000)):
        store.ceiling_bytes = ceiling_bytes
        assert store.effective_limit_bytes == effective_bytes
    store.limit_bytes, store.ceiling_bytes = 0, 500
    assert store.effective_limit_bytes == 500

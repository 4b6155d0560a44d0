"""All databases together."""

from __future__ import annotations

from memcloud.ring import key_slot
from memcloud.store import BLOCKS, Policy

from .support import new_store


def test_databases_do_not_see_each_other() -> None:
    """SELECT is a separation of names."""
    store, _ = new_store()
    store.databases[0].set(b"k", b"zero")
    store.databases[1].set(b"k", b"one")
    assert store.databases[0].get(b"k") == b"zero"
    assert store.databases[1].get(b"k") == b"one"
    assert store.databases[2].get(b"k") is None


def test_swap_exchanges_two_databases() -> None:
    """SWAPDB; with itself it is nothing."""
    store, _ = new_store()
    store.databases[0].set(b"k", b"zero")
    store.swap(0, 1)
    assert store.databases[0].get(b"k") is None
    assert store.databases[1].get(b"k") == b"zero"
    store.swap(1, 1)
    assert store.databases[1].get(b"k") == b"zero"


def test_a_slot_is_known_by_where_it_has_keys() -> None:
    """By the numbers of the moment. What is held for others follows no slot."""
    store, _ = new_store(databases=3)
    slot = key_slot(b"k")
    assert store.spaces_in_slot(slot) == []
    for keys in (store.databases[0], store.blocks, store.held):
        keys.set(b"k", b"v")
    store.swap(0, 2)
    assert store.spaces_in_slot(slot) == [2, BLOCKS]
    assert store.spaces_in_slot(key_slot(b"other")) == []
    store.databases[2].delete(b"k")
    store.blocks.delete(b"k")
    assert store.spaces_in_slot(slot) == []


def test_flush_empties_the_databases_and_spares_the_blocks() -> None:
    """FLUSHALL speaks of keys; blocks belong to those who know their ids."""
    store, clock = new_store()
    store.blocks.set(b"1", b"data")
    store.held.set(b"2", b"data")
    blocks_bytes = store.used_bytes
    store.databases[0].set(b"a", b"v")
    store.databases[5].set(b"b", b"v", clock.now_ms() + 5)
    assert store.flush() == 2
    assert store.used_bytes == blocks_bytes
    assert store.databases[5].expiring_count() == 0
    assert (len(store.blocks), len(store.held)) == (1, 1)


def test_drop_slots_takes_keys_and_blocks_but_not_what_is_held() -> None:
    """What is held for another member does not live where its id hashes to."""
    store, _ = new_store()
    for keyspace in (store.databases[0], store.databases[3], store.blocks, store.held):
        keyspace.set(b"{x}", b"v")
        keyspace.set(b"{y}", b"v")
    assert store.drop_slots(iter([key_slot(b"x")])) == 3
    for keyspace in (store.databases[0], store.databases[3], store.blocks):
        assert list(keyspace.keys()) == [b"{y}"]
    assert len(store.held) == 2


def test_statistics_can_be_reset() -> None:
    """CONFIG RESETSTAT."""
    store, clock = new_store(policy=Policy.ALLKEYS_LRU)
    keys = store.databases[0]
    keys.set(b"a", b"v", clock.now_ms())
    keys.set(b"b", b"v")
    keys.get(b"a")
    clock.advance(1)
    keys.get(b"a")
    store.limit_bytes = 1
    assert store.make_room()
    counts = (store.hits, store.misses, store.expired_keys, store.evicted_keys)
    assert counts == (1, 1, 1, 1)
    store.reset_statistics()
    counts = (store.hits, store.misses, store.expired_keys, store.evicted_keys)
    assert counts == (0, 0, 0, 0)


def test_policies_have_the_names_of_redis() -> None:
    """CONFIG SET maxmemory-policy takes them."""
    assert [policy.value for policy in Policy] == [
        "volatile-lru",
        "volatile-lfu",
        "volatile-random",
        "volatile-ttl",
        "allkeys-lru",
        "allkeys-lfu",
        "allkeys-random",
        "allkeys-s3fifo",
        "noeviction",
    ]
    assert Policy("allkeys-lru") is Policy.ALLKEYS_LRU

"""S3-FIFO: the queues, the ghosts, and what they do to traces."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from random import Random

import pytest

from memcloud.store import Keyspace, Policy, Store

from .support import entry_bytes, new_store

VALUE = bytes(64)


def full_store(count: int) -> tuple[Store, Keyspace]:
    """Return a store with this many keys, k0 onwards, and no room for more."""
    store, _ = new_store(policy=Policy.ALLKEYS_S3FIFO)
    keys = store.databases[0]
    for number in range(count):
        keys.set(b"k%d" % number, VALUE)
    store.limit_bytes = store.used_bytes
    return store, keys


def add(store: Store, key: bytes) -> None:
    """Write a key and make room again."""
    store.databases[0].set(key, VALUE)
    assert store.make_room()


def test_a_key_read_twice_on_trial_stays_and_others_go() -> None:
    """One read may be the second half of a scan; two are a sign of use."""
    store, keys = full_store(100)
    for number in range(100):
        for _ in range(number % 4):
            keys.get(b"k%d" % number)
    for number in range(50):
        add(store, b"new%d" % number)
    # k48 and later have not come to the end of the queue in all cases.
    assert all((b"k%d" % number in keys) == (number % 4 >= 2) for number in range(90))


def test_a_key_that_comes_back_soon_was_evicted_too_early() -> None:
    """Its ghost lets it into main, where a scan cannot reach it."""
    store, keys = full_store(100)
    add(store, b"new")
    assert b"k0" not in keys
    add(store, b"k0")
    for number in range(500):
        add(store, b"scan%d" % number)
    assert b"k0" in keys


def test_a_scan_leaves_what_is_in_use_alone() -> None:
    """The keys of a working set stay while ten times the memory passes by."""
    store, keys = full_store(100)
    hot = [b"k%d" % number for number in range(80)]
    for _ in range(2):
        for key in hot:
            keys.get(key)
    for number in range(1000):
        add(store, b"scan%d" % number)
    assert all(key in keys for key in hot)


def test_large_values_on_trial_do_not_crowd_out_main() -> None:
    """The tenth is one of bytes, not of keys."""
    store, keys = full_store(100)
    hot = [b"k%d" % number for number in range(80)]
    for key in hot * 2:
        keys.get(key)
    for number in range(100):
        add(store, b"scan%d" % number)
    for number in range(50):
        keys.set(b"large%d" % number, bytes(len(VALUE) * 20))
        assert store.make_room()
    assert sum(key in keys for key in hot) >= 70


def test_keys_that_were_there_before_the_policy_can_all_be_evicted() -> None:
    """A switch at run time loses none, and hides none from eviction."""
    store, _ = new_store(policy=Policy.ALLKEYS_LFU)
    keys = store.databases[0]
    for number in range(100):
        keys.set(b"k%d" % number, VALUE)
        keys.get(b"k%d" % number)
    store.policy = Policy.ALLKEYS_S3FIFO
    assert len(keys) == 100
    keys.flush()
    keys.set(b"k", VALUE)
    store.limit_bytes = 1
    assert store.make_room()
    assert len(keys) == 0


def hit_ratio(policy: Policy, trace: Iterator[bytes], limit_bytes: int) -> float:
    """Replay reads, each miss followed by a write."""
    store, clock = new_store(policy=policy, limit_bytes=limit_bytes, databases=1)
    keys = store.databases[0]
    for key in trace:
        clock.advance(1)
        if keys.get(key) is None:
            assert store.make_room()
            keys.set(key, VALUE)
    return store.hits / (store.hits + store.misses)


def scan_mixed(seed: int) -> Iterator[bytes]:
    """Yield reads by a Zipf law, and between them runs of keys that never come back."""
    random = Random(seed)
    weights = list(accumulate(1 / rank for rank in range(1, 2001)))
    for number, rank in enumerate(random.choices(range(2000), cum_weights=weights, k=20_000)):
        yield b"z%d" % rank
        if number % 1000 < 500:
            yield b"scan%d" % number


@pytest.mark.parametrize("seed", range(2))
def test_s3fifo_beats_lru_on_a_trace_with_scans(seed: int) -> None:
    """The reason to have it: 0.45 against 0.35."""
    limit_bytes = 200 * entry_bytes(len(VALUE))
    lru = hit_ratio(Policy.ALLKEYS_LRU, scan_mixed(seed), limit_bytes)
    s3fifo = hit_ratio(Policy.ALLKEYS_S3FIFO, scan_mixed(seed), limit_bytes)
    assert s3fifo > lru + 0.05


def test_s3fifo_serves_a_loop_that_lru_misses_throughout() -> None:
    """A loop a little longer than the memory is the worst case of LRU."""
    loop = [b"k%d" % (number % 260) for number in range(20_000)]
    limit_bytes = 200 * entry_bytes(len(VALUE))
    lru = hit_ratio(Policy.ALLKEYS_LRU, iter(loop), limit_bytes)
    s3fifo = hit_ratio(Policy.ALLKEYS_S3FIFO, iter(loop), limit_bytes)
    assert lru < 0.2
    assert s3fifo > 0.4

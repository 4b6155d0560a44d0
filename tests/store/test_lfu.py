"""The counter of accesses, and eviction by it."""

from __future__ import annotations

import pytest

from memcloud.store import Policy
from memcloud.store.lfu import COUNTER_INITIAL

from .support import new_store

MINUTE_MS = 60_000


def test_a_new_key_begins_with_five() -> None:
    """LFU_INIT_VAL of Redis: a newcomer gets time to prove itself."""
    store, _ = new_store(policy=Policy.ALLKEYS_LFU)
    store.databases[0].set(b"k", b"v")
    assert store.databases[0].frequency(b"k") == COUNTER_INITIAL == 5
    assert store.databases[0].frequency(b"missing") is None


@pytest.mark.parametrize(("accesses", "low", "high"), [(100, 8, 12), (1000, 15, 22)])
def test_the_counter_grows_with_the_logarithm(accesses: int, low: int, high: int) -> None:
    """The table in redis.conf: with a factor of 10, 100 hits give 10 and 1000 give 18."""
    store, _ = new_store(policy=Policy.ALLKEYS_LFU)
    keys = store.databases[0]
    keys.set(b"k", b"v")
    for _ in range(accesses):
        keys.get(b"k")
    frequency = keys.frequency(b"k")
    assert frequency is not None
    assert low <= frequency <= high


def test_with_a_factor_of_zero_every_access_counts_up_to_255() -> None:
    """The table in redis.conf again; the counter is a byte."""
    store, _ = new_store(policy=Policy.ALLKEYS_LFU)
    store.lfu_tuning.log_factor = 0
    keys = store.databases[0]
    keys.set(b"k", b"v")
    keys.get(b"k")
    assert keys.frequency(b"k") == 6
    for _ in range(300):
        keys.get(b"k")
    assert keys.frequency(b"k") == 255


def test_the_counter_decays_by_one_for_each_decay_time() -> None:
    """What was popular yesterday has to go some day."""
    store, clock = new_store(policy=Policy.ALLKEYS_LFU)
    store.lfu_tuning.log_factor = 0
    keys = store.databases[0]
    keys.set(b"k", b"v")
    for _ in range(5):
        keys.get(b"k")
    clock.advance(3 * MINUTE_MS)
    assert keys.frequency(b"k") == 7
    store.lfu_tuning.decay_minutes = 3
    assert keys.frequency(b"k") == 9
    store.lfu_tuning.decay_minutes = 0
    assert keys.frequency(b"k") == 10
    store.lfu_tuning.decay_minutes = 1
    clock.advance(1000 * MINUTE_MS)
    assert keys.frequency(b"k") == 0
    keys.get(b"k")
    assert keys.frequency(b"k") == 1


@pytest.mark.parametrize("policy", [Policy.ALLKEYS_LFU, Policy.VOLATILE_LFU])
def test_the_often_used_survive_a_flood_of_newcomers(policy: Policy) -> None:
    """The point of LFU, where LRU would let the flood wash everything away."""
    store, clock = new_store(policy=policy)
    keys = store.databases[0]
    deadline_ms = clock.now_ms() + 10**9
    hot = [b"hot%d" % number for number in range(200)]
    for name in hot:
        keys.set(name, b"v", deadline_ms)
        for _ in range(20):
            keys.get(name)
    store.limit_bytes = 2 * store.used_bytes
    for number in range(5000):
        clock.advance(1)
        keys.set(b"new%d" % number, b"v", deadline_ms)
        assert store.make_room()
    assert sum(name in keys for name in hot) >= 0.95 * len(hot)


def test_keys_that_may_not_go_are_counted_too() -> None:
    """OBJECT FREQ answers for keys without a deadline under volatile-lfu."""
    store, _ = new_store(policy=Policy.VOLATILE_LFU)
    keys = store.databases[0]
    keys.set(b"k", b"v")
    keys.get(b"k")
    assert keys.frequency(b"k") == 6


def test_keys_that_were_there_before_are_counted_when_lfu_is_chosen() -> None:
    """Nobody had counted, so they are no better off than new ones; from now on accesses tell."""
    store, _ = new_store(policy=Policy.ALLKEYS_LRU)
    keys = store.databases[0]
    keys.set(b"k", b"v")
    store.policy = Policy.ALLKEYS_LFU
    begun = keys.frequency(b"k")
    assert begun is not None
    assert begun <= COUNTER_INITIAL
    keys.get(b"k")
    assert keys.frequency(b"k") == begun + 1
    keys.rename(b"k", b"l")
    assert keys.frequency(b"l") == begun + 1

"""What holds for every eviction policy, on any sequence of commands."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memcloud.store import Policy, Retention, Store

from .support import StoreClock, all_keys, keyspaces, may_go, new_store, recomputed_bytes

EVICTING = [policy for policy in Policy if policy is not Policy.NOEVICTION]
VOLATILE = [policy for policy in Policy if policy.is_volatile]
VALUE_BYTES_MAX = 2000
ENTRY_BYTES_MAX = VALUE_BYTES_MAX + 1000
LIMIT_BYTES = 20_000
FAR_MS = 10**9

KEYS = st.binary(min_size=1, max_size=1)
STEP = st.one_of(
    st.tuples(
        st.just("set"),
        st.integers(0, 2),
        KEYS,
        st.integers(0, VALUE_BYTES_MAX),
        st.sampled_from([None, 5, FAR_MS]),
        st.sampled_from(list(Retention)),
    ),
    st.tuples(st.just("replace"), st.integers(0, 2), KEYS, st.integers(0, VALUE_BYTES_MAX)),
    st.tuples(st.sampled_from(["get", "delete", "persist"]), st.integers(0, 2), KEYS),
    st.tuples(st.just("rename"), st.integers(0, 2), KEYS, KEYS),
    st.tuples(st.just("policy"), st.sampled_from(list(Policy))),
    st.tuples(st.just("later"), st.integers(1, 200_000)),
    st.tuples(st.just("flush")),
)


def check(store: Store, clock: StoreClock) -> None:
    """Assert that the sums are exact."""
    for keyspace in keyspaces(store):
        assert keyspace.used_bytes == recomputed_bytes(keyspace, clock)
    assert store.used_bytes == sum(keyspace.used_bytes for keyspace in keyspaces(store))


def pinned_keys(store: Store, clock: StoreClock) -> list[tuple[int, bytes]]:
    """Return the keys with their databases that nothing may evict."""
    with clock.before_all_deadlines():
        return sorted(
            (keyspace.number, key)
            for keyspace in keyspaces(store)
            for key in all_keys(keyspace)
            if not may_go(store.policy, keyspace, key)
        )


@pytest.mark.parametrize("policy", list(Policy))
@settings(max_examples=25, deadline=None)
@given(steps=st.lists(STEP, max_size=120))
def test_the_limit_is_kept_and_only_what_may_go_goes(
    policy: Policy, steps: list[tuple[object, ...]]
) -> None:
    """One value above the limit at most, sums exact, pinned keys untouched: at all times."""
    store, clock = new_store(limit_bytes=LIMIT_BYTES, policy=policy, databases=3)
    for step in steps:
        match step:
            case ("set", int(number), bytes(key), int(size), ttl_ms, Retention() as retention):
                if not store.make_room():
                    continue
                deadline_ms = clock.now_ms() + ttl_ms if isinstance(ttl_ms, int) else None
                store.databases[number].set(key, bytes(size), deadline_ms, retention)
            case ("replace", int(number), bytes(key), int(size)):
                if store.make_room():
                    store.databases[number].replace(key, bytes(size))
            case ("get", int(number), bytes(key)):
                store.databases[number].get(key)
            case ("delete", int(number), bytes(key)):
                store.databases[number].delete(key)
            case ("persist", int(number), bytes(key)):
                store.databases[number].set_deadline(key, None)
            case ("rename", int(number), bytes(key), bytes(new)):
                if key in store.databases[number]:
                    store.databases[number].rename(key, new)
            case ("policy", Policy() as chosen):
                before = [list(keyspace.keys()) for keyspace in keyspaces(store)]
                store.policy = chosen
                assert before == [list(keyspace.keys()) for keyspace in keyspaces(store)]
            case ("later", int(duration_ms)):
                clock.advance(duration_ms)
            case ("flush",):
                store.flush()
        assert store.used_bytes <= LIMIT_BYTES + ENTRY_BYTES_MAX
        check(store, clock)
        if store.used_bytes > LIMIT_BYTES:
            pinned = pinned_keys(store, clock)
            assert store.make_room() == (store.used_bytes <= LIMIT_BYTES)
            assert pinned == pinned_keys(store, clock)
            check(store, clock)


@pytest.mark.parametrize("policy", EVICTING)
def test_every_policy_empties_a_store_of_evictable_keys(policy: Policy) -> None:
    """None loses sight of a key that it could evict."""
    store, clock = new_store(policy=policy)
    random = Random(3)
    for number in range(2000):
        keys = store.databases[number % 16]
        keys.set(b"k%d" % number, bytes(random.randrange(100)), clock.now_ms() + FAR_MS)
        keys.get(b"k%d" % random.randrange(number + 1))
        clock.advance(random.randrange(1000))
    store.limit_bytes = 1
    assert store.make_room()
    assert (store.used_bytes, store.evicted_keys) == (0, 2000)


@pytest.mark.parametrize("policy", VOLATILE)
def test_volatile_policies_evict_keys_with_a_deadline_only(policy: Policy) -> None:
    """The others are data, not cache; without any candidate the write is refused."""
    store, clock = new_store(policy=policy)
    keys = store.databases[0]
    for number in range(100):
        keys.set(b"data%d" % number, b"v")
        keys.set(b"cache%d" % number, b"v", clock.now_ms() + FAR_MS)
    keys.set_deadline(b"cache0", None)
    keys.set_deadline(b"data0", clock.now_ms() + FAR_MS)
    store.limit_bytes = 1
    assert not store.make_room()
    assert sorted(keys.keys()) == sorted(
        [b"cache0", *(b"data%d" % number for number in range(1, 100))]
    )


@pytest.mark.parametrize("policy", list(Policy))
def test_pinned_entries_stay_and_cache_entries_go_under_every_policy(policy: Policy) -> None:
    """The word given with an entry weighs more than the policy."""
    store, clock = new_store(policy=policy)
    keys = store.databases[0]
    for number in range(50):
        deadline_ms = clock.now_ms() + FAR_MS if number % 2 else None
        keys.set(b"pinned%d" % number, b"v", deadline_ms, Retention.PINNED)
        keys.set(b"cache%d" % number, b"v", deadline_ms, Retention.CACHE)
        store.blocks.set(b"%d" % number, b"v")
        store.held.set(b"%d" % number, b"v", None, Retention.CACHE)
    store.limit_bytes = 1
    assert not store.make_room()
    assert sorted(keys.keys()) == sorted(b"pinned%d" % number for number in range(50))
    assert (len(store.blocks), len(store.held)) == (50, 0)


def test_a_plain_set_lifts_a_pin_and_a_replace_keeps_it() -> None:
    """As with deadlines: SET begins anew, INCR and APPEND change the value only."""
    store, _ = new_store(policy=Policy.ALLKEYS_LRU)
    keys = store.databases[0]
    keys.set(b"k", b"v", None, Retention.PINNED)
    keys.replace(b"k", b"w")
    keys.rename(b"k", b"l")
    assert keys.retention(b"l") is Retention.PINNED
    keys.set(b"l", b"x")
    assert keys.retention(b"l") is Retention.BY_POLICY
    store.limit_bytes = 1
    assert store.make_room()


def test_volatile_ttl_evicts_what_is_due_next() -> None:
    """Among few keys the sample is all of them, and the order exact."""
    store, clock = new_store(policy=Policy.VOLATILE_TTL, seed=2)
    keys = store.databases[0]
    for number in range(200):
        keys.set(b"%d" % number, b"v", clock.now_ms() + 1000 + number)
    store.limit_bytes = store.used_bytes // 2
    assert store.make_room()
    survivors = list(map(int, keys.keys()))
    assert sum(number >= 100 for number in survivors) >= 0.75 * len(survivors)

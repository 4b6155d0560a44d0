"""The native store against the readable one, operation by operation.

Without the native store this compares the readable one with itself.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from random import Random
from typing import TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from memcloud.ring import key_slot
from memcloud.store import BlockPointer, Keyspace, Policy, Retention, Store, Value, engine
from memcloud.store import store as pure

from .support import (
    ACCESS_UNIT_MS,
    StoreClock,
    all_keys,
    keyspaces,
    recomputed_bytes,
    store_of,
)

Answer = TypeVar("Answer")

DATABASES = 2
KEYSPACES = DATABASES + 2
# Some in one slot, some too long for a segment of many.
NAMES = [
    *(b"", b"a", b"b", b"{a}1", b"{a}2", b"{b}1"),
    *(b"k" * 300, b"{a}" + b"l" * 65_500, b"m" * 100_000, b"{b}" + b"n" * 262_100, b"o" * 300_000),
]
SIZES = [0, 1, 7, 8, 9, 60, 1000, 16_383, 16_384, 16_385, 40_000, 100_000]
FAR_MS = 1 << 50

numbers = st.integers(0, KEYSPACES - 1)
names = (st.integers(0, 5) | st.integers(0, len(NAMES) - 1)).map(lambda n: NAMES[n])
values = st.builds(
    lambda size, letter: letter * size, st.sampled_from(SIZES), st.sampled_from([b"v", b"w"])
) | st.builds(BlockPointer, st.sampled_from(["n", "node"]))
ttls = st.none() | st.integers(-5, 20) | st.sampled_from([-(1 << 62), FAR_MS, 1 << 61])
retentions = st.sampled_from(list(Retention))
tags = st.sampled_from([b"", b"{a}", b"{many}"])
sums = st.sampled_from([0, 1, 500, 1000])


@pytest.fixture(autouse=True, scope="module")
def _engine() -> None:
    """Both stores are in each of these tests, which need not run once for either."""


class Twins(RuleBasedStateMachine):
    """Does everything on both stores, under one clock, and compares all that can be seen."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = StoreClock()
        self.stores: list[Store] = []
        self.has_switched = False

    @initialize(policy=st.sampled_from(list(Policy)))
    def begin(self, policy: Policy) -> None:
        self.policy = policy
        self.stores = [
            kind(self.clock, Random(1), limit_bytes=0, policy=policy, databases=DATABASES)
            for kind in (pure.Store, engine.Store)
        ]
        self.told = 0
        for store in self.stores:
            store.removed = []
            store.lfu_tuning.log_factor = 0  # so that counters are not left to chance

    def both(self, do: Callable[[Store], Answer]) -> Answer:
        """Return what both stores answer."""
        expected, actual = map(do, self.stores)
        assert expected == actual
        return actual

    def on(self, number: int, do: Callable[[Keyspace], Answer]) -> Answer:
        """Return what a keyspace of both stores answers."""
        return self.both(lambda store: do(list(keyspaces(store))[number]))

    def deadline(self, ttl_ms: int | None) -> int | None:
        return None if ttl_ms is None else self.clock.now_ms() + ttl_ms

    def settle(self) -> None:
        """Have all gone that is expired, after what removes some of it by chance."""
        for store in self.stores:
            store.expire_some(1 << 40)

    # Keys

    @rule(number=numbers, key=names, value=values, ttl_ms=ttls, retention=retentions)
    def put(
        self, number: int, key: bytes, value: Value, ttl_ms: int | None, retention: Retention
    ) -> None:
        deadline_ms = self.deadline(ttl_ms)
        self.on(number, lambda keys: keys.set(key, value, deadline_ms, retention))

    @rule(number=numbers, tag=tags, count=st.integers(1, 150), size=st.integers(0, 40))
    def put_many(self, number: int, tag: bytes, count: int, size: int) -> None:
        def do(keys: Keyspace) -> None:
            for n in range(count):
                keys.set(b"%s%d" % (tag, n), b"x" * size, self.deadline(n if n % 3 else None))

        self.on(number, do)

    @rule(number=numbers, tag=tags, step=st.integers(1, 10))
    def delete_many(self, number: int, tag: bytes, step: int) -> None:
        self.on(number, lambda keys: [keys.delete(b"%s%d" % (tag, n)) for n in range(0, 150, step)])

    @rule(number=numbers, key=names, value=values)
    def replace(self, number: int, key: bytes, value: Value) -> None:
        self.on(number, lambda keys: keys.replace(key, value))

    @rule(number=numbers, key=names)
    def get(self, number: int, key: bytes) -> None:
        self.on(number, lambda keys: keys.get(key))
        self.on(number, lambda keys: keys.touch(key))

    @rule(number=numbers, key=names)
    def get_in_secret(self, number: int, key: bytes) -> None:
        before = self.on(number, lambda keys: keys.access_notes(key) is not None)
        for store in self.stores:
            keys = list(keyspaces(store))[number]
            notes = keys.access_notes(key)
            keys.get(key)
            if notes is not None:
                keys.restore_access(key, notes)
        after = self.on(number, lambda keys: keys.access_notes(key) is not None)
        assert before >= after

    @rule(number=numbers, key=names)
    def delete(self, number: int, key: bytes) -> None:
        self.on(number, lambda keys: keys.delete(key))

    @rule(number=numbers, key=names, ttl_ms=ttls)
    def set_deadline(self, number: int, key: bytes, ttl_ms: int | None) -> None:
        self.on(number, lambda keys: keys.set_deadline(key, self.deadline(ttl_ms)))

    @rule(number=numbers, old=names, new=names)
    def rename(self, number: int, old: bytes, new: bytes) -> None:
        if self.on(number, lambda keys: old in keys):
            self.on(number, lambda keys: keys.rename(old, new))

    @rule(number=numbers)
    def random_key(self, number: int) -> None:
        self.on(number, lambda keys: (key := keys.random_key()) is None or key in keys)
        self.settle()

    @rule(number=numbers, count=st.integers(1, 50), cursor=st.integers(0, 1 << 46))
    def scan(self, number: int, count: int, cursor: int) -> None:
        def do(keys: Keyspace) -> list[tuple[int, list[bytes]]]:
            steps = [keys.scan(cursor, count)]
            while steps[-1][0]:
                steps.append(keys.scan(steps[-1][0], count))
            return [(end, sorted(found)) for end, found in steps]

        self.on(number, do)

    @rule(number=numbers, key=names, count=st.integers(0, 5))
    def list_slot(self, number: int, key: bytes, count: int) -> None:
        self.on(number, lambda keys: len(keys.keys_in_slot(key_slot(key), count)))

    # The whole

    @rule(ms=st.integers(0, 30) | st.sampled_from([60_000, 600_000]))
    def advance(self, ms: int) -> None:
        self.clock.advance(ms)

    @rule(limit=st.integers(0, 10))
    def expire_some(self, limit: int) -> None:
        for store in self.stores:
            before = store.expired_keys
            assert store.expire_some(limit) == store.expired_keys - before <= limit
        self.settle()

    @rule()
    def expire_all(self) -> None:
        self.both(lambda store: store.expire_some(1 << 40))

    @rule(a=st.integers(0, DATABASES - 1), b=st.integers(0, DATABASES - 1))
    def swap(self, a: int, b: int) -> None:
        self.both(lambda store: store.swap(a, b))

    @rule(number=numbers)
    def flush_one(self, number: int) -> None:
        self.on(number, lambda keys: keys.flush())

    @rule()
    def flush(self) -> None:
        self.both(lambda store: store.flush())

    @rule(keys=st.sets(names | st.just(b"many"), min_size=1, max_size=3))
    def drop_slots(self, keys: set[bytes]) -> None:
        slots = sorted({key_slot(key) for key in keys})
        self.both(lambda store: store.drop_slots(slots))

    @rule(number=numbers, key=names)
    def drop_slot_of_one(self, number: int, key: bytes) -> None:
        self.on(number, lambda keys: keys.drop_slots([key_slot(key)]))

    @rule()
    def tidy(self) -> None:
        for store in self.stores:
            store.tidy()

    @rule()
    def return_memory(self) -> None:
        for store in self.stores:
            store.return_memory()

    @rule(policy=st.sampled_from(list(Policy)))
    def switch(self, policy: Policy) -> None:
        self.has_switched = True
        for store in self.stores:
            store.policy = policy

    @rule()
    def reset_statistics(self) -> None:
        self.told = 0
        self.both(lambda store: store.reset_statistics())

    @rule(limit=sums, ceiling=st.none() | sums, reserved=sums)
    def limit(self, limit: int, ceiling: int | None, reserved: int) -> None:
        for store in self.stores:
            store.reserved_bytes, store.limit_bytes, store.ceiling_bytes = reserved, limit, ceiling
        self.both(lambda store: (store.effective_limit_bytes, store.reserved_bytes))

    # What can be seen

    @invariant()
    def the_same_keys_are_there(self) -> None:
        for number in range(KEYSPACES if self.stores else 0):
            self.on(number, len)
            self.on(number, lambda keys: sorted(keys.keys()))
            self.on(number, lambda keys: sorted(all_keys(keys)))
            self.on(number, lambda keys: list(keys.occupied(0)))
            self.on(number, lambda keys: list(keys.occupied(9000)))
            self.on(number, lambda keys: keys.count_in_slot(key_slot(b"a")))
            self.on(number, lambda keys: sorted(keys.live_keys(key_slot(b"many"))))
        if self.stores:
            self.both(
                lambda store: [store.spaces_in_slot(key_slot(tag)) for tag in (b"a", b"many")]
            )

    @invariant()
    def the_same_is_known_of_each(self) -> None:
        def facts(keys: Keyspace, key: bytes) -> tuple[object, ...]:
            return (
                keys.peek(key),
                keys.deadline_ms(key),
                keys.retention(key),
                keys.type_name(key),
                key in keys,
            )

        with self.clock.before_all_deadlines():
            for number in range(KEYSPACES if self.stores else 0):
                self.on(number, lambda keys: [facts(keys, key) for key in sorted(all_keys(keys))])

    @invariant()
    def accesses_are_counted_alike(self) -> None:
        def frequencies(keys: Keyspace) -> list[tuple[bytes, int | None]]:
            return sorted((key, keys.frequency(key)) for key in list(keys.keys()))

        if not self.has_switched:
            for number in range(KEYSPACES if self.stores else 0):
                self.on(number, frequencies)

    @invariant()
    def the_same_sums_are_told(self) -> None:
        for number in range(KEYSPACES if self.stores else 0):
            self.on(number, lambda keys: (keys.expiring_count(), keys.average_ttl_ms()))
        if self.stores:
            self.both(lambda store: (store.hits, store.misses, store.evicted_keys))
            self.both(lambda store: store.expired_keys)

    @invariant()
    def the_same_is_told_of_what_goes(self) -> None:
        def removed(store: Store) -> list[tuple[int, bytes]]:
            assert store.removed is not None
            removed = sorted(store.removed)
            store.removed.clear()
            return removed

        if self.stores:
            self.told += len(self.both(removed))
            assert self.told == self.both(lambda store: store.expired_keys)

    @invariant()
    def accounted_bytes_are_the_sum_over_all_entries(self) -> None:
        for store in self.stores:
            for keys in keyspaces(store):
                assert keys.used_bytes == recomputed_bytes(keys, self.clock)
            assert store.used_bytes == sum(keys.used_bytes for keys in keyspaces(store))
            assert store.peak_bytes >= store.used_bytes

    @precondition(lambda self: self.stores)
    @rule(number=numbers)
    def compare_idle_times(self, number: int) -> None:
        def idle_ms(store: Store) -> list[int]:
            keys = list(keyspaces(store))[number]
            return [keys.idle_ms(key) or 0 for key in sorted(keys.keys())]

        for expected, actual in zip(*map(idle_ms, self.stores), strict=True):
            assert abs(expected - actual) < ACCESS_UNIT_MS


def test_the_native_store_does_what_the_readable_one_does() -> None:
    """The readable one says what is right; a store that is only fast is of no use."""
    run_state_machine_as_test(Twins, settings=settings(max_examples=40, stateful_step_count=40))


def test_a_slot_with_very_many_keys_is_split_and_loses_none() -> None:
    """One hash tag over a whole application is legal, and its tables part when they get large."""
    store, clock = store_of(engine.Store)
    keys = store.databases[0]
    random = Random(5)
    plain: dict[bytes, tuple[bytes, int | None]] = {}
    for step in range(60_000):
        key = b"{tag}%d" % random.randrange(25_000 if step < 40_000 else 3000)
        if random.random() < (0.8 if step < 40_000 else 0.3):
            deadline_ms = clock.now_ms() + 50_000 if random.random() < 0.3 else None
            value = b"%d" % step * random.randrange(1, 6)
            keys.set(key, value, deadline_ms)
            plain[key] = value, deadline_ms
        else:
            assert keys.delete(key) == (plain.pop(key, None) is not None)
        if step % 50 == 0:
            store.tidy()
    assert len(keys) == len(plain) == keys.count_in_slot(key_slot(b"tag")) > 12_000
    for key, (value, deadline_ms) in plain.items():
        assert (keys.get(key), keys.deadline_ms(key)) == (value, deadline_ms)
    assert sorted(keys.keys()) == sorted(plain)
    assert keys.used_bytes == recomputed_bytes(keys, clock)
    clock.advance(60_000)
    ending = sum(deadline_ms is not None for _, deadline_ms in plain.values())
    assert keys.expiring_count() == ending == store.expire_some(1 << 40)
    assert keys.drop_slots([key_slot(b"tag")]) == len(plain) - ending
    assert (len(keys), store.used_bytes) == (0, 0)


def tidied(store: Store) -> int:
    """Return the memory that is left when there is nothing more to tidy."""
    while store.tidy():
        pass
    store.return_memory()
    return store.allocated_bytes


@pytest.mark.parametrize("size", [50, 20_000])
def test_memory_comes_back_after_deletes_and_flushes(size: int) -> None:
    """A cache that has been large for an hour must not be so for ever."""
    store, _ = store_of(engine.Store)
    keys = store.databases[0]
    empty_bytes = tidied(store)
    count = 300_000 if size < 1000 else 3000
    for number in range(count):
        keys.set(b"k%d" % number, bytes(size))
    full_bytes = tidied(store)
    random = Random(1)
    for number in random.sample(range(count), count * 9 // 10):
        keys.delete(b"k%d" % number)
    live_bytes = full_bytes // 10
    assert tidied(store) - empty_bytes <= 2 * live_bytes + (2 << 20)
    left = list(keys.keys())
    assert {keys.get(key) for key in left} == {bytes(size)}
    keys.flush()
    assert tidied(store) <= empty_bytes + (1 << 20)


def test_tables_that_have_shrunk_are_packed_and_lose_no_key() -> None:
    """Also those of a slot that has many, and while keys come and go again."""
    store, clock = store_of(engine.Store)
    keys = store.databases[0]
    random = Random(3)
    plain: dict[bytes, bytes] = {}
    for most in (200_000, 40_000, 200_000, 20_000, 0):
        for number in range(200_000) if most == 200_000 else ():
            key = b"{%d}%d" % (number % 10 and number % 300, number)
            plain[key] = b"%d" % number
            keys.set(key, plain[key], clock.now_ms() + FAR_MS if number % 3 == 0 else None)
        for key in random.sample(sorted(plain), len(plain) - most):
            assert keys.delete(key)
            del plain[key]
        clock.advance(1000)
        while store.tidy():
            if plain and random.random() < 0.3:  # a table that is packed may grow at any time
                key = b"{%d}more%d" % (random.randrange(300), random.randrange(1000))
                plain[key] = b"again"
                keys.set(key, b"again")
        if most == 40_000:
            assert store.has_freed() == engine.ACCELERATED
        assert len(keys) == len(plain)
        assert all(keys.get(key) == value for key, value in plain.items())
    assert keys.used_bytes == recomputed_bytes(keys, clock)


def test_a_store_that_goes_gives_its_values_back() -> None:
    """Tests make thousands of stores, and values may be of any size."""
    store, _ = store_of(engine.Store)
    value = b"x" * 50_000
    before = sys.getrefcount(value)
    store.databases[0].set(b"a", value)
    store.databases[1].set(b"b", value)
    store.databases[1].flush()
    store.blocks.set(b"1", value)
    assert sys.getrefcount(value) == before + 3
    del store
    gc.collect()
    assert sys.getrefcount(value) == before

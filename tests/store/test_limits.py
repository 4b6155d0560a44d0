"""A small limit, all policies, any sequence of calls: what may go goes, and nothing else does."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from memcloud.store import BLOCKS, Keyspace, Policy, Retention, Store

from .support import StoreClock, all_keys, keyspaces, may_go, new_store, recomputed_bytes

DATABASES = 2
KEYSPACES = DATABASES + 2
LIMITS_BYTES = [0, 30_000, 300_000, 3_000_000]
SIZE_MAX = 40_000
ENTRY_BYTES_MAX = SIZE_MAX + 1000
COUNT_MAX = 400

numbers = st.integers(0, DATABASES - 1) | st.integers(0, KEYSPACES - 1)
tags = st.sampled_from([b"", b"{a}", b"long" * 50])
sizes = st.sampled_from([0, 10, 100, 1000, 16_384, 16_385, SIZE_MAX])
retentions = st.sampled_from([Retention.BY_POLICY, *Retention])
ttls = st.none() | st.integers(0, 2000) | st.just(1 << 50)


@dataclass
class Plain:
    """What was written last."""

    value: bytes
    deadline_ms: int | None


class Limited(RuleBasedStateMachine):
    """Knows what was written, and that only eviction, expiry and removal may take it away."""

    store: Store
    clock: StoreClock

    @initialize(policy=st.sampled_from(list(Policy)), limit_bytes=st.sampled_from(LIMITS_BYTES))
    def begin(self, policy: Policy, limit_bytes: int) -> None:
        self.store, self.clock = new_store(
            policy=policy, limit_bytes=limit_bytes, databases=DATABASES
        )
        self.plain: dict[tuple[int, bytes], Plain] = {}
        self.evicted = 0  # of those in plain that are known to be gone
        self.store.removed = []

    def keys(self, number: int) -> Keyspace:
        return list(keyspaces(self.store))[number]

    def pinned(self) -> set[tuple[int, bytes]]:
        """Return the keys that must survive every eviction."""
        with self.clock.before_all_deadlines():
            return {
                (number, key)
                for number, keys in enumerate(keyspaces(self.store))
                for key in all_keys(keys)
                if not may_go(self.store.policy, keys, key)
            }

    def make_room(self) -> bool:
        """Make room, and check what that has done."""
        store = self.store
        limit_bytes = store.effective_limit_bytes
        is_over = bool(limit_bytes) and store.used_bytes > limit_bytes
        pinned = self.pinned() if is_over else set()
        has_room = store.make_room()
        if is_over:
            assert has_room == (store.used_bytes <= limit_bytes)
            assert pinned <= self.pinned()
            if not has_room:
                assert self.pinned() == {
                    (number, key)
                    for number, keys in enumerate(keyspaces(store))
                    for key in all_keys(keys)
                }
        return has_room

    def one(self, number: int, key: bytes, value: bytes, ttl_ms: int | None, r: Retention) -> None:
        if self.make_room():
            deadline_ms = None if ttl_ms is None else self.clock.now_ms() + ttl_ms
            self.keys(number).set(key, value, deadline_ms, r)
            self.plain[number, key] = Plain(value, deadline_ms)
            if limit_bytes := self.store.effective_limit_bytes:
                assert self.store.used_bytes <= limit_bytes + ENTRY_BYTES_MAX

    @rule(
        number=numbers,
        tag=tags,
        first=st.integers(0, 100),
        count=st.integers(1, COUNT_MAX),
        size=sizes,
        ttl_ms=ttls,
        retention=retentions,
        stretch=st.integers(0, 3),
    )
    def put(
        self,
        number: int,
        tag: bytes,
        first: int,
        count: int,
        size: int,
        ttl_ms: int | None,
        retention: Retention,
        stretch: int,
    ) -> None:
        for n in range(first, first + (count if size <= 1000 else count // 20 + 1)):
            value = bytes([n & 0xFF]) * min(SIZE_MAX, size + n * stretch)
            self.one(number, b"%s%d" % (tag, n), value, ttl_ms, retention)

    @rule(number=numbers, tag=tags, step=st.integers(1, 9), times=st.integers(1, 3))
    def get(self, number: int, tag: bytes, step: int, times: int) -> None:
        keys = self.keys(number)
        for n in range(0, COUNT_MAX, step):
            for _ in range(times):
                value = keys.get(b"%s%d" % (tag, n))
                assert value is None or value == self.plain[number, b"%s%d" % (tag, n)].value

    @rule(number=numbers, tag=tags, step=st.integers(1, 9))
    def delete(self, number: int, tag: bytes, step: int) -> None:
        keys = self.keys(number)
        for n in range(0, COUNT_MAX, step):
            if keys.delete(b"%s%d" % (tag, n)):
                del self.plain[number, b"%s%d" % (tag, n)]

    @rule(number=numbers, tag=tags, step=st.integers(1, 9), ttl_ms=ttls)
    def set_deadline(self, number: int, tag: bytes, step: int, ttl_ms: int | None) -> None:
        deadline_ms = None if ttl_ms is None else self.clock.now_ms() + ttl_ms
        for n in range(0, COUNT_MAX, step):
            if self.keys(number).set_deadline(b"%s%d" % (tag, n), deadline_ms):
                self.plain[number, b"%s%d" % (tag, n)].deadline_ms = deadline_ms

    @rule(number=numbers)
    def flush(self, number: int) -> None:
        self.keys(number).flush()
        self.plain = {place: plain for place, plain in self.plain.items() if place[0] != number}

    @rule(policy=st.sampled_from(list(Policy)))
    def switch(self, policy: Policy) -> None:
        self.store.policy = policy

    @rule(
        limit_bytes=st.sampled_from(LIMITS_BYTES),
        what=st.sampled_from(["limit", "ceiling", "reserved"]),
    )
    def limit(self, limit_bytes: int, what: str) -> None:
        if what == "ceiling":
            self.store.ceiling_bytes = limit_bytes or None
        elif what == "reserved":
            self.store.reserved_bytes = limit_bytes
        else:
            self.store.limit_bytes = limit_bytes
        self.make_room()

    @rule(goal_bytes=st.integers(0, 300_000), limit=st.integers(0, 200))
    def evict_some(self, goal_bytes: int, limit: int) -> None:
        before, pinned = self.store.evicted_keys, self.pinned()
        evicted = self.store.evict_some(goal_bytes, limit)
        assert evicted == self.store.evicted_keys - before <= limit
        if evicted < limit and self.store.used_bytes > goal_bytes:
            assert sum(len(keys) for keys in keyspaces(self.store)) == len(pinned)
        assert pinned <= self.pinned()

    @rule(ms=st.integers(0, 1000))
    def advance(self, ms: int) -> None:
        self.clock.advance(ms)

    @rule(limit=st.integers(0, 1000))
    def expire_some(self, limit: int) -> None:
        self.store.expire_some(limit)

    @rule()
    def tidy(self) -> None:
        self.store.tidy()

    @invariant()
    def what_is_there_was_written_and_what_is_gone_had_reason_to(self) -> None:
        if not hasattr(self, "store"):
            return
        now_ms = self.clock.now_ms()
        self.plain = {
            place: plain
            for place, plain in self.plain.items()
            if plain.deadline_ms is None or plain.deadline_ms >= now_ms
        }
        there = {
            (number, key)
            for number, keys in enumerate(keyspaces(self.store))
            for key in list(keys.keys())
        }
        gone = self.plain.keys() - there
        assert there <= self.plain.keys()
        assert self.store.removed is not None
        told = {
            (index if index >= 0 else DATABASES + BLOCKS - index, key)
            for index, key in self.store.removed
        }
        self.store.removed.clear()
        assert gone <= told
        assert len(gone) <= self.store.evicted_keys - self.evicted
        self.evicted = self.store.evicted_keys
        for place in gone:
            del self.plain[place]
        for number, key in there:
            assert self.keys(number).peek(key) == self.plain[number, key].value
            assert self.keys(number).deadline_ms(key) == self.plain[number, key].deadline_ms

    @invariant()
    def accounted_bytes_are_the_sum_over_all_entries(self) -> None:
        if hasattr(self, "store"):
            for keys in keyspaces(self.store):
                assert keys.used_bytes == recomputed_bytes(keys, self.clock)
            assert self.store.used_bytes == sum(keys.used_bytes for keys in keyspaces(self.store))


def test_the_limit_is_kept_whatever_happens() -> None:
    """A machine lends its memory on the word that it will never be more."""
    run_state_machine_as_test(Limited, settings=settings(max_examples=40, stateful_step_count=30))

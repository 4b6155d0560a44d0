"""The store against plain dicts, through any sequence of calls."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from memcloud.ring import key_slot

from .support import ACCESS_UNIT_MS, all_keys, keyspaces, new_store, recomputed_bytes

DATABASES = 3
# Few names, so that they meet; several in one slot.
NAMES = [b"", b"a", b"b", b"{a}1", b"{a}2", b"{b}1", b"c"]

names = st.sampled_from(NAMES)
numbers = st.integers(0, DATABASES - 1)
values = st.binary(max_size=20)
ttls = st.none() | st.integers(0, 20)


@dataclass
class Plain:
    """What the model knows of a key."""

    value: bytes
    deadline_ms: int | None
    accessed_ms: int


class StoreMachine(RuleBasedStateMachine):
    """Does everything twice and compares."""

    def __init__(self) -> None:
        super().__init__()
        self.store, self.clock = new_store(databases=DATABASES)
        self.plain: list[dict[bytes, Plain]] = [{} for _ in range(DATABASES)]
        self.hits = self.misses = 0

    def live(self, number: int) -> dict[bytes, Plain]:
        """Return the model's database, rid of what has expired."""
        now_ms = self.clock.now_ms()
        plain = self.plain[number]
        for key in list(plain):
            deadline_ms = plain[key].deadline_ms
            if deadline_ms is not None and now_ms > deadline_ms:
                del plain[key]
        return plain

    def deadline(self, ttl_ms: int | None) -> int | None:
        return None if ttl_ms is None else self.clock.now_ms() + ttl_ms

    @rule(number=numbers, key=names, value=values, ttl_ms=ttls)
    def put(self, number: int, key: bytes, value: bytes, ttl_ms: int | None) -> None:
        self.store.databases[number].set(key, value, self.deadline(ttl_ms))
        self.plain[number][key] = Plain(value, self.deadline(ttl_ms), self.clock.now_ms())

    @rule(number=numbers, key=names, value=values)
    def replace(self, number: int, key: bytes, value: bytes) -> None:
        self.store.databases[number].replace(key, value)
        plain = self.live(number)
        deadline_ms = plain[key].deadline_ms if key in plain else None
        plain[key] = Plain(value, deadline_ms, self.clock.now_ms())

    @rule(number=numbers, key=names)
    def get(self, number: int, key: bytes) -> None:
        plain = self.live(number).get(key)
        assert self.store.databases[number].get(key) == (plain and plain.value)
        if plain is None:
            self.misses += 1
        else:
            self.hits += 1
            plain.accessed_ms = self.clock.now_ms()

    @rule(number=numbers, key=names)
    def delete(self, number: int, key: bytes) -> None:
        was_there = self.live(number).pop(key, None) is not None
        assert self.store.databases[number].delete(key) == was_there

    @rule(number=numbers, key=names, ttl_ms=ttls)
    def set_deadline(self, number: int, key: bytes, ttl_ms: int | None) -> None:
        plain = self.live(number).get(key)
        is_there = self.store.databases[number].set_deadline(key, self.deadline(ttl_ms))
        assert is_there == (plain is not None)
        if plain is not None:
            plain.deadline_ms = self.deadline(ttl_ms)

    @rule(number=numbers, old=names, new=names)
    def rename(self, number: int, old: bytes, new: bytes) -> None:
        plain = self.live(number)
        if old in plain:
            self.store.databases[number].rename(old, new)
            plain[new] = plain.pop(old)

    @rule(a=numbers, b=numbers)
    def swap(self, a: int, b: int) -> None:
        self.store.swap(a, b)
        self.plain[a], self.plain[b] = self.plain[b], self.plain[a]

    @rule(number=numbers)
    def flush_one(self, number: int) -> None:
        database = self.store.databases[number]
        assert database.flush() >= len(self.live(number))
        assert len(database) == 0
        self.plain[number].clear()

    @rule()
    def flush(self) -> None:
        self.store.flush()
        self.plain = [{} for _ in range(DATABASES)]

    @rule(keys=st.sets(names, min_size=1, max_size=3))
    def drop_slots(self, keys: set[bytes]) -> None:
        slots = {key_slot(key) for key in keys}
        self.store.drop_slots(sorted(slots))
        for plain in self.plain:
            for key in [key for key in plain if key_slot(key) in slots]:
                del plain[key]

    @rule()
    def tidy(self) -> None:
        self.store.tidy()
        self.store.return_memory()

    @rule(ms=st.integers(0, 15))
    def advance(self, ms: int) -> None:
        self.clock.advance(ms)

    @rule(limit=st.integers(0, 10))
    def expire_some(self, limit: int) -> None:
        before = self.store.expired_keys
        expired = self.store.expire_some(limit)
        assert expired <= limit
        assert self.store.expired_keys == before + expired

    @rule()
    def expire_all(self) -> None:
        self.store.expire_some(1_000_000)
        for number, database in enumerate(self.store.databases):
            assert len(database) == len(self.live(number))

    @rule(number=numbers)
    def random_key(self, number: int) -> None:
        plain = self.live(number)
        key = self.store.databases[number].random_key()
        assert key in plain if plain else key is None

    @invariant()
    def accounted_bytes_are_the_sum_over_all_entries(self) -> None:
        for keyspace in keyspaces(self.store):
            assert keyspace.used_bytes == recomputed_bytes(keyspace, self.clock)
        assert self.store.used_bytes == sum(keys.used_bytes for keys in keyspaces(self.store))
        assert self.store.peak_bytes >= self.store.used_bytes

    @invariant()
    def the_same_keys_are_live(self) -> None:
        for number, database in enumerate(self.store.databases):
            plain = self.live(number)
            assert sorted(database.keys()) == sorted(plain)
            assert sorted(database.scan(0, 1000)[1]) == sorted(plain)
            for slot in {key_slot(key) for key in NAMES}:
                listed = database.keys_in_slot(slot, 1000)
                assert len(listed) == database.count_in_slot(slot)
                assert {key for key in plain if key_slot(key) == slot} <= {*listed}

    @invariant()
    def statistics_agree(self) -> None:
        assert (self.store.hits, self.store.misses) == (self.hits, self.misses)
        for database in self.store.databases:
            with self.clock.before_all_deadlines():
                deadlines = [database.deadline_ms(key) for key in all_keys(database)]
            assert len(database) == len(deadlines)
            assert database.expiring_count() == sum(ms is not None for ms in deadlines)

    def teardown(self) -> None:
        """Compare all facts about all keys at the end: looking at them removes expired ones."""
        now_ms = self.clock.now_ms()
        for number, database in enumerate(self.store.databases):
            plain = self.live(number)
            for key in NAMES:
                known = plain.get(key)
                assert database.peek(key) == (known and known.value)
                assert database.deadline_ms(key) == (known and known.deadline_ms)
                idle_ms = database.idle_ms(key)
                assert (idle_ms is None) == (known is None)
                if idle_ms is not None and known is not None:
                    assert abs(idle_ms - (now_ms - known.accessed_ms)) < ACCESS_UNIT_MS
                assert (key in database) == (known is not None)
            assert len(database) == len(plain)


def test_any_sequence_of_calls_does_what_plain_dicts_do() -> None:
    """Bugs of a store live in the order of events that nobody has thought of."""
    run_state_machine_as_test(
        StoreMachine, settings=settings(max_examples=150, stateful_step_count=50)
    )

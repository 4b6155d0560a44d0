"""What the tests of the store share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Final

from memcloud.store import Keyspace, Policy, Retention, Store, engine
from memcloud.store import store as pure
from tests.manual_clock import ManualClock

UNLIMITED = 0

ENGINES: Final[dict[str, type[Store]]] = {"pure": pure.Store}
if engine.ACCELERATED:
    ENGINES["native"] = engine.Store

# Times of access are kept to this, and idle times may be off by as much.
ACCESS_UNIT_MS = 16
# Sizes are accounted in steps of this at most.
SIZE_UNIT_BYTES = 4


class Choice:
    """The store that the tests run on; conftest.py lets every test see each."""

    store: type[Store] = pure.Store


class StoreClock(ManualClock):
    """A clock that can show the time before any deadline."""

    @contextmanager
    def before_all_deadlines(self) -> Iterator[None]:
        """Let nothing have expired for a while: all entries can be looked at, and none goes."""
        now_ms, self._now_ms = self._now_ms, -(1 << 63)
        try:
            yield
        finally:
            self._now_ms = now_ms


def new_store(
    *,
    limit_bytes: int = UNLIMITED,
    policy: Policy = Policy.NOEVICTION,
    databases: int = 16,
    seed: int = 1,
) -> tuple[Store, StoreClock]:
    """Return an empty store and the clock that it lives by."""
    return store_of(
        Choice.store, limit_bytes=limit_bytes, policy=policy, databases=databases, seed=seed
    )


def store_of(
    kind: type[Store],
    *,
    limit_bytes: int = UNLIMITED,
    policy: Policy = Policy.NOEVICTION,
    databases: int = 16,
    seed: int = 1,
) -> tuple[Store, StoreClock]:
    """Return an empty store of a kind, whichever the tests run on, and its clock."""
    clock = StoreClock()
    store = kind(clock, Random(seed), limit_bytes=limit_bytes, policy=policy, databases=databases)
    return store, clock


def new_keyspace(seed: int = 1) -> tuple[Keyspace, StoreClock]:
    """Return an empty database and the clock that it lives by."""
    store, clock = new_store(seed=seed)
    return store.databases[0], clock


def keyspaces(store: Store) -> Iterator[Keyspace]:
    """Iterate over all keyspaces of the store, the hidden ones included."""
    yield from store.databases
    yield store.blocks
    yield store.held


def all_keys(keyspace: Keyspace) -> list[bytes]:
    """Return the names of all entries, expired ones included."""
    return [
        key
        for slot in keyspace.occupied(0)
        for key in keyspace.keys_in_slot(slot, keyspace.count_in_slot(slot))
    ]


def recomputed_bytes(keyspace: Keyspace, clock: StoreClock) -> int:
    """Return the accounted bytes by a walk over all entries, expired ones included."""
    with clock.before_all_deadlines():
        sizes = [keyspace.size_bytes(key) for key in all_keys(keyspace)]
    assert None not in sizes, "every key listed is found"
    return sum(size or 0 for size in sizes)


def entry_bytes(value_bytes: int, key_bytes: int = 4) -> int:
    """Return what an entry is accounted for, in the store that the tests run on."""
    keys, _ = new_keyspace()
    keys.set(bytes(key_bytes), bytes(value_bytes))
    return keys.used_bytes


def may_go(policy: Policy, keyspace: Keyspace, key: bytes) -> bool:
    """Return whether a key may be evicted under a policy."""
    retention = keyspace.retention(key)
    if retention is not Retention.BY_POLICY:
        return retention is Retention.CACHE
    if policy.is_volatile:
        return keyspace.deadline_ms(key) is not None
    return policy.is_for_all_keys

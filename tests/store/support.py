"""What the tests of the store share."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from memcloud.store import Keyspace, Policy, Store
from memcloud.store.sizes import entry_bytes
from tests.manual_clock import ManualClock

UNLIMITED = 0


def new_store(
    *,
    limit_bytes: int = UNLIMITED,
    policy: Policy = Policy.NOEVICTION,
    databases: int = 16,
    seed: int = 1,
) -> tuple[Store, ManualClock]:
    """Return an empty store and the clock that it lives by."""
    clock = ManualClock()
    store = Store(clock, Random(seed), limit_bytes=limit_bytes, policy=policy, databases=databases)
    return store, clock


def new_keyspace(seed: int = 1) -> tuple[Keyspace, ManualClock]:
    """Return an empty database and the clock that it lives by."""
    store, clock = new_store(seed=seed)
    return store.databases[0], clock


def keyspaces(store: Store) -> Iterator[Keyspace]:
    """Iterate over all keyspaces of the store, the hidden ones included."""
    yield from store.databases
    yield store.blocks
    yield store.held


def recomputed_bytes(keyspace: Keyspace) -> int:
    """Return the accounted bytes by a walk over all entries, expired ones included."""
    entries = (keyspace.entry_at(place) for place in range(len(keyspace)))
    return sum(entry_bytes(entry.key, entry.value, entry.deadline_ms) for entry in entries)

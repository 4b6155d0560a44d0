"""Deadlines: to the millisecond, lazily and actively."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from memcloud.store import Keyspace

from .support import new_keyspace, new_store

READS: dict[str, Callable[[Keyspace], bool]] = {
    "get": lambda keys: keys.get(b"k") is not None,
    "peek": lambda keys: keys.peek(b"k") is not None,
    "contains": lambda keys: b"k" in keys,
    "touch": lambda keys: keys.touch(b"k"),
    "deadline_ms": lambda keys: keys.deadline_ms(b"k") is not None,
    "idle_ms": lambda keys: keys.idle_ms(b"k") is not None,
    "size_bytes": lambda keys: keys.size_bytes(b"k") is not None,
    "type_name": lambda keys: keys.type_name(b"k") is not None,
    "set_deadline": lambda keys: keys.set_deadline(b"k", keys.deadline_ms(b"k")),
    "random_key": lambda keys: keys.random_key() is not None,
    "keys": lambda keys: list(keys.keys()) == [b"k"],
    "scan": lambda keys: keys.scan(0, 10) == (0, [b"k"]),
    "delete": lambda keys: keys.delete(b"k"),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
def test_a_key_lives_up_to_its_deadline_and_not_a_millisecond_longer(
    read: Callable[[Keyspace], bool],
) -> None:
    """Redis: a key is expired when now > deadline, in every command."""
    for wait_ms, is_there in [(99, True), (100, True), (101, False)]:
        keys, clock = new_keyspace()
        keys.set(b"k", b"v", clock.now_ms() + 100)
        clock.advance(wait_ms)
        assert read(keys) is is_there


def test_active_expiry_keeps_to_the_same_millisecond() -> None:
    """A key must not vanish earlier for being watched by the heap."""
    store, clock = new_store()
    keys = store.databases[0]
    keys.set(b"k", b"v", clock.now_ms() + 100)
    clock.advance(100)
    assert (store.expire_some(10), len(keys)) == (0, 1)
    clock.advance(1)
    assert (store.expire_some(10), len(keys)) == (1, 0)
    assert store.expired_keys == 1


def test_active_expiry_is_bounded() -> None:
    """A tick must not stall the node because a million keys end together."""
    store, clock = new_store()
    keys = store.databases[3]
    for number in range(100):
        keys.set(b"k%d" % number, b"v", clock.now_ms() + 100 - number)
    clock.advance(1000)
    assert store.expire_some(30) == 30
    assert len(keys) == 70
    assert store.expire_some(1000) == 70


def test_an_expired_key_is_counted_once_however_it_is_met() -> None:
    """expired_keys must not depend on who removes the key."""
    store, clock = new_store()
    keys = store.databases[0]
    for name in (b"read", b"overwritten", b"deleted", b"swept", b"target"):
        keys.set(name, b"v", clock.now_ms())
    keys.set(b"source", b"v")
    clock.advance(1)
    assert keys.get(b"read") is None
    keys.set(b"overwritten", b"v")
    assert not keys.delete(b"deleted")
    keys.rename(b"source", b"target")
    assert store.expired_keys == 4
    assert store.expire_some(10) == 1
    assert store.expired_keys == 5
    assert (store.hits, store.misses) == (0, 1)


def test_a_deadline_changed_or_lifted_is_not_obeyed_any_more() -> None:
    """The heap still holds the old one and must not act on it."""
    store, clock = new_store()
    keys = store.databases[0]
    for name in (b"later", b"never", b"rewritten"):
        keys.set(name, b"v", clock.now_ms() + 10)
    keys.set_deadline(b"later", clock.now_ms() + 20)
    keys.set_deadline(b"never", None)
    keys.set(b"rewritten", b"v")
    clock.advance(11)
    assert store.expire_some(10) == 0
    clock.advance(10)
    assert store.expire_some(10) == 1
    assert sorted(keys.keys()) == [b"never", b"rewritten"]


def test_a_key_written_anew_does_not_inherit_a_deadline() -> None:
    """A deleted key leaves its item in the heap; the next key of that name has another life."""
    store, clock = new_store()
    keys = store.databases[0]
    keys.set(b"k", b"v", clock.now_ms() + 10)
    keys.delete(b"k")
    keys.set(b"k", b"w")
    clock.advance(11)
    assert store.expire_some(10) == 0
    assert keys.get(b"k") == b"w"


def test_deadlines_follow_databases_that_are_swapped() -> None:
    """SWAPDB changes numbers, not keys."""
    store, clock = new_store()
    store.databases[0].set(b"k", b"v", clock.now_ms() + 10)
    store.databases[1].set(b"k", b"stays")
    store.swap(0, 1)
    clock.advance(11)
    assert store.expire_some(10) == 1
    assert store.databases[0].get(b"k") == b"stays"
    assert len(store.databases[1]) == 0


def test_the_average_time_to_live_is_exact() -> None:
    """INFO keyspace shows it as avg_ttl."""
    keys, clock = new_keyspace()
    keys.set(b"a", b"v", clock.now_ms() + 100)
    keys.set(b"b", b"v", clock.now_ms() + 300)
    keys.set(b"c", b"v")
    assert (keys.expiring_count(), keys.average_ttl_ms()) == (2, 200)
    clock.advance(50)
    assert keys.average_ttl_ms() == 150
    keys.delete(b"a")
    assert (keys.expiring_count(), keys.average_ttl_ms()) == (1, 250)
    keys.set_deadline(b"b", None)
    assert (keys.expiring_count(), keys.average_ttl_ms()) == (0, 0)

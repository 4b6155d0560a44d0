"""The heap of deadlines: what it may cost, and in which order it works."""

from __future__ import annotations

from memcloud.store.expiry import Expiry
from tests.store.support import new_keyspace, new_store


def test_active_expiry_takes_the_oldest_deadlines_first() -> None:
    """Those who have waited longest cost memory for longest."""
    store, clock = new_store()
    keys = store.databases[3]
    for number in range(100):
        keys.set(b"k%d" % number, b"v", clock.now_ms() + 100 - number)
    clock.advance(1000)
    assert store.expire_some(30) == 30
    assert keys.stored_deadline_ms(b"k0") is not None
    assert keys.stored_deadline_ms(b"k99") is None


def test_the_heap_stays_within_twice_the_deadlines_in_force() -> None:
    """A key that gets a new deadline at every access must not fill the memory with old ones."""
    keys, clock = new_keyspace()
    expiry: Expiry = keys._expiry
    for number in range(10_000):
        keys.set(b"k%d" % (number % 100), b"v", clock.now_ms() + number)
        assert len(expiry) <= 2 * max(100, expiry.current_count)


def test_the_heap_gives_way_when_many_keys_go_at_once() -> None:
    """FLUSHALL must free the memory of deadlines as well."""
    store, clock = new_store()
    keys = store.databases[0]
    for number in range(1000):
        keys.set(b"k%d" % number, b"v", clock.now_ms() + number)
    store.flush()
    assert len(keys._expiry) == 0


def test_a_deadline_set_back_and_forth_leaves_one_item_after_a_rebuild() -> None:
    """Equal items all look current; they must not count as one each for ever."""
    store, clock = new_store()
    keys = store.databases[0]
    now_ms = clock.now_ms()
    keys.set(b"k", b"v")
    for number in range(65):  # one more than a heap may have without being looked through
        keys.set_deadline(b"k", now_ms + 10 + number % 2)
    assert len(keys._expiry) == 1
    clock.advance(12)
    assert store.expire_some(1000) == 1
    assert store.expired_keys == 1

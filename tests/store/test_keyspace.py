"""One database, key by key."""

from __future__ import annotations

from collections import Counter

from memcloud.ring import key_slot
from memcloud.store import BlockPointer

from .support import ACCESS_UNIT_MS, SIZE_UNIT_BYTES, new_keyspace, new_store


def test_a_value_set_is_read_back_and_replaced() -> None:
    """The first thing that a cache is for."""
    keys, _ = new_keyspace()
    keys.set(b"k", b"one")
    assert keys.get(b"k") == b"one"
    keys.set(b"k", b"two")
    assert keys.get(b"k") == b"two"
    assert len(keys) == 1


def test_keys_and_values_are_any_bytes_empty_ones_included() -> None:
    """Redis allows the empty key and the empty value, which must not look absent."""
    keys, _ = new_keyspace()
    keys.set(b"", b"")
    assert keys.get(b"") == b""
    assert b"" in keys
    assert keys.delete(b"")
    assert b"" not in keys


def test_a_missing_key_has_no_facts() -> None:
    """Handlers tell 'no such key' by these answers."""
    keys, _ = new_keyspace()
    assert keys.get(b"k") is None
    assert keys.peek(b"k") is None
    assert not keys.delete(b"k")
    assert not keys.touch(b"k")
    assert not keys.set_deadline(b"k", 5)
    assert keys.deadline_ms(b"k") is None
    assert keys.idle_ms(b"k") is None
    assert keys.size_bytes(b"k") is None
    assert keys.type_name(b"k") is None
    assert keys.random_key() is None
    assert keys.average_ttl_ms() == 0


def test_set_drops_the_deadline_and_replace_keeps_it() -> None:
    """SET ends a TTL, APPEND and INCR do not."""
    keys, clock = new_keyspace()
    deadline = clock.now_ms() + 100
    keys.set(b"k", b"v", deadline)
    keys.replace(b"k", b"w")
    assert (keys.get(b"k"), keys.deadline_ms(b"k")) == (b"w", deadline)
    keys.set(b"k", b"x")
    assert (keys.get(b"k"), keys.deadline_ms(b"k")) == (b"x", None)
    assert keys.expiring_count() == 0


def test_replace_creates_a_key_without_deadline() -> None:
    """APPEND and INCR start from nothing, also where an expired key still lies."""
    keys, clock = new_keyspace()
    keys.set(b"old", b"v", clock.now_ms())
    clock.advance(1)
    keys.replace(b"old", b"w")
    keys.replace(b"new", b"w")
    assert (keys.get(b"old"), keys.deadline_ms(b"old")) == (b"w", None)
    assert (keys.get(b"new"), keys.deadline_ms(b"new")) == (b"w", None)


def test_rename_carries_value_deadline_and_access_over_another_key() -> None:
    """RENAME is a move: nothing of the replaced key stays."""
    keys, clock = new_keyspace()
    deadline = clock.now_ms() + 1000
    keys.set(b"a", b"value", deadline)
    keys.set(b"b", b"other", deadline + 5)
    clock.advance(10 * ACCESS_UNIT_MS)
    keys.rename(b"a", b"b")
    assert b"a" not in keys
    assert keys.idle_ms(b"b") == 10 * ACCESS_UNIT_MS
    assert (keys.peek(b"b"), keys.deadline_ms(b"b")) == (b"value", deadline)
    assert (len(keys), keys.expiring_count()) == (1, 1)


def test_rename_to_itself_changes_nothing() -> None:
    """Redis answers OK to RENAME k k."""
    keys, _ = new_keyspace()
    keys.set(b"k", b"v")
    keys.rename(b"k", b"k")
    assert keys.get(b"k") == b"v"


def test_get_and_touch_count_and_note_the_access_and_nothing_else_does() -> None:
    """keyspace_hits, keyspace_misses and OBJECT IDLETIME speak of reads."""
    store, clock = new_store()
    keys = store.databases[0]
    keys.set(b"k", b"v")
    clock.advance(ACCESS_UNIT_MS)
    keys.peek(b"k")
    keys.peek(b"absent")
    assert b"k" in keys
    assert (keys.idle_ms(b"k"), store.hits, store.misses) == (ACCESS_UNIT_MS, 0, 0)
    keys.get(b"k")
    keys.get(b"absent")
    assert (keys.idle_ms(b"k"), store.hits, store.misses) == (0, 1, 1)
    clock.advance(ACCESS_UNIT_MS)
    keys.touch(b"k")
    keys.touch(b"absent")
    assert (keys.idle_ms(b"k"), store.hits, store.misses) == (0, 2, 2)


def test_each_type_of_value_has_its_name() -> None:
    """TYPE tells them apart."""
    keys, _ = new_keyspace()
    keys.set(b"s", b"v")
    keys.set(b"p", BlockPointer("node"))
    assert (keys.type_name(b"s"), keys.type_name(b"p")) == ("string", "block")


def test_size_bytes_grows_with_key_value_and_deadline() -> None:
    """MEMORY USAGE must show what matters."""
    keys, clock = new_keyspace()
    keys.set(b"k", b"")
    empty = keys.size_bytes(b"k")
    assert empty is not None
    keys.set(b"k", b"x" * 1000)
    assert keys.size_bytes(b"k") == empty + 1000
    longer = b"k" * (1 + 5 * SIZE_UNIT_BYTES)
    keys.set(longer, b"")
    assert keys.size_bytes(longer) == empty + 5 * SIZE_UNIT_BYTES
    keys.set(b"k", b"", clock.now_ms())
    with_deadline = keys.size_bytes(b"k")
    assert with_deadline is not None
    assert with_deadline > empty


def test_a_random_key_is_uniform_whatever_the_slots() -> None:
    """A slot that a hash tag has filled must not hide behind those with one key."""
    keys, _ = new_keyspace()
    names = [b"{tag}%d" % n for n in range(50)] + [b"single%d" % n for n in range(50)]
    for name in names:
        keys.set(name, b"v")
    drawn = Counter(keys.random_key() for _ in range(20_000))
    assert set(drawn) == set(names)
    # 200 expected of each; the standard deviation is 14.
    assert min(drawn.values()) > 200 - 5 * 14
    assert max(drawn.values()) < 200 + 5 * 14


def test_a_random_key_is_live_and_none_if_all_have_expired() -> None:
    """RANDOMKEY must not name a key that GET then denies."""
    keys, clock = new_keyspace()
    for number in range(100):
        keys.set(b"gone%d" % number, b"v", clock.now_ms())
    keys.set(b"stays", b"v")
    clock.advance(1)
    assert {keys.random_key() for _ in range(50)} == {b"stays"}
    keys.delete(b"stays")
    assert keys.random_key() is None


def test_slots_can_be_counted_listed_and_dropped() -> None:
    """A slot is the unit in which a cluster hands keys over."""
    keys, _ = new_keyspace()
    tagged = [b"{a}%d" % n for n in range(5)]
    for name in [*tagged, b"{b}"]:
        keys.set(name, b"v")
    slot = key_slot(b"a")
    assert keys.count_in_slot(slot) == 5
    assert sorted(keys.keys_in_slot(slot, 10)) == tagged
    assert len(keys.keys_in_slot(slot, 2)) == 2
    assert keys.drop_slots([slot]) == 5
    assert (keys.count_in_slot(slot), keys.keys_in_slot(slot, 10)) == (0, [])
    assert list(keys.keys()) == [b"{b}"]


def test_keys_leaves_out_what_has_expired() -> None:
    """KEYS must agree with EXISTS."""
    keys, clock = new_keyspace()
    keys.set(b"gone", b"v", clock.now_ms())
    keys.set(b"stays", b"v", clock.now_ms() + 1)
    clock.advance(1)
    assert list(keys.keys()) == [b"stays"]
    assert len(keys) == 2

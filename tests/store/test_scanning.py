"""SCAN: steps over all keys while others write."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from memcloud.store import Keyspace
from memcloud.store.scanning import scan_position

from .support import new_keyspace, new_store

NAMES = [b"{tag}%d" % n for n in range(30)] + [b"key%d" % n for n in range(30)]


def scan_all(keys: Keyspace, count: int) -> list[bytes]:
    """Return what a whole scan gives, in its order, checking the contract of each step."""
    found: list[bytes] = []
    cursor = 0
    while True:
        next_cursor, part = keys.scan(cursor, count)
        end = next_cursor or 1 << 53
        live = set(keys.keys())
        assert set(part) == {key for key in live if cursor <= scan_position(key) < end}
        assert len(part) >= count or not next_cursor
        assert cursor < end
        found += part
        if not next_cursor:
            return found
        cursor = next_cursor


def test_an_empty_database_is_scanned_in_one_step() -> None:
    """Clients loop until the cursor is 0."""
    keys, _ = new_keyspace()
    assert keys.scan(0, 10) == (0, [])


def test_positions_are_the_same_for_ever() -> None:
    """Nodes of different releases merge their scans by them: slot << 32 | CRC-32."""
    # The slot is that of Redis' cluster specification, the CRC-32 the check value of its standard.
    assert scan_position(b"123456789") == 0x31C3 << 32 | 0xCBF43926


@given(st.sets(st.sampled_from(NAMES)), st.integers(1, 100))
def test_a_scan_without_writes_gives_every_key_once(names: set[bytes], count: int) -> None:
    """Whatever COUNT says."""
    keys, _ = new_keyspace()
    for name in names:
        keys.set(name, b"v")
    found = scan_all(keys, count)
    assert sorted(found) == sorted(names)


def test_a_slot_with_many_keys_is_given_in_parts() -> None:
    """One hash tag over all keys must not turn SCAN into KEYS, nor into a step per ten keys."""
    keys, _ = new_keyspace()
    names = [b"{tag}%d" % number for number in range(2000)]
    for name in names:
        keys.set(name, b"v")
    _, part = keys.scan(0, 10)
    assert 10 <= len(part) <= 40
    assert sorted(scan_all(keys, 10)) == sorted(names)


def test_keys_of_equal_position_stay_together() -> None:
    """A cursor between them does not exist."""
    # 'plumless' and 'buckeroo' have the same CRC-32; the tag gives them the same slot. CRC being
    # linear, equal beginnings keep the collision.
    twins = [b"{t}plumless", b"{t}buckeroo"]
    assert scan_position(twins[0]) == scan_position(twins[1])
    keys, _ = new_keyspace()
    for name in [*twins, *(b"{t}%d" % number for number in range(20))]:
        keys.set(name, b"v")
    assert len(scan_all(keys, 1)) == 22


def test_more_than_a_thousand_slots_are_walked_in_order() -> None:
    """Few slots are sorted, many are walked; both must give ascending positions."""
    keys, _ = new_keyspace()
    names = [b"key%d" % number for number in range(3000)]
    for name in names:
        keys.set(name, b"v")
    found = scan_all(keys, 700)
    assert sorted(found) == sorted(names)
    slots = [scan_position(key) >> 32 for key in found]
    assert slots == sorted(slots)


def test_any_cursor_is_accepted() -> None:
    """Clients may send what they like; the answer is what lies there, or the end."""
    keys, _ = new_keyspace()
    keys.set(b"k", b"v")
    position = scan_position(b"k")
    assert keys.scan(position, 10) == (0, [b"k"])
    assert keys.scan(position + 1, 10) == (0, [])
    assert keys.scan(1 << 63, 10) == (0, [])


def test_expired_keys_are_passed_over() -> None:
    """They do not exist, and must not fill the count either."""
    keys, clock = new_keyspace()
    for name in NAMES:
        keys.set(name, b"v", clock.now_ms())
    keys.set(b"stays", b"v")
    clock.advance(1)
    assert keys.scan(0, 1)[1] == [b"stays"]
    assert scan_all(keys, 1) == [b"stays"]


Write = tuple[bool, bytes]


@settings(max_examples=200)
@given(
    st.sets(st.sampled_from(NAMES), min_size=1),
    st.lists(st.lists(st.tuples(st.booleans(), st.sampled_from(NAMES)), max_size=10), max_size=40),
    st.integers(1, 10),
)
def test_a_key_present_all_the_time_is_found_whatever_others_do(
    stable: set[bytes], writes: list[list[Write]], count: int
) -> None:
    """The guarantee of SCAN: deletions and insertions between the steps hide nobody."""
    keys, _ = new_keyspace()
    for name in stable:
        keys.set(name, b"v")
    found: list[bytes] = []
    cursor, step = 0, 0
    while True:
        for is_set, name in writes[step] if step < len(writes) else ():
            if name in stable:
                continue
            if is_set:
                keys.set(name, b"v")
            else:
                keys.delete(name)
        cursor, part = keys.scan(cursor, count)
        found += part
        step += 1
        if not cursor:
            break
    assert stable <= set(found)
    assert len(found) == len(set(found))


def test_the_scans_of_several_nodes_merge_by_their_cursors() -> None:
    """A gateway asks all owners, and keeps what lies before the least of their cursors."""
    parts = [new_store(seed=seed)[0].databases[0] for seed in range(3)]
    names = [b"key%d" % number for number in range(500)]
    for number, name in enumerate(names):
        parts[number % 3].set(name, b"v")
    found: list[bytes] = []
    cursor = 0
    while True:
        steps = [keys.scan(cursor, 20) for keys in parts]
        end = min(next_cursor or 1 << 53 for next_cursor, _ in steps)
        found += [key for _, part in steps for key in part if scan_position(key) < end]
        if end == 1 << 53:
            break
        cursor = end
    assert sorted(found) == sorted(names)

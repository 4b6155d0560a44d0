"""The data of the slots that a node has, as the cluster protocol wants it.

The problem. A node has slots that clients see, since it is their primary; others of which it keeps
a backup; and copies that are still on their way to it. A scan, DBSIZE or an eviction must meet the
first alone. And a node can become the primary of thousands of slots in one event, which must not
take as long as moving all their keys.

The idea. There are two stores: *store* has what clients see, *aside* all the rest. What lies aside
is neither evicted nor expired; the primary says what goes. A slot is brought in when a command asks
for it, or in slices in between (`bring_some`), and is put aside when another member leads it. What
lies aside counts for the limit of the node: clients have what it leaves (`Store.reserved_bytes`).

A copy that has arrived already lies where a backup is to be, so adopting it moves nothing.

What members tell each other is in `slot_content.py`. All of it says how things stand, not what was
done, so that it may come twice.

Limits. A slot is moved in one go: O(keys), and twice the memory of its values meanwhile. SWAPDB
exchanges the databases of *store* only, so there must be none `waiting` then. The blocks held for
other members (`Store.held`) follow no slot.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from .slot_content import (
    Change,
    Entry,
    Flush,
    Swap,
    pack_changes,
    pack_chunks,
    pack_entry,
    unpack_changes,
    unpack_chunk,
    unpack_entry,
)
from .store import BLOCKS, Keyspace, Policy, Retention, Store, Value

if TYPE_CHECKING:
    from .clock import Clock

UNLIMITED_BYTES: Final = 1 << 62
"""What is free where there is no limit."""

DEADLINE_MS_MAX: Final = (1 << 63) - 1
COUNTED_KEYS_MAX: Final = 1000  # with more keys, the size of a slot is estimated


class _Stored(NamedTuple):
    """A key with all that moves with it."""

    key: bytes
    value: Value | None  # None: its time is over
    deadline_ms: int | None
    retention: Retention


class Slots:
    """Implements `memcloud.protocol.state.SlotStore`; its docstrings hold.

    Invariants:

    1. A slot is in one of the two stores, never in both.
    2. A slot that waits to be brought in has keys aside.
    3. What lies aside is what ``store`` has reserved, after each call that changes it.
    """

    def __init__(self, store: Store, aside: Store, clock: Clock) -> None:
        """``aside`` is of the kind of ``store``, on the same clock, without limit or eviction."""
        self.waiting: dict[int, None] = {}  # slots to bring in, in order
        self._store = store
        self._aside = aside
        self._clock = clock
        self._staged: set[int] = set()
        self._inherited: set[int] = set()

    @property
    def used_bytes(self) -> int:
        """See `SlotStore`."""
        return self._store.used_bytes + self._aside.used_bytes

    @property
    def free_bytes(self) -> int:
        """See `SlotStore`. What clients have as cache makes way, so it counts as free."""
        store = self._store
        limit_bytes = store.effective_limit_bytes
        if not limit_bytes:
            return UNLIMITED_BYTES
        if limit_bytes == 1:  # what is reserved has left nothing
            return 0
        kept_bytes = store.used_bytes if store.policy is Policy.NOEVICTION else 0
        return max(0, limit_bytes - kept_bytes)

    # What clients see

    def lead(self, slot: int) -> None:
        """See `SlotStore`. Have `bring_some` bring the slot in if something of it lies aside."""
        if not self.is_in(slot):
            self.waiting[slot] = None

    def is_in(self, slot: int) -> bool:
        """See `SlotStore`: whether nothing of the slot lies aside."""
        return not self._aside.spaces_in_slot(slot)

    def bring_in(self, slot: int) -> int:
        """Let clients see the slot, which this node leads; return how many keys were moved.

        Those whose time is over are told in `Store.removed`: other members may have them too.
        """
        self.waiting.pop(slot, None)
        moved = 0
        for space in self._aside.spaces_in_slot(slot):
            moved += self._move(self._aside, self._store, space, slot)
        self._reserve()
        return moved

    def follow(self, slot: int) -> None:
        """See `SlotStore`. The slot is put aside."""
        self.waiting.pop(slot, None)
        for space in self._store.spaces_in_slot(slot):
            self._move(self._store, self._aside, space, slot)
        self._reserve()

    def bring_some(self, key_limit: int) -> list[int]:
        """Bring in slots that wait, until so many keys were moved; return those slots."""
        done: list[int] = []
        while self.waiting and (not done or key_limit > 0):
            slot = next(iter(self.waiting))
            key_limit -= self.bring_in(slot)
            done.append(slot)
        return done

    # What was changed here

    def effects_of(self, space: int, keys: Iterable[bytes]) -> bytes:
        """Return how things stand with some keys of one slot here, for `apply`."""
        now_ms = self._clock.now_ms()
        keyspace = _keyspace(self._store, space)
        return pack_changes(_entry(space, _stored(keyspace, key), now_ms) for key in keys)

    def effects_of_all(self, keys: Iterable[bytes]) -> bytes:
        """Return how things stand with some keys of one slot in all databases, for `apply`."""
        now_ms = self._clock.now_ms()
        return pack_changes(
            _entry(space, _stored(keyspace, key), now_ms)
            for key in keys
            for space, keyspace in enumerate(self._store.databases)
        )

    def flush_effects(self, databases: Iterable[int]) -> bytes:
        """Return that these databases were emptied, for `apply` to any slot."""
        return pack_changes([Flush(tuple(databases))])

    def swap_effects(self, a: int, b: int) -> bytes:
        """Return that two databases were exchanged, for `apply` to any slot."""
        return pack_changes([Swap(a, b)])

    # Copies that no client sees

    def apply(self, slot: int, effects: bytes, now_ms: int) -> None:
        """See `SlotStore`.

        Raises:
            ContentError: these are none.
        """
        if effects:
            for change in unpack_changes(effects, self._database_count):
                self._apply(slot, change, now_ms)
            self._keep_limit()

    def apply_staged(self, slot: int, effects: bytes, now_ms: int) -> None:
        """See `SlotStore`. Staged copies lie where backups do."""
        self.apply(slot, effects, now_ms)

    def snapshot(self, slot: int, now_ms: int) -> list[bytes]:
        """See `SlotStore`."""
        return pack_chunks(self._entries(slot, now_ms), is_inherited=slot in self._inherited)

    def stage(self, slot: int, chunk: bytes, now_ms: int) -> None:
        """See `SlotStore`.

        Raises:
            ContentError: this is none.
        """
        content = unpack_chunk(chunk, self._database_count)
        self._staged.add(slot)
        if content.is_inherited:
            self._inherited.add(slot)
        for entry in content.entries:
            _put(self._aside, entry, now_ms)
        self._keep_limit()

    def unstage(self, slot: int) -> None:
        """See `SlotStore`. A copy that was adopted is none of those any more, and stays."""
        if slot in self._staged:
            self.drop(slot)

    def adopt_staged(self, slot: int) -> None:
        """See `SlotStore`. The copy lies aside until it is brought in."""
        self._staged.discard(slot)

    def drop(self, slot: int) -> None:
        """See `SlotStore`."""
        self.waiting.pop(slot, None)
        self._staged.discard(slot)
        self._inherited.discard(slot)
        for store in (self._store, self._aside):
            if store.spaces_in_slot(slot):
                store.drop_slots((slot,))
        self._reserve()

    def size_bytes(self, slot: int) -> int:
        """See `SlotStore`. With very many keys it is an estimate."""
        return sum(
            _size_bytes(_keyspace(store, space), slot)
            for store in (self._store, self._aside)
            for space in store.spaces_in_slot(slot)
        )

    # Clusters that meet

    def mark_inherited(self, slots: Iterable[int]) -> None:
        """Note that what these slots have now may be from before the founding of this cluster."""
        for slot in slots:
            if self._store.spaces_in_slot(slot) or not self.is_in(slot):
                self._inherited.add(slot)

    def bequest(self, slot: int, since_ms: int, now_ms: int) -> list[bytes]:
        """See `SlotStore`.

        When a key was written is not known. So it is all of a slot that has started empty in this
        cluster, and nothing of one that was inherited.
        """
        return [] if slot in self._inherited else self.snapshot(slot, now_ms)

    def inherit(self, slot: int, chunk: bytes) -> list[bytes]:
        """See `SlotStore`.

        Raises:
            ContentError: this is no chunk.
        """
        return [pack_entry(entry) for entry in unpack_chunk(chunk, self._database_count).entries]

    def run(self, slot: int, command: bytes, now_ms: int) -> tuple[bytes, bytes]:
        """See `SlotStore`. There are no commands but those of `inherit`.

        The reply is ``b"0"`` too where there is no room for the key.

        Raises:
            ContentError: this is none.
        """
        entry = unpack_entry(command, self._database_count)
        self.bring_in(slot)
        if entry.key in _keyspace(self._store, entry.space) or not self._store.make_room():
            return b"0", b""
        _put(self._store, entry, now_ms)
        return b"1", self.effects_of(entry.space, [entry.key])

    # How it is done

    @property
    def _database_count(self) -> int:
        return len(self._store.databases)

    def _entries(self, slot: int, now_ms: int) -> Iterator[Entry]:
        for store in (self._store, self._aside):
            for space in store.spaces_in_slot(slot):
                keyspace = _keyspace(store, space)
                for key in keyspace.live_keys(slot):
                    entry = _entry(space, _stored(keyspace, key), now_ms)
                    if entry.value is not None:
                        yield entry

    def _apply(self, slot: int, change: Change, now_ms: int) -> None:
        databases = self._aside.databases
        match change:
            case Entry():
                _put(self._aside, change, now_ms)
            case Flush(numbers):
                for number in numbers:
                    databases[number].drop_slots((slot,))
            case Swap(a, b):
                of_a, of_b = _take(databases[a], slot), _take(databases[b], slot)
                _fill(databases[a], of_b)
                _fill(databases[b], of_a)

    def _move(self, source: Store, target: Store, space: int, slot: int) -> int:
        taken = _take(_keyspace(source, space), slot)
        _fill(_keyspace(target, space), taken)
        if target.removed is not None:
            target.removed.extend((space, each.key) for each in taken if each.value is None)
        return len(taken)

    def _reserve(self) -> None:
        # The native store works out its limit anew at each assignment.
        if self._store.reserved_bytes != self._aside.used_bytes:
            self._store.reserved_bytes = self._aside.used_bytes

    def _keep_limit(self) -> None:
        self._reserve()
        self._store.make_room()


def _keyspace(store: Store, space: int) -> Keyspace:
    return store.blocks if space == BLOCKS else store.databases[space]


def _stored(keyspace: Keyspace, key: bytes) -> _Stored:
    # The value last. A key whose time ends between these calls must look gone, not without an end.
    deadline_ms = keyspace.deadline_ms(key)
    retention = keyspace.retention(key) or Retention.BY_POLICY
    return _Stored(key, keyspace.peek(key), deadline_ms, retention)


def _take(keyspace: Keyspace, slot: int) -> list[_Stored]:
    """Remove a slot and return what it had, those included whose time is over."""
    keys = keyspace.keys_in_slot(slot, keyspace.count_in_slot(slot))
    taken = [_stored(keyspace, key) for key in keys]
    keyspace.drop_slots((slot,))
    return taken


def _fill(keyspace: Keyspace, taken: Iterable[_Stored]) -> None:
    for key, value, deadline_ms, retention in taken:
        if value is not None:
            keyspace.set(key, value, deadline_ms, retention)


def _entry(space: int, stored: _Stored, now_ms: int) -> Entry:
    key, value, deadline_ms, retention = stored
    if value is None:
        return Entry(space, key)
    remaining_ms = None if deadline_ms is None else max(0, deadline_ms - now_ms)
    return Entry(space, key, value, remaining_ms, retention)


def _put(store: Store, entry: Entry, now_ms: int) -> None:
    keyspace = _keyspace(store, entry.space)
    if entry.value is None:
        keyspace.delete(entry.key)
        return
    deadline_ms = None
    if entry.remaining_ms is not None:
        deadline_ms = min(now_ms + entry.remaining_ms, DEADLINE_MS_MAX)
    keyspace.set(entry.key, entry.value, deadline_ms, entry.retention)


def _size_bytes(keyspace: Keyspace, slot: int) -> int:
    count = keyspace.count_in_slot(slot)
    if count > COUNTED_KEYS_MAX:
        return count * keyspace.used_bytes // len(keyspace)
    return sum(keyspace.size_bytes(key) or 0 for key in keyspace.keys_in_slot(slot, count))

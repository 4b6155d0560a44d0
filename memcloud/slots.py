"""The data of the slots that this node holds, as the cluster protocol wants it (`SlotStore`).

There are two stores. ``store`` has the slots that this node leads: what clients see. ``aside`` has
copies that no client sees: the slots of which this node is a backup, and those that are on their
way to it. Nothing is evicted there. A slot that this node becomes the primary of is brought in when
a command asks for it, or in slices in between, so that no event takes long.

What is sent to other members is msgpack:

    effects  = [entry*] | ["flush", database*] | ["swap", database, database]
    chunk    = [is_inherited, entry*]
    entry    = [space, key, value, remaining, retention]

``space`` is the number of a database, or `BLOCKS`; ``value`` is nil for a key that is not there, a
list with the name of the holder for a pointer; ``remaining`` is the time to live in ms, or nil.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgpack

from .store import BLOCKS, BlockPointer, Keyspace, Policy, Retention, Store

if TYPE_CHECKING:
    from .clock import Clock

CHUNK_BYTES: Final = 256 * 1024
COUNTED_KEYS_MAX: Final = 1000
UNLIMITED_BYTES: Final = 1 << 62

Entry = list[Any]
_RETENTIONS: Final = list(Retention)


class Slots:
    """See `SlotStore`."""

    def __init__(self, store: Store, aside: Store, clock: Clock) -> None:
        self._clock = clock
        self._store = store
        self._aside = aside
        self._inherited: set[int] = set()
        self._staged: set[int] = set()
        # Slots that this node leads and that are to be brought in, in order.
        self.waiting: dict[int, None] = {}

    @property
    def used_bytes(self) -> int:
        """See `SlotStore`."""
        return self._store.used_bytes + self._aside.used_bytes

    @property
    def free_bytes(self) -> int:
        """What more may be held; what clients have as cache makes way for it."""
        store = self._store
        limit_bytes = store.limit_bytes
        if not limit_bytes:
            return UNLIMITED_BYTES
        is_evicting = store.policy is not Policy.NOEVICTION
        used_bytes = self._aside.used_bytes if is_evicting else self.used_bytes
        return max(0, limit_bytes - used_bytes)

    # What clients see

    def lead(self, slot: int) -> None:
        """See `SlotStore`."""
        if self._has_aside(slot):
            self.waiting[slot] = None

    def follow(self, slot: int) -> None:
        """See `SlotStore`."""
        self.waiting.pop(slot, None)
        for space in self._occupied(self._store, slot):
            self._transfer(
                self._keyspace(self._store, space), self._keyspace(self._aside, space), slot
            )
        self._account()

    def is_in(self, slot: int) -> bool:
        """See `SlotStore`."""
        return slot not in self.waiting

    def bring_in(self, slot: int) -> int:
        """Let clients see all of a slot; return how many keys were moved for that."""
        self.waiting.pop(slot, None)
        moved = 0
        for space in self._occupied(self._aside, slot):
            moved += self._transfer(
                self._keyspace(self._aside, space), self._keyspace(self._store, space), slot
            )
        self._account()
        return moved

    def bring_some(self, limit: int) -> list[int]:
        """Bring slots in until that many keys were moved; return those slots."""
        done = []
        while self.waiting and limit > 0:
            slot = next(iter(self.waiting))
            limit -= self.bring_in(slot) or 1
            done.append(slot)
        return done

    # What was changed here

    def effects_of(self, space: int, keys: Iterable[bytes]) -> bytes:
        """Return how things stand with some keys of a slot, for `apply`."""
        keyspace = self._keyspace(self._store, space)
        return _pack([self._entry(keyspace, space, key) for key in keys])

    def effects_of_all(self, keys: Sequence[bytes]) -> bytes:
        """Return the same for all databases."""
        return _pack(
            [
                self._entry(keyspace, space, key)
                for space, keyspace in enumerate(self._store.databases)
                for key in keys
            ]
        )

    def flush_effects(self, databases: Iterable[int]) -> bytes:
        """Return that these databases were emptied."""
        return _pack(["flush", *databases])

    def swap_effects(self, a: int, b: int) -> bytes:
        """Return that two databases were exchanged."""
        return _pack(["swap", a, b])

    # Copies that no client sees

    def apply(self, slot: int, effects: bytes, now_ms: int) -> None:
        """See `SlotStore`."""
        content: list[Any] = msgpack.unpackb(effects, use_list=True)
        match content:
            case ["flush", *databases]:
                for database in databases:
                    self._aside.databases[database].drop_slots([slot])
            case ["swap", a, b]:
                self._swap(slot, a, b, now_ms)
            case _:
                for entry in content:
                    self._put(self._aside, entry, now_ms)
        self._account()

    apply_staged = apply

    def snapshot(self, slot: int, now_ms: int) -> list[bytes]:
        """See `SlotStore`."""
        store = self._aside if slot in self.waiting else self._store
        chunks: list[bytes] = []
        entries: list[Entry] = []
        size_bytes = 0
        for entry in self._entries(store, slot):
            entries.append(entry)
            size_bytes += len(entry[1]) + len(entry[2] or b"")
            if size_bytes >= CHUNK_BYTES:
                chunks.append(_pack([slot in self._inherited, *entries]))
                entries, size_bytes = [], 0
        if entries or slot in self._inherited:
            chunks.append(_pack([slot in self._inherited, *entries]))
        return chunks

    def stage(self, slot: int, chunk: bytes, now_ms: int) -> None:
        """See `SlotStore`."""
        self._staged.add(slot)
        if not chunk:
            return
        is_inherited, *entries = msgpack.unpackb(chunk, use_list=True)
        if is_inherited:
            self._inherited.add(slot)
        for entry in entries:
            self._put(self._aside, entry, now_ms)
        self._account()

    def unstage(self, slot: int) -> None:
        """See `SlotStore`."""
        if slot in self._staged:
            self._staged.discard(slot)
            self._inherited.discard(slot)
            self._aside.drop_slots([slot])
            self._account()

    def adopt_staged(self, slot: int) -> None:
        """See `SlotStore`. It is where it is to be until it is brought in."""
        self._staged.discard(slot)

    def drop(self, slot: int) -> None:
        """See `SlotStore`."""
        self.waiting.pop(slot, None)
        self._inherited.discard(slot)
        self._staged.discard(slot)
        self._store.drop_slots([slot])
        self._aside.drop_slots([slot])
        self._account()

    def size_bytes(self, slot: int) -> int:
        """See `SlotStore`; an estimate where there are many keys."""
        store = self._aside if slot in self.waiting else self._store
        total = 0
        for space in self._occupied(store, slot):
            keyspace = self._keyspace(store, space)
            count = keyspace.count_in_slot(slot)
            if count > COUNTED_KEYS_MAX:
                total += count * keyspace.used_bytes // len(keyspace)
            else:
                keys = keyspace.keys_in_slot(slot, count)
                total += sum(keyspace.size_bytes(key) or 0 for key in keys)
        return total

    # Clusters that meet

    def mark_inherited(self, slots: Iterable[int]) -> None:
        """Note that what is in these slots may be from before the founding of this cluster."""
        for slot in slots:
            if self._occupied(self._store, slot) or self._occupied(self._aside, slot):
                self._inherited.add(slot)

    def bequest(self, slot: int, since_ms: int, now_ms: int) -> list[bytes]:
        """See `SlotStore`.

        Which keys were written since then is not known, so it is all of a slot that has started
        empty in this cluster, and nothing of one that was inherited.
        """
        return [] if slot in self._inherited else self.snapshot(slot, now_ms)

    def inherit(self, slot: int, chunk: bytes) -> list[bytes]:
        """See `SlotStore`."""
        _, *entries = msgpack.unpackb(chunk, use_list=True)
        return [_pack(entry) for entry in entries]

    def run(self, slot: int, command: bytes, now_ms: int) -> tuple[bytes, bytes]:
        """Set a key if it is absent, as `inherit` says."""
        if not self.is_in(slot):
            self.bring_in(slot)
        entry = msgpack.unpackb(command, use_list=True)
        if entry[1] in self._keyspace(self._store, entry[0]):
            return b"0", b""
        self._store.make_room()
        self._put(self._store, entry, now_ms)
        return b"1", _pack([entry])

    # How it is done

    @staticmethod
    def _keyspace(store: Store, space: int) -> Keyspace:
        return store.blocks if space == BLOCKS else store.databases[space]

    def _occupied(self, store: Store, slot: int) -> list[int]:
        """Return the spaces that have keys of a slot."""
        if not store.used_bytes:
            return []
        found = [
            number
            for number, keyspace in enumerate(store.databases)
            if len(keyspace) and keyspace.count_in_slot(slot)
        ]
        if store.blocks.count_in_slot(slot):
            found.append(BLOCKS)
        return found

    def _has_aside(self, slot: int) -> bool:
        return bool(self._occupied(self._aside, slot))

    def _entries(self, store: Store, slot: int) -> Iterator[Entry]:
        for space in self._occupied(store, slot):
            keyspace = self._keyspace(store, space)
            for key in keyspace.live_keys(slot):
                yield self._entry(keyspace, space, key)

    def _entry(self, keyspace: Keyspace, space: int, key: bytes) -> Entry:
        value = keyspace.peek(key)
        if value is None:
            return [space, key, None, None, 0]
        deadline_ms = keyspace.deadline_ms(key)
        retention = _RETENTIONS.index(keyspace.retention(key) or Retention.BY_POLICY)
        shown = [value.holder] if isinstance(value, BlockPointer) else value
        remaining_ms = None if deadline_ms is None else max(0, deadline_ms - self._clock.now_ms())
        return [space, key, shown, remaining_ms, retention]

    def _put(self, store: Store, entry: Entry, now_ms: int) -> None:
        space, key, shown, remaining_ms, retention = entry
        keyspace = self._keyspace(store, space)
        if shown is None:
            keyspace.delete(key)
            return
        value = BlockPointer(shown[0]) if isinstance(shown, list) else shown
        deadline_ms = None if remaining_ms is None else now_ms + remaining_ms
        keyspace.set(key, value, deadline_ms, _RETENTIONS[retention])

    def _transfer(self, source: Keyspace, target: Keyspace, slot: int) -> int:
        keys = source.live_keys(slot)
        for key in keys:
            value = source.peek(key)
            if value is None:
                continue
            retention = source.retention(key) or Retention.BY_POLICY
            target.set(key, value, source.deadline_ms(key), retention)
        source.drop_slots([slot])
        return len(keys)

    def _swap(self, slot: int, a: int, b: int, now_ms: int) -> None:
        one, other = self._aside.databases[a], self._aside.databases[b]
        for_other = [self._entry(one, b, key) for key in one.live_keys(slot)]
        for_one = [self._entry(other, a, key) for key in other.live_keys(slot)]
        one.drop_slots([slot])
        other.drop_slots([slot])
        for entry in for_one + for_other:
            self._put(self._aside, entry, now_ms)

    def _account(self) -> None:
        """Let what lies aside count for the limit of the store."""
        if self._store.reserved_bytes != self._aside.used_bytes:
            self._store.reserved_bytes = self._aside.used_bytes
            self._store.make_room()  # what cannot be kept for now is, with the next write


def _pack(content: object) -> bytes:
    packed: bytes = msgpack.packb(content)
    return packed

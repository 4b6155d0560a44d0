"""One database: keys with values, deadlines and times of access, kept by slot.

An entry is found twice: in the dict of its slot, by key, since a slot is what is flushed, dropped
and moved as a whole; and in one list of all entries, by place, so that a random entry costs O(1)
and is uniform even if a hash tag has put a million keys into one slot. Removal fills the gap in
the list with the last entry. Slots without keys do not exist.

An entry is live up to and including its deadline, as in Redis (`keyIsExpired` in db.c asks for
now > when), and gone one millisecond later. Every method sees live entries only, and removes an
expired one that it meets, except where its docstring says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Final

from memcloud.ring import SLOTS, key_slot

from .entry import Entry, Retention
from .scanning import scan_step
from .sizes import DEADLINE_BYTES
from .values import TYPE_NAMES, Value

if TYPE_CHECKING:
    from memcloud.chance import Random
    from memcloud.clock import Clock

    from .eviction import Eviction
    from .expiry import Expiry
    from .sizes import Account

# With fewer occupied slots than this, sorting their numbers beats asking for each of the 16384.
_SORTED_SLOTS_MAX: Final = 1024


class Keyspace:
    """The keys of one database, or of the blocks. Times are milliseconds of the clock."""

    def __init__(
        self,
        clock: Clock,
        random: Random,
        account: Account,
        expiry: Expiry,
        eviction: Eviction,
        retention: Retention = Retention.BY_POLICY,
    ) -> None:
        self._now_ms = clock.now_ms
        self._random = random
        self._account = account
        self._expiry = expiry
        self._eviction = eviction
        self._retention = retention  # of entries that ask for none
        self.number = expiry.register(self)
        self.index = 0  # among the databases now, or what stands for the blocks and the like
        eviction.register(self)
        self._slots: dict[int, dict[bytes, Entry]] = {}
        self._entries: list[Entry] = []
        self._used_bytes = 0
        self._expiring_count = 0
        self._deadline_sum_ms = 0

    # Values

    def get(self, key: bytes) -> Value | None:
        """Return the value, counting a hit or a miss and noting the access."""
        # The hot path: `_live` is written out here.
        table = self._slots.get(key_slot(key))
        entry = None if table is None else table.get(key)
        if entry is not None:
            now_ms = self._now_ms()
            if entry.deadline_ms is None or now_ms <= entry.deadline_ms:
                note_access = self._eviction.note_access
                if note_access is not None:
                    note_access(entry, now_ms)
                entry.accessed_ms = now_ms
                self._account.hits += 1
                return entry.value
            self.expire(key)
        self._account.misses += 1
        return None

    def peek(self, key: bytes) -> Value | None:
        """Return the value, leaving statistics and time of access alone."""
        entry = self._live(key)
        return None if entry is None else entry.value

    def set(
        self,
        key: bytes,
        value: Value,
        deadline_ms: int | None = None,
        retention: Retention = Retention.BY_POLICY,
    ) -> None:
        """Let the key have this value, deadline and retention, whatever it had before."""
        slot = key_slot(key)
        table = self._slots.get(slot)
        entry = None if table is None else table.get(key)
        now_ms = self._now_ms()
        if retention is Retention.BY_POLICY:
            retention = self._retention
        if entry is not None and not entry.is_live(now_ms):
            self.expire(key)
            entry = None
        if entry is None:
            entry = self._insert(slot, key, value, now_ms, retention)
        else:
            self._note_access(entry)
            self._put_value(entry, value)
            if retention is not entry.retention:
                entry.retention = retention
                self._eviction.update(entry)
        if deadline_ms != entry.deadline_ms:
            self._put_deadline(entry, deadline_ms)

    def replace(self, key: bytes, value: Value) -> None:
        """Let the key have this value and keep deadline and retention; a new key gets none."""
        entry = self._live(key)
        if entry is None:
            self._insert(key_slot(key), key, value, self._now_ms(), self._retention)
        else:
            self._note_access(entry)
            self._put_value(entry, value)

    def delete(self, key: bytes) -> bool:
        """Remove the key; return whether it was there."""
        entry = self._live(key)
        if entry is None:
            return False
        self._remove(entry)
        return True

    def rename(self, old: bytes, new: bytes) -> None:
        """Give value, deadline and retention of ``old``, which must exist, to ``new``.

        So are the notes of its accesses.
        """
        entry = self._live(old)
        assert entry is not None, "rename needs a key that exists"
        if old == new:
            return
        self._remove(entry)
        self.delete(new)
        renamed = self._insert(key_slot(new), new, entry.value, entry.accessed_ms, entry.retention)
        renamed.counter = entry.counter
        if entry.deadline_ms is not None:
            self._put_deadline(renamed, entry.deadline_ms)

    # Facts about one key

    def __contains__(self, key: bytes) -> bool:
        return self._live(key) is not None

    def touch(self, key: bytes) -> bool:
        """Do what `get` does to statistics and time of access; return whether the key exists."""
        return self.get(key) is not None

    def idle_ms(self, key: bytes) -> int | None:
        """Return the milliseconds since the last access."""
        entry = self._live(key)
        return None if entry is None else self._now_ms() - entry.accessed_ms

    def frequency(self, key: bytes) -> int | None:
        """Return the counter of accesses, which means something under an LFU policy only."""
        entry = self._live(key)
        return None if entry is None else self._eviction.frequency(entry)

    def retention(self, key: bytes) -> Retention | None:
        """Return what was asked for about evicting the key."""
        entry = self._live(key)
        return None if entry is None else entry.retention

    def size_bytes(self, key: bytes) -> int | None:
        """Return what the entry is accounted for."""
        entry = self._live(key)
        return None if entry is None else entry.size_bytes

    def type_name(self, key: bytes) -> str | None:
        """Return what TYPE calls the value."""
        entry = self._live(key)
        return None if entry is None else TYPE_NAMES[type(entry.value)]

    # Deadlines

    def deadline_ms(self, key: bytes) -> int | None:
        """Return the last millisecond of the key; None if it has no deadline or does not exist."""
        entry = self._live(key)
        return None if entry is None else entry.deadline_ms

    def set_deadline(self, key: bytes, deadline_ms: int | None) -> bool:
        """Set or (None) lift the deadline; return whether the key exists.

        A deadline that has passed is legal: the key is gone at the next look.
        """
        entry = self._live(key)
        if entry is None:
            return False
        if deadline_ms != entry.deadline_ms:
            self._put_deadline(entry, deadline_ms)
        return True

    def expiring_count(self) -> int:
        """Return the number of entries with a deadline, expired ones not yet removed included."""
        return self._expiring_count

    def average_ttl_ms(self) -> int:
        """Return the mean time to live of the entries with a deadline; 0 without any."""
        if not self._expiring_count:
            return 0
        return max(0, self._deadline_sum_ms // self._expiring_count - self._now_ms())

    # Many keys

    def __len__(self) -> int:
        """Return the number of entries, expired ones not yet removed included, as Redis does."""
        return len(self._entries)

    @property
    def used_bytes(self) -> int:
        """What the entries are accounted for together."""
        return self._used_bytes

    def keys(self) -> Iterator[bytes]:
        """Iterate over the live keys, in no particular order. No writes until it is done."""
        now_ms = self._now_ms()
        return (entry.key for entry in self._entries if entry.is_live(now_ms))

    def random_key(self) -> bytes | None:
        """Return a key, each with the same chance; None if there is none."""
        while self._entries:
            entry = self._entries[self._random.randrange(len(self._entries))]
            if entry.is_live(self._now_ms()):
                return entry.key
            self.expire(entry.key)
        return None

    def scan(self, cursor: int, count: int) -> tuple[int, list[bytes]]:
        """Return the next cursor (0: finished) and the keys at positions from here to there.

        See `scan_step`; ``count`` is at least 1. Expired keys are passed over, not removed.
        """
        return scan_step(self, cursor, count)

    # Slots

    def occupied(self, first: int) -> Iterable[int]:
        """Return the slots with keys from ``first`` on, ascending: at most 16384 looks."""
        if len(self._slots) < _SORTED_SLOTS_MAX:
            return sorted(slot for slot in self._slots if slot >= first)
        return (slot for slot in range(first, SLOTS) if slot in self._slots)

    def live_keys(self, slot: int) -> list[bytes]:
        """Return the keys of the slot whose time is not over."""
        now_ms = self._now_ms()
        entries = self._slots.get(slot, {})
        return [key for key, entry in entries.items() if entry.is_live(now_ms)]

    def count_in_slot(self, slot: int) -> int:
        """Return the number of entries in the slot, expired ones not yet removed included."""
        return len(self._slots.get(slot, ()))

    def keys_in_slot(self, slot: int, count: int) -> list[bytes]:
        """Return up to ``count`` keys of the slot, expired ones not yet removed included."""
        return list(islice(self._slots.get(slot, ()), count))

    def drop_slots(self, slots: Iterable[int]) -> int:
        """Remove all keys of these slots; return how many. O(keys removed)."""
        before = len(self._entries)
        for slot in slots:
            for entry in list(self._slots.get(slot, {}).values()):
                self._remove(entry)
        self._expiry.maybe_rebuild()
        return before - len(self._entries)

    def flush(self) -> int:
        """Remove all keys; return how many there were. Freeing them is O(keys)."""
        removed = len(self._entries)
        self._eviction.remove_all(self._entries)
        self._slots = {}
        self._entries = []
        self._charge(-self._used_bytes)
        self._expiry.current_count -= self._expiring_count
        self._expiring_count = 0
        self._deadline_sum_ms = 0
        self._expiry.maybe_rebuild()
        return removed

    # For expiry and eviction

    def entry_at(self, place: int) -> Entry:
        """Return an entry by its place, from 0 to below the length; read it only."""
        return self._entries[place]

    def stored_deadline_ms(self, key: bytes) -> int | None:
        """Return the deadline of the key even if it has passed."""
        entry = self._find(key)
        return None if entry is None else entry.deadline_ms

    def entries(self) -> Iterator[Entry]:
        """Iterate over all entries, expired ones included; read them only."""
        return iter(self._entries)

    def stored_entry(self, key: bytes) -> Entry | None:
        """Return the entry of the key even if its deadline has passed; read it only."""
        return self._find(key)

    def access_notes(self, key: bytes) -> tuple[int, int] | None:
        """Return what an access to the key would change, for `restore_access`."""
        entry = self._find(key)
        return None if entry is None else (entry.accessed_ms, entry.counter)

    def restore_access(self, key: bytes, notes: tuple[int, int]) -> None:
        """Put what accesses to a key have changed, if it is there, back to what it was."""
        entry = self._find(key)
        if entry is not None:
            entry.accessed_ms, entry.counter = notes

    def expire(self, key: bytes) -> None:
        """Remove a key, which must be there, because its time is over."""
        self._account.expired_keys += 1
        self._note_removed(key)
        self._remove(self._slots[key_slot(key)][key])

    def evict(self, entry: Entry) -> None:
        """Remove an entry of this keyspace to make room."""
        self._account.evicted_keys += 1
        self._note_removed(entry.key)
        self._remove(entry)

    # How it is done

    def _find(self, key: bytes) -> Entry | None:
        table = self._slots.get(key_slot(key))
        return None if table is None else table.get(key)

    def _live(self, key: bytes) -> Entry | None:
        entry = self._find(key)
        if entry is None or entry.is_live(self._now_ms()):
            return entry
        self.expire(key)
        return None

    def _insert(
        self, slot: int, key: bytes, value: Value, accessed_ms: int, retention: Retention
    ) -> Entry:
        entry = Entry(self, key, value, accessed_ms, retention)
        entry.place = len(self._entries)
        entry.counter = self._eviction.initial_counter
        table = self._slots.get(slot)
        if table is None:
            self._slots[slot] = {key: entry}
        else:
            table[key] = entry
        self._entries.append(entry)
        self._charge(entry.size_bytes)
        self._eviction.update(entry)
        return entry

    def _note_removed(self, key: bytes) -> None:
        if self._account.removed is not None:
            self._account.removed.append((self.index, key))

    def _note_access(self, entry: Entry) -> None:
        now_ms = self._now_ms()
        note_access = self._eviction.note_access
        if note_access is not None:
            note_access(entry, now_ms)
        entry.accessed_ms = now_ms

    def _remove(self, entry: Entry) -> None:
        if entry.is_tracked:
            self._eviction.remove(entry)
        slot = key_slot(entry.key)
        table = self._slots[slot]
        del table[entry.key]
        if not table:
            del self._slots[slot]
        last = self._entries.pop()
        if last is not entry:
            self._entries[entry.place] = last
            last.place = entry.place
        self._charge(-entry.size_bytes)
        if entry.deadline_ms is not None:
            self._count_deadline(-1, -entry.deadline_ms)

    def _put_value(self, entry: Entry, value: Value) -> None:
        growth_bytes = len(value) - len(entry.value)
        entry.value = value
        if growth_bytes:
            self._grow(entry, growth_bytes)

    def _put_deadline(self, entry: Entry, deadline_ms: int | None) -> None:
        before_ms, entry.deadline_ms = entry.deadline_ms, deadline_ms
        if before_ms is not None:
            self._count_deadline(-1, -before_ms)
            self._grow(entry, -DEADLINE_BYTES)
        if deadline_ms is not None:
            self._count_deadline(1, deadline_ms)
            self._grow(entry, DEADLINE_BYTES)
            self._expiry.push(deadline_ms, self.number, entry.key)
        self._eviction.update(entry)

    def _grow(self, entry: Entry, growth_bytes: int) -> None:
        self._charge(growth_bytes)
        if entry.is_tracked:
            self._eviction.resize(entry, growth_bytes)

    def _count_deadline(self, count: int, sum_ms: int) -> None:
        self._expiring_count += count
        self._deadline_sum_ms += sum_ms
        self._expiry.current_count += count

    def _charge(self, size_bytes: int) -> None:
        self._used_bytes += size_bytes
        self._account.charge(size_bytes)

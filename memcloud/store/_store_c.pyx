"""The store in native form: the same classes as in keyspace.py and store.py, which say what holds.

How the data lies stands in _structs.pxd. Where it differs from the readable store:

- Times of access are kept to 16 ms, so an idle time can be too long by as much.
- An entry is accounted for what it takes here: 22 bytes and its lengths, 20 more for a deadline,
  80 more for a value above 16 KiB, which lies outside; rounded up to four.
- Chance comes from a generator of its own, which is seeded from the one handed in.
- Keys past their deadline go in the order of their slots, not of their deadlines.
- The policies that rank take the lowest of ten entries drawn, and keep no candidates. Under
  volatile-* those without a deadline that were stored as cache go after the others.
- S3-FIFO has its queues per database; which database loses a key is drawn by their shares of keys.
- A switch of the policy leaves the counters of accesses as they are, and is O(segments).
- What a flush or a deletion leaves is freed by `tidy`, a piece at a time.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc, qsort, realloc
from libc.string cimport memset
from posix.time cimport clock_gettime, timespec

from ._cleaning cimport clean_some, collect_garbage, is_dirty
from ._ghosts cimport ghosts_forget
from ._entries cimport (
    accounted_bytes,
    deadline_of,
    is_live,
    key_of,
    object_of,
    put_deadline,
    value_of,
)
from ._eviction cimport random_entry, space_evict, space_join_logs, tracked_count
from ._hashing cimport crc32_of, fill_crc16, fill_crc32
from ._packing cimport pack_some
from ._segments cimport REGION_BYTES, munmap, open_bytes, purge_free
from ._spaces cimport (
    NEVER_MS,
    Content,
    Place,
    accessed_ms,
    count_deadline_again,
    decayed,
    note_access,
    note_removed,
    random_below,
    space_clear_slot,
    space_find,
    space_find_live,
    space_insert,
    space_remove,
    space_replace,
)
from ._structs cimport (
    ALL_MAY_GO,
    BY_CHANCE,
    BY_DEADLINE,
    BY_LFU,
    BY_LRU,
    BY_S3FIFO,
    CACHE,
    DEAD,
    DEADLINE,
    GROUPS,
    INLINE_BYTES_MAX,
    LOGS,
    NONE_MAY_GO,
    OBJECT,
    PINNED,
    SEGMENT_BYTES,
    SLOTS,
    VOLATILE_MAY_GO,
    Directory,
    Entry,
    Garbage,
    Log,
    Segment,
    Space,
    State,
    Table,
)
from ._tables cimport due_pop, entry_in, find_due, slot_next, table_for

from memcloud.clock import CLOCK_ID, SystemClock

from .entry import Retention
from .lfu import LfuTuning
from .policy import Policy
from .store import BLOCKS, HELD
from .values import TYPE_NAMES

fill_crc16()
fill_crc32()

cdef enum:
    OBJECT_OVERHEAD_BYTES = 64  # of the header of an object, and of what its allocator rounds up
    TIDY_STEPS = 6
    # Of cursors; see scanning.py
    HASH_BITS = 32
    PARTS_PER_SLOT_MAX = 64
    ALL_KEYS = 0x7FFFFFFF

cdef struct Scanned:
    uint32_t hash
    Entry* entry


cdef int by_hash(const void* a, const void* b) noexcept nogil:
    cdef uint32_t one = (<const Scanned*>a).hash
    cdef uint32_t other = (<const Scanned*>b).hash
    return (one > other) - (one < other)


cdef dict FLAGS_OF = {Retention.BY_POLICY: 0, Retention.PINNED: PINNED, Retention.CACHE: CACHE}


cdef class Shared:
    """What the keyspaces of one store share. It must outlive them, so they hold on to it."""

    def __cinit__(self, clock, random, int keyspaces):
        memset(&self.state, 0, sizeof(State))
        self.state.logs = <Log**>calloc(keyspaces * LOGS, sizeof(Log*))
        if self.state.logs == NULL:
            raise MemoryError("no memory for a store")
        self.state.secret_0 = random.getrandbits(64)
        self.state.secret_1 = random.getrandbits(64)
        self.state.random = random.getrandbits(64) | 1
        self.now_ms = clock.now_ms
        self.clock_id = CLOCK_ID if type(clock) is SystemClock else -1
        self.look_at_clock()

    def __dealloc__(self):
        cdef size_t i
        while collect_garbage(&self.state):
            pass
        for i in range(self.state.region_count):
            open_bytes(self.state.regions[i], REGION_BYTES)
            munmap(self.state.regions[i], REGION_BYTES)
        free(self.state.regions)
        free(self.state.logs)
        free(self.state.free_clean)
        free(self.state.garbage)

    def tune_lfu(self, name, value):
        """Follow a change of the `LfuTuning`."""
        if name == "log_factor":
            self.state.lfu_log_factor = value
        else:
            self.state.lfu_decay_minutes = value

    cdef int look_at_clock(self) except -1:
        """Let it be now. The clock of the system is read without a call into Python."""
        cdef timespec now
        if self.clock_id >= 0:
            clock_gettime(self.clock_id, &now)
            self.state.now_ms = <int64_t>now.tv_sec * 1000 + now.tv_nsec // 1000000
        else:
            self.state.now_ms = self.now_ms()
        return 0


cdef object value_in(const Entry* entry):
    if entry.flags & OBJECT:
        return <object>object_of(entry)
    return PyBytes_FromStringAndSize(value_of(entry), entry.value_bytes)


cdef bytes key_in(const Entry* entry):
    return PyBytes_FromStringAndSize(key_of(entry), entry.key_bytes)


cdef int describe(Content* content, object value) except -1:
    """Say what the value of an entry is; ``value`` must live as long as that is used."""
    if type(value) is bytes and PyBytes_GET_SIZE(value) <= INLINE_BYTES_MAX:
        content.value = PyBytes_AS_STRING(value)
        content.value_bytes = PyBytes_GET_SIZE(value)
        content.object = NULL
        content.object_bytes = 0
    else:
        content.value = NULL
        content.value_bytes = 0
        content.object = <PyObject*>value
        content.object_bytes = len(value) + OBJECT_OVERHEAD_BYTES
    return 0


@cython.no_gc_clear  # what it shares is needed when it goes
cdef class Keyspace:
    """See `memcloud.store.keyspace.Keyspace`."""

    def __cinit__(self, Shared shared not None, int number, retention):
        cdef int i
        self.shared = shared
        self.number = number
        memset(&self.space, 0, sizeof(Space))
        self.space.state = &shared.state
        self.space.retention = FLAGS_OF[retention]
        for i in range(LOGS):
            self.space.logs[i].space = &self.space
            shared.state.logs[number * LOGS + i] = &self.space.logs[i]
        shared.state.log_count = (number + 1) * LOGS

    def __dealloc__(self):
        self.detach()
        while collect_garbage(&self.shared.state):
            pass
        free(self.space.counts)
        free(self.space.volatile_counts)
        free(self.space.next_due_ms)

    # Values

    def get(self, bytes key):
        """See `keyspace.Keyspace.get`."""
        cdef Entry* entry = self.find(key)
        if entry == NULL:
            self.shared.state.misses += 1
            return None
        self.shared.state.hits += 1
        note_access(&self.shared.state, entry)
        return value_in(entry)

    def peek(self, bytes key):
        """See `keyspace.Keyspace.peek`."""
        cdef Entry* entry = self.find(key)
        return None if entry == NULL else value_in(entry)

    def set(self, bytes key, value, deadline_ms=None, retention=Retention.BY_POLICY):
        """See `keyspace.Keyspace.set`."""
        self.put(key, value, deadline_ms, FLAGS_OF[retention], False)

    def replace(self, bytes key, value):
        """See `keyspace.Keyspace.replace`."""
        self.put(key, value, None, 0, True)

    cdef int put(
        self, bytes key, object value, object deadline_ms, int retention, bint keeps
    ) except -1:
        """Set a key; ``keeps``: deadline and retention are those that it has."""
        cdef Content content
        cdef Place place
        cdef Entry* entry
        cdef State* state = &self.shared.state
        cdef char* name = PyBytes_AS_STRING(key)
        cdef size_t length = PyBytes_GET_SIZE(key)
        self.shared.look_at_clock()
        describe(&content, value)
        content.flags = <uint8_t>retention or self.space.retention
        if deadline_ms is not None:
            content.flags |= DEADLINE
            content.deadline_ms = deadline_ms
        entry = space_find_live(&self.space, name, length, &place)
        if entry == NULL:
            entry = space_insert(&self.space, name, length, &place, &content)
        else:
            if keeps:
                content.flags = entry.flags & (DEADLINE | PINNED | CACHE)
                if entry.flags & DEADLINE:
                    content.deadline_ms = deadline_of(entry)
            note_access(state, entry)
            entry = space_replace(&self.space, name, length, &place, &content)
        if entry == NULL:
            raise MemoryError("no memory for a key")
        return 0

    def delete(self, bytes key):
        """See `keyspace.Keyspace.delete`."""
        cdef Place place
        if self.locate(key, &place) == NULL:
            return False
        space_remove(&self.space, &place)
        return True

    def rename(self, bytes old, bytes new):
        """See `keyspace.Keyspace.rename`."""
        cdef Entry* entry = self.find(old)
        cdef Place place
        cdef Content content
        cdef uint8_t counter
        cdef uint32_t accessed
        assert entry != NULL, "rename needs a key that exists"
        if old == new:
            return
        value = value_in(entry)
        counter, accessed = entry.counter, entry.accessed
        describe(&content, value)
        content.flags = entry.flags & (DEADLINE | PINNED | CACHE)
        if entry.flags & DEADLINE:
            content.deadline_ms = deadline_of(entry)
        self.delete(old)
        self.delete(new)
        self.locate(new, &place)
        entry = space_insert(
            &self.space, PyBytes_AS_STRING(new), PyBytes_GET_SIZE(new), &place, &content
        )
        if entry == NULL:
            raise MemoryError("no memory for a key")
        entry.counter, entry.accessed = counter, accessed

    # Facts about one key

    def __contains__(self, bytes key):
        return self.find(key) != NULL

    def touch(self, bytes key):
        """See `keyspace.Keyspace.touch`."""
        cdef Entry* entry = self.find(key)
        if entry == NULL:
            self.shared.state.misses += 1
            return False
        self.shared.state.hits += 1
        note_access(&self.shared.state, entry)
        return True

    def idle_ms(self, bytes key):
        """See `keyspace.Keyspace.idle_ms`; up to 16 ms more than that."""
        cdef Entry* entry = self.find(key)
        cdef State* state = &self.shared.state
        return None if entry == NULL else state.now_ms - accessed_ms(state, entry)

    def frequency(self, bytes key):
        """See `keyspace.Keyspace.frequency`."""
        cdef Entry* entry = self.find(key)
        return None if entry == NULL else decayed(&self.shared.state, entry)

    def retention(self, bytes key):
        """See `keyspace.Keyspace.retention`."""
        cdef Entry* entry = self.find(key)
        if entry == NULL:
            return None
        if entry.flags & CACHE:
            return Retention.CACHE
        return Retention.PINNED if entry.flags & PINNED else Retention.BY_POLICY

    def size_bytes(self, bytes key):
        """See `keyspace.Keyspace.size_bytes`."""
        cdef Entry* entry = self.find(key)
        return None if entry == NULL else accounted_bytes(entry)

    def type_name(self, bytes key):
        """See `keyspace.Keyspace.type_name`."""
        cdef Entry* entry = self.find(key)
        if entry == NULL:
            return None
        return TYPE_NAMES[type(<object>object_of(entry)) if entry.flags & OBJECT else bytes]

    # Deadlines

    def deadline_ms(self, bytes key):
        """See `keyspace.Keyspace.deadline_ms`."""
        cdef Entry* entry = self.find(key)
        if entry == NULL or not entry.flags & DEADLINE:
            return None
        return deadline_of(entry)

    def set_deadline(self, bytes key, deadline_ms):
        """See `keyspace.Keyspace.set_deadline`."""
        cdef Place place
        cdef Content content
        cdef Entry* entry = self.locate(key, &place)
        if entry == NULL:
            return False
        if deadline_ms is None and not entry.flags & DEADLINE:
            return True
        if deadline_ms is not None and entry.flags & DEADLINE:
            if not count_deadline_again(&self.space, &place, entry, deadline_ms):
                raise MemoryError("no memory for a deadline")
            return True
        value = value_in(entry)
        describe(&content, value)
        content.flags = entry.flags & (PINNED | CACHE)
        if deadline_ms is not None:
            content.flags |= DEADLINE
            content.deadline_ms = deadline_ms
        if space_replace(
            &self.space, PyBytes_AS_STRING(key), PyBytes_GET_SIZE(key), &place, &content
        ) == NULL:
            raise MemoryError("no memory for a deadline")
        return True

    def expiring_count(self):
        """See `keyspace.Keyspace.expiring_count`."""
        return self.space.volatile_count

    def average_ttl_ms(self):
        """See `keyspace.Keyspace.average_ttl_ms`."""
        if not self.space.volatile_count:
            return 0
        self.shared.look_at_clock()
        mean_ms = <int64_t>(self.space.deadline_sum_ms // <int64_t>self.space.volatile_count)
        return max(0, mean_ms - self.shared.state.now_ms)

    # Many keys

    def __len__(self):
        return self.space.count

    @property
    def used_bytes(self):
        """What the entries are accounted for together."""
        return self.space.used_bytes

    def keys(self):
        """See `keyspace.Keyspace.keys`."""
        cdef int slot
        self.shared.look_at_clock()
        for slot in range(SLOTS):
            if self.count_in_slot(slot):
                yield from self.live_keys(slot)

    def random_key(self):
        """See `keyspace.Keyspace.random_key`."""
        cdef Entry* entry
        cdef Place place
        self.shared.look_at_clock()
        while self.space.count:
            entry = random_entry(&self.shared.state, &self.space)
            if is_live(entry, self.shared.state.now_ms):
                return key_in(entry)
            space_find(&self.space, key_of(entry), entry.key_bytes, &place)
            self.expire(&place)
        return None

    def scan(self, cursor, count):
        """See `keyspace.Keyspace.scan`, and scanning.py for what a cursor means."""
        cdef list found = []
        cdef uint64_t first = <uint64_t>cursor >> HASH_BITS
        cdef uint32_t low_hash = <uint32_t>(<uint64_t>cursor & 0xFFFFFFFFULL)
        cdef int64_t wanted
        cdef int64_t last_hash
        cdef uint64_t slot
        self.shared.look_at_clock()
        if self.space.counts == NULL:
            return 0, found
        for slot in range(first, SLOTS):
            if not self.space.counts[slot]:
                continue
            if len(found) >= count:
                return slot << HASH_BITS, found
            wanted = max(<int64_t>count - len(found), self.space.counts[slot] // PARTS_PER_SLOT_MAX)
            last_hash = self.scan_slot(
                <uint32_t>slot, low_hash if slot == first else 0, wanted, found
            )
            if last_hash >= 0:
                return (slot << HASH_BITS) + last_hash + 1, found
        return 0, found

    cdef int64_t scan_slot(
        self, uint32_t slot, uint32_t low_hash, int64_t wanted, list found
    ) except -2:
        """Add the first so many live keys of a slot from a hash on, and those with the last hash.

        Return that hash, -1 if there are no more keys.
        """
        cdef size_t room = self.space.counts[slot]
        cdef Scanned* scanned = <Scanned*>malloc(room * sizeof(Scanned))
        cdef Table* table = NULL
        cdef uint32_t part = 0
        cdef uint32_t i
        cdef int64_t live = 0
        cdef int64_t taken = 0
        cdef int64_t last_hash = -1
        cdef Entry* entry
        if scanned == NULL:
            raise MemoryError("no memory to scan a slot")
        try:
            while slot_next(&self.space, slot, &part, &table):
                for i in range(table.room):
                    if not table.buckets[i]:
                        continue
                    entry = entry_in(table.buckets[i])
                    scanned[live].hash = crc32_of(key_of(entry), entry.key_bytes)
                    scanned[live].entry = entry
                    if scanned[live].hash >= low_hash and is_live(
                        entry, self.shared.state.now_ms
                    ):
                        live += 1
            if wanted < live:
                qsort(scanned, live, sizeof(Scanned), by_hash)
                last_hash = scanned[wanted - 1].hash
            while taken < live and (last_hash < 0 or scanned[taken].hash <= last_hash):
                found.append(key_in(scanned[taken].entry))
                taken += 1
        finally:
            free(scanned)
        return last_hash

    # Slots

    def occupied(self, first):
        """Return the slots with keys from ``first`` on, ascending."""
        cdef int slot
        if self.space.tables == NULL or first >= SLOTS:
            return
        for slot in range(first, SLOTS):
            if self.space.counts[slot]:
                yield slot

    def count_in_slot(self, int slot):
        """See `keyspace.Keyspace.count_in_slot`."""
        return 0 if self.space.counts == NULL else self.space.counts[slot]

    def keys_in_slot(self, int slot, count):
        """See `keyspace.Keyspace.keys_in_slot`."""
        return self.names(slot, count, True)

    def live_keys(self, int slot):
        """Return the live keys of a slot, by the clock of the last look at it."""
        return self.names(slot, ALL_KEYS, False)

    cdef list names(self, int slot, int64_t count, bint with_expired):
        """Up to so many keys of a slot."""
        cdef list found = []
        cdef Table* table = NULL
        cdef uint32_t part = 0
        cdef uint32_t i
        cdef Entry* entry
        if self.space.tables == NULL:
            return found
        while slot_next(&self.space, slot, &part, &table):
            for i in range(table.room):
                if not table.buckets[i]:
                    continue
                if len(found) >= count:
                    return found
                entry = entry_in(table.buckets[i])
                if with_expired or is_live(entry, self.shared.state.now_ms):
                    found.append(key_in(entry))
        return found

    def drop_slots(self, slots):
        """See `keyspace.Keyspace.drop_slots`."""
        cdef uint64_t before = self.space.count
        cdef uint32_t slot
        for slot in slots:
            if slot < SLOTS:
                space_clear_slot(&self.space, slot)
        return before - self.space.count

    def flush(self):
        """See `keyspace.Keyspace.flush`. O(segments); the memory comes back by `Store.tidy`."""
        cdef uint64_t removed = self.space.count
        self.detach()
        return removed

    # Accesses

    def access_notes(self, bytes key):
        """See `keyspace.Keyspace.access_notes`."""
        cdef Place place
        cdef Entry* entry
        entry = space_find(&self.space, PyBytes_AS_STRING(key), PyBytes_GET_SIZE(key), &place)
        return None if entry == NULL else (entry.accessed, entry.counter)

    def restore_access(self, bytes key, notes):
        """See `keyspace.Keyspace.restore_access`."""
        cdef Place place
        cdef Entry* entry
        entry = space_find(&self.space, PyBytes_AS_STRING(key), PyBytes_GET_SIZE(key), &place)
        if entry != NULL:
            entry.accessed, entry.counter = notes

    # How it is done

    cdef Entry* find(self, bytes key) except? NULL:
        cdef Place place
        return self.locate(key, &place)

    cdef Entry* locate(self, bytes key, Place* place) except? NULL:
        """The live entry of a key, now."""
        self.shared.look_at_clock()
        return space_find_live(
            &self.space, PyBytes_AS_STRING(key), PyBytes_GET_SIZE(key), place
        )

    cdef int expire(self, Place* place) noexcept:
        self.shared.state.expired_keys += 1
        note_removed(&self.space, entry_in(place.bucket[0]))
        space_remove(&self.space, place)
        return 0

    cdef int64_t expire_due(self, int64_t limit) except -1:
        """Remove keys whose deadline has passed; return how many deadlines were looked at."""
        cdef State* state = &self.shared.state
        cdef uint32_t slot
        cdef int64_t looked = 0
        if self.space.volatile_count == 0:
            return 0
        for slot in range(SLOTS):
            while self.space.next_due_ms[slot] < state.now_ms:
                if looked >= limit:
                    return looked
                looked += self.expire_in_slot(slot, limit - looked)
        return looked

    cdef int64_t expire_in_slot(self, uint32_t slot, int64_t limit) except -1:
        cdef State* state = &self.shared.state
        cdef Table* table = NULL
        cdef uint32_t part = 0
        cdef int64_t looked = 0
        cdef int64_t next_ms = NEVER_MS
        cdef uint64_t item
        cdef Entry* entry
        cdef Place place
        while slot_next(&self.space, slot, &part, &table):
            while table.due != NULL and table.due.count:
                if <int64_t>(table.due.items[0] >> 16) >= state.now_ms:
                    next_ms = min(next_ms, <int64_t>(table.due.items[0] >> 16))
                    break
                if looked == limit:
                    return looked
                looked += 1
                item = due_pop(table.due)
                entry = find_due(table, item)
                if entry != NULL:
                    space_find(&self.space, key_of(entry), entry.key_bytes, &place)
                    self.expire(&place)
                    if self.space.counts[slot] == 0:
                        self.space.next_due_ms[slot] = NEVER_MS
                        return looked
                    table = table_for(&self.space, slot, place.hash)  # it may have shrunk
        self.space.next_due_ms[slot] = next_ms
        return max(looked, 1)

    cdef int detach(self) except -1:
        """Leave all keys to the garbage collector, and have none."""
        cdef State* state = &self.shared.state
        cdef Space* space = &self.space
        cdef Segment* segment
        cdef Segment* chain = NULL
        cdef Segment* younger
        cdef void* grown
        cdef int i
        if space.tables == NULL:
            return 0
        if state.garbage_count == state.garbage_room:
            grown = realloc(state.garbage, (state.garbage_room * 2 + 4) * sizeof(Garbage))
            if grown == NULL:
                raise MemoryError("no memory to flush")
            state.garbage = <Garbage*>grown
            state.garbage_room = state.garbage_room * 2 + 4
        for i in range(LOGS):
            segment = space.logs[i].oldest
            while segment != NULL:
                younger = segment.younger
                state.live_bytes -= segment.live_bytes
                state.dead_bytes -= segment.used_bytes - sizeof(Segment) - segment.live_bytes
                segment.younger = chain
                chain = segment
                segment = younger
            memset(&space.logs[i], 0, sizeof(Log))
            space.logs[i].space = space
        state.garbage[state.garbage_count] = Garbage(
            tables=space.tables, slot=0, segments=chain, hand=sizeof(Segment)
        )
        state.garbage_count += 1
        state.used_bytes -= space.used_bytes
        space.tables = NULL
        ghosts_forget(&space.ghosts)
        free(space.counts)
        free(space.volatile_counts)
        free(space.next_due_ms)
        space.counts = NULL
        space.volatile_counts = NULL
        space.next_due_ms = NULL
        memset(space.groups, 0, sizeof(space.groups))
        memset(space.volatile_groups, 0, sizeof(space.volatile_groups))
        space.count = space.volatile_count = space.used_bytes = 0
        space.policy_count = space.policy_volatile_count = space.cache_count = 0
        space.deadline_sum_ms = 0
        return 0


cdef dict KINDS = {
    Policy.NOEVICTION: (BY_LRU, NONE_MAY_GO),
    Policy.ALLKEYS_LRU: (BY_LRU, ALL_MAY_GO),
    Policy.VOLATILE_LRU: (BY_LRU, VOLATILE_MAY_GO),
    Policy.ALLKEYS_LFU: (BY_LFU, ALL_MAY_GO),
    Policy.VOLATILE_LFU: (BY_LFU, VOLATILE_MAY_GO),
    Policy.ALLKEYS_RANDOM: (BY_CHANCE, ALL_MAY_GO),
    Policy.VOLATILE_RANDOM: (BY_CHANCE, VOLATILE_MAY_GO),
    Policy.VOLATILE_TTL: (BY_DEADLINE, VOLATILE_MAY_GO),
    Policy.ALLKEYS_S3FIFO: (BY_S3FIFO, ALL_MAY_GO),
}


class NativeLfuTuning(LfuTuning):
    """Tells the native store of what is changed in it."""

    __slots__ = ("_shared",)

    def __init__(self, shared):
        object.__setattr__(self, "_shared", shared)
        super().__init__()

    def __setattr__(self, name, value):
        super().__setattr__(name, value)
        self._shared.tune_lfu(name, value)


cdef class Store:
    """See `memcloud.store.store.Store`."""

    def __init__(self, clock, random, *, limit_bytes, policy=Policy.NOEVICTION, databases=16):
        cdef int number
        cdef Keyspace keyspace
        self.shared = Shared(clock, random, databases + 2)
        self._ceiling_bytes = None
        self._reserved_bytes = 0
        self.limit_bytes = limit_bytes
        self._all = [
            Keyspace(
                self.shared, number, Retention.BY_POLICY if number < databases else Retention.PINNED
            )
            for number in range(databases + 2)
        ]
        for keyspace, index in zip(self._all, (*range(databases), BLOCKS, HELD)):
            keyspace.space.index = index
        self.databases = self._all[:databases]
        self.blocks = self._all[databases]
        self.held = self._all[databases + 1]
        self.lfu_tuning = NativeLfuTuning(self.shared)
        self._policy = None
        self.policy = policy

    # Memory

    @property
    def used_bytes(self):
        """See `store.Store.used_bytes`."""
        return self.shared.state.used_bytes

    @property
    def peak_bytes(self):
        """See `store.Store.peak_bytes`."""
        return self.shared.state.peak_bytes

    @property
    def policy(self):
        """See `store.Store.policy`."""
        return self._policy

    @policy.setter
    def policy(self, policy):
        cdef Keyspace keyspace
        if policy is self._policy:
            return
        self._policy = policy
        self.shared.state.kind, self.shared.state.may_go = KINDS[policy]
        for keyspace in self._all:
            space_join_logs(&keyspace.space)

    @property
    def effective_limit_bytes(self):
        """See `store.Store.effective_limit_bytes`."""
        return self.limit_now

    @property
    def limit_bytes(self):
        """See `store.Store.limit_bytes`."""
        return self._limit_bytes

    @limit_bytes.setter
    def limit_bytes(self, limit_bytes):
        self._limit_bytes = limit_bytes
        self.put_limit()

    @property
    def ceiling_bytes(self):
        """See `store.Store.ceiling_bytes`."""
        return self._ceiling_bytes

    @ceiling_bytes.setter
    def ceiling_bytes(self, ceiling_bytes):
        self._ceiling_bytes = ceiling_bytes
        self.put_limit()

    @property
    def reserved_bytes(self):
        """See `store.Store.reserved_bytes`."""
        return self._reserved_bytes

    @reserved_bytes.setter
    def reserved_bytes(self, reserved_bytes):
        self._reserved_bytes = reserved_bytes
        self.put_limit()

    cdef int put_limit(self) except -1:
        """Work out the limit that counts; see `store.Store.effective_limit_bytes`."""
        limit_bytes = self._limit_bytes
        if self._ceiling_bytes is not None:
            limit_bytes = min(self._ceiling_bytes, limit_bytes or self._ceiling_bytes)
        self.limit_now = max(1, limit_bytes - self._reserved_bytes) if limit_bytes else 0
        return 0

    def make_room(self):
        """See `store.Store.make_room`."""
        self.shared.look_at_clock()
        return self.keep_limit(self.limit_now)

    cdef bint keep_limit(self, int64_t limit_bytes) noexcept:
        """Evict until the limit (0: none) is kept; whether it is. Cleans a little on the way."""
        cdef State* state = &self.shared.state
        if limit_bytes:
            while state.used_bytes > limit_bytes:
                if not self.evict():
                    return False
                if is_dirty(state):
                    clean_some(state, 1)
        if is_dirty(state):
            clean_some(state, 1)
        return True

    def evict_some(self, goal_bytes, limit):
        """See `store.Store.evict_some`."""
        cdef State* state = &self.shared.state
        cdef int64_t evicted = 0
        self.shared.look_at_clock()
        while evicted < limit and state.used_bytes > goal_bytes and self.evict():
            evicted += 1
        clean_some(state, 4)
        return evicted

    cdef bint evict(self) noexcept:
        """Evict one entry from the spaces together, as their shares are; False if none may go."""
        cdef State* state = &self.shared.state
        cdef Space* space = NULL
        cdef Space* only = NULL
        cdef uint64_t total = 0
        cdef uint64_t place
        cdef uint64_t count
        cdef size_t i
        for i in range(0, state.log_count, LOGS):
            count = tracked_count(state.logs[i].space)
            if count:
                only = space = state.logs[i].space if total == 0 else NULL
                total += count
        if total == 0:
            return False
        if only != NULL:
            return space_evict(only)
        place = random_below(state, total)
        for i in range(0, state.log_count, LOGS):
            count = tracked_count(state.logs[i].space)
            if place < count:
                return space_evict(state.logs[i].space)
            place -= count
        return False

    @property
    def allocated_bytes(self):
        """See `store.Store.allocated_bytes`: the segments, and those kept for the next ones."""
        cdef State* state = &self.shared.state
        return state.segment_bytes + state.free_dirty_count * SEGMENT_BYTES

    def tidy(self):
        """Clean segments and free what a flush left, for a millisecond or two.

        Return whether there is more to do.
        """
        cdef State* state = &self.shared.state
        cdef int step
        cdef bint more = False
        self.shared.look_at_clock()
        for step in range(TIDY_STEPS):
            more = clean_some(state, 1)
            more = collect_garbage(state) or more
            more = pack_some(state) or more
            if not more:
                break
        return more

    def has_freed(self):
        """See `store.Store.has_freed`."""
        has_packed = self.shared.state.has_packed
        self.shared.state.has_packed = False
        return has_packed

    def return_memory(self):
        """Give the free segments back that are kept for the next ones."""
        purge_free(&self.shared.state)

    # Time

    def expire_some(self, limit):
        """See `store.Store.expire_some`; in no particular order."""
        cdef Keyspace keyspace
        cdef uint64_t before = self.shared.state.expired_keys
        cdef int64_t left = limit
        self.shared.look_at_clock()
        for keyspace in self._all:
            left -= keyspace.expire_due(left)
            if left <= 0:
                break
        return self.shared.state.expired_keys - before

    # What goes without being deleted

    @property
    def removed(self):
        """See `store.Store.removed`."""
        return self.shared.removed

    @removed.setter
    def removed(self, list removed):
        self.shared.removed = removed
        self.shared.state.removed = NULL if removed is None else <PyObject*>removed

    # Many keys

    def swap(self, a, b):
        """See `store.Store.swap`."""
        cdef Keyspace one = self.databases[b]
        cdef Keyspace other = self.databases[a]
        self.databases[a], self.databases[b] = one, other
        one.space.index, other.space.index = a, b

    def flush(self):
        """See `store.Store.flush`."""
        return sum([keyspace.flush() for keyspace in self.databases])

    def drop_slots(self, slots):
        """See `store.Store.drop_slots`."""
        slots = tuple(slots)
        return sum([keyspace.drop_slots(slots) for keyspace in (*self.databases, self.blocks)])

    def spaces_in_slot(self, int slot):
        """See `store.Store.spaces_in_slot`."""
        cdef Keyspace keyspace
        cdef list found = []
        for keyspace in self.databases:
            if keyspace.space.counts != NULL and keyspace.space.counts[slot]:
                found.append(keyspace.space.index)
        if self.blocks.space.counts != NULL and self.blocks.space.counts[slot]:
            found.append(self.blocks.space.index)
        return found

    # Statistics

    @property
    def hits(self):
        """See `store.Store.hits`."""
        return self.shared.state.hits

    @property
    def misses(self):
        """See `store.Store.misses`."""
        return self.shared.state.misses

    @property
    def expired_keys(self):
        """See `store.Store.expired_keys`."""
        return self.shared.state.expired_keys

    @property
    def evicted_keys(self):
        """See `store.Store.evicted_keys`."""
        return self.shared.state.evicted_keys

    def reset_statistics(self):
        """See `store.Store.reset_statistics`."""
        cdef State* state = &self.shared.state
        state.hits = state.misses = state.expired_keys = state.evicted_keys = 0

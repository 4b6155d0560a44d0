"""Spaces: what can be done to the keys of one database."""

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc
from libc.string cimport memcpy, memset

from ._entries cimport (
    access_unit,
    accounted_bytes,
    deadline_of,
    footprint,
    is_live,
    key_of,
    object_bytes,
    object_of,
    put_deadline,
    put_object,
    value_of,
)
from ._ghosts cimport ghost_take
from ._hashing cimport sip_hash, slot_of
from ._logs cimport log_added, log_append, log_kill
from ._segments cimport check, segment_of
from ._structs cimport (
    ALL_MAY_GO,
    BY_LFU,
    BY_S3FIFO,
    CACHE,
    DEADLINE,
    GROUPS,
    MAIN,
    OBJECT,
    OBJECT_BYTES,
    PINNED,
    SLOTS,
    SMALL,
    UNTRACKED,
    VOLATILE_MAY_GO,
    Entry,
    Log,
    Space,
    State,
    Table,
)
from ._tables cimport (
    bucket_for,
    bucket_of,
    due_add,
    due_drop,
    due_item,
    due_release,
    due_reserve,
    entry_in,
    find_bucket,
    free_slot,
    insert_bucket,
    likely_entry,
    remove_bucket,
    shrink_table,
    slot_next,
    table_for,
)

cdef extern from *:
    """
    #if defined(__GNUC__)
    #define MEMCLOUD_PREFETCH(address) __builtin_prefetch(address)
    #else
    #define MEMCLOUD_PREFETCH(address) ((void)(address))
    #endif
    """
    void prefetch "MEMCLOUD_PREFETCH"(const void* address) noexcept nogil

cdef enum:
    CACHE_LINE_BYTES = 64

    LFU_COUNTER_INITIAL = 5
    S3FIFO_COUNTER_MAX = 3
    NEVER_MS = 0x7FFFFFFFFFFFFFFF


cdef struct Place:
    # Where a key is, or would be.
    uint32_t slot
    uint64_t hash
    Table* table
    uint64_t* bucket  # NULL: it is not there


cdef struct Content:
    # What an entry is to hold.
    const char* value
    size_t value_bytes
    PyObject* object  # NULL: the value is inline
    size_t object_bytes  # accounted for it
    int64_t deadline_ms
    uint8_t flags  # DEADLINE, PINNED, CACHE


cdef inline uint64_t random_word(State* state) noexcept nogil:
    """xorshift64* (Vigna, 2016)."""
    state.random ^= state.random >> 12
    state.random ^= state.random << 25
    state.random ^= state.random >> 27
    return state.random * 0x2545F4914F6CDD1DULL


cdef inline uint64_t random_below(State* state, uint64_t stop) noexcept nogil:
    return ((random_word(state) >> 32) * stop) >> 32


cdef inline bint may_go(const State* state, uint8_t flags) noexcept nogil:
    """Whether an entry with such flags may be evicted under the policy in force."""
    if flags & (PINNED | CACHE):
        return flags & CACHE != 0
    if state.may_go == VOLATILE_MAY_GO:
        return flags & DEADLINE != 0
    return state.may_go == ALL_MAY_GO


cdef inline bint space_open(Space* space) noexcept nogil:
    """Make the arrays of a space that is to have keys; False without memory."""
    if space.tables == NULL:
        space.tables = <size_t*>calloc(SLOTS, sizeof(size_t))
        if space.tables == NULL:
            return False
    if space.counts == NULL:
        space.counts = <uint32_t*>calloc(SLOTS, sizeof(uint32_t))
    return space.counts != NULL


cdef inline bint _open_deadlines(Space* space) noexcept nogil:
    cdef uint32_t slot
    if space.next_due_ms == NULL:
        space.next_due_ms = <int64_t*>calloc(SLOTS, sizeof(int64_t))
        if space.next_due_ms == NULL:
            return False
        for slot in range(SLOTS):
            space.next_due_ms[slot] = NEVER_MS
    if space.volatile_counts == NULL:
        space.volatile_counts = <uint32_t*>calloc(SLOTS, sizeof(uint32_t))
    return space.volatile_counts != NULL


cdef inline void charge(Space* space, int64_t size) noexcept nogil:
    cdef State* state = space.state
    space.used_bytes += size
    state.used_bytes += size
    if state.used_bytes > state.peak_bytes:
        state.peak_bytes = state.used_bytes


cdef inline void _count_class(Space* space, uint8_t flags, int sign) noexcept nogil:
    if flags & CACHE:
        space.cache_count += sign
    elif not flags & PINNED:
        if flags & DEADLINE:
            space.policy_volatile_count += sign
        else:
            space.policy_count += sign


cdef inline bint _expect_deadline(Space* space, Table* table) noexcept nogil:
    """Have what it takes to count an entry with a deadline; False without memory."""
    return _open_deadlines(space) and due_reserve(table)


cdef inline void _count_in(Space* space, Place* place, const Entry* entry) noexcept nogil:
    """Count an entry that is in its table now; `_expect_deadline` came before if it has one."""
    cdef int64_t deadline_ms
    charge(space, accounted_bytes(entry))
    _count_class(space, entry.flags, 1)
    if entry.flags & DEADLINE:
        deadline_ms = deadline_of(entry)
        due_add(place.table, due_item(place.hash >> 48, deadline_ms))
        if deadline_ms < space.next_due_ms[place.slot]:
            space.next_due_ms[place.slot] = deadline_ms
        space.volatile_count += 1
        space.volatile_counts[place.slot] += 1
        space.volatile_groups[place.slot // GROUPS] += 1
        space.deadline_sum_ms += deadline_ms


cdef inline void _count_out(Space* space, Place* place, const Entry* entry) noexcept nogil:
    charge(space, -<int64_t>accounted_bytes(entry))
    _count_class(space, entry.flags, -1)
    if entry.flags & DEADLINE:
        due_drop(place.table)
        space.volatile_count -= 1
        space.volatile_counts[place.slot] -= 1
        space.volatile_groups[place.slot // GROUPS] -= 1
        space.deadline_sum_ms -= deadline_of(entry)


cdef inline bint count_deadline_again(
    Space* space, Place* place, Entry* entry, int64_t deadline_ms
) noexcept nogil:
    """Change the deadline of an entry that has one; False without memory."""
    if not _expect_deadline(space, place.table):
        return False
    _count_out(space, place, entry)
    put_deadline(entry, deadline_ms)
    _count_in(space, place, entry)
    return True


cdef inline Entry* space_find(
    Space* space, const char* key, size_t key_bytes, Place* place
) noexcept nogil:
    """The entry of a key, be its time over or not; NULL if there is none."""
    place.slot = slot_of(key, key_bytes)
    return space_find_in(space, key, key_bytes, place)


cdef inline Entry* space_find_in(
    Space* space, const char* key, size_t key_bytes, Place* place
) noexcept nogil:
    """The same for a key whose slot is in ``place`` already."""
    place.hash = sip_hash(key, key_bytes, space.state.secret_0, space.state.secret_1)
    return space_find_at(space, key, key_bytes, place)


cdef inline Entry* space_find_at(
    Space* space, const char* key, size_t key_bytes, Place* place
) noexcept nogil:
    """The same for a key whose slot and hash are in ``place`` already."""
    place.table = table_for(space, place.slot, place.hash)
    place.bucket = find_bucket(place.table, place.hash, key, key_bytes)
    return NULL if place.bucket == NULL else entry_in(place.bucket[0])


cdef inline void fetch_ahead(Space* space, Place* places, int count) noexcept nogil:
    """Let the processor fetch what looking for some keys will touch, all at the same time.

    One look after the other would wait for memory three times each: for the slot, its table, and
    the entry. The slots and hashes are in ``places``.
    """
    cdef int i
    cdef Entry* entry
    if space.tables == NULL:
        return
    for i in range(count):
        prefetch(&space.tables[places[i].slot])
    for i in range(count):
        places[i].table = table_for(space, places[i].slot, places[i].hash)
        if places[i].table != NULL:
            prefetch(places[i].table)
            prefetch(<char*>places[i].table + CACHE_LINE_BYTES)
    for i in range(count):
        if places[i].table != NULL:
            entry = likely_entry(places[i].table, places[i].hash)
            if entry != NULL:
                prefetch(entry)
                prefetch(<char*>entry + CACHE_LINE_BYTES)


cdef inline void space_remove(Space* space, Place* place) noexcept:
    """Remove the entry that was found; ``place`` is out of date after that."""
    cdef Entry* entry = entry_in(place.bucket[0])
    _count_out(space, place, entry)
    remove_bucket(place.table, place.bucket)
    space.count -= 1
    space.counts[place.slot] -= 1
    space.groups[place.slot // GROUPS] -= 1
    log_kill(space.state, entry, True)
    due_release(place.table)
    shrink_table(space, place.slot, place.hash, place.table)


cdef inline uint64_t space_clear_slot(Space* space, uint32_t slot) noexcept:
    """Remove all keys of a slot; return how many. No table is looked up, so it is quick."""
    cdef uint64_t removed = 0
    cdef Table* table = NULL
    cdef Entry* entry
    cdef Place place
    cdef uint32_t part = 0
    cdef uint32_t i
    if space.tables == NULL:
        return 0
    place.slot = slot
    while slot_next(space, slot, &part, &table):
        place.table = table
        for i in range(table.room):
            if table.buckets[i]:
                entry = entry_in(table.buckets[i])
                _count_out(space, &place, entry)
                log_kill(space.state, entry, True)
                removed += 1
    space.count -= removed
    space.counts[slot] = 0
    space.groups[slot // GROUPS] -= removed
    free_slot(space.tables[slot])
    space.tables[slot] = 0
    return removed


cdef inline void note_removed(const Space* space, const Entry* entry) noexcept:
    """Tell who asks that an entry is evicted or expires. Without memory he misses it."""
    if space.state.removed != NULL:
        key = PyBytes_FromStringAndSize(key_of(entry), entry.key_bytes)
        (<list>space.state.removed).append((space.index, key))


cdef inline Entry* space_find_live(
    Space* space, const char* key, size_t key_bytes, Place* place
) noexcept:
    """The entry of a key; one whose time is over is removed on the way."""
    place.slot = slot_of(key, key_bytes)
    return space_find_live_in(space, key, key_bytes, place)


cdef inline Entry* space_find_live_in(
    Space* space, const char* key, size_t key_bytes, Place* place
) noexcept:
    """The same for a key whose slot is in ``place`` already."""
    place.hash = sip_hash(key, key_bytes, space.state.secret_0, space.state.secret_1)
    return space_find_live_at(space, key, key_bytes, place)


cdef inline Entry* space_find_live_at(
    Space* space, const char* key, size_t key_bytes, Place* place
) noexcept:
    """The same for a key whose slot and hash are in ``place`` already."""
    cdef Entry* entry = space_find_at(space, key, key_bytes, place)
    if entry == NULL or is_live(entry, space.state.now_ms):
        return entry
    space.state.expired_keys += 1
    note_removed(space, entry)
    space_remove(space, place)
    place.table = table_for(space, place.slot, place.hash)
    place.bucket = NULL
    return NULL


cdef inline uint32_t decayed(const State* state, const Entry* entry) noexcept nogil:
    """What the LFU counter of an entry has come down to; see lfu.py."""
    cdef int64_t minutes
    if not state.lfu_decay_minutes:
        return entry.counter
    minutes = state.now_ms // 60000 - accessed_ms(state, entry) // 60000
    minutes //= state.lfu_decay_minutes
    return 0 if minutes >= entry.counter else <uint32_t>(entry.counter - minutes)


cdef inline int64_t accessed_ms(const State* state, const Entry* entry) noexcept nogil:
    """When the entry was last used, on the clock, rounded down to 16 ms."""
    cdef uint32_t units = access_unit(state.now_ms) - entry.accessed
    return (state.now_ms >> 4 << 4) - (<int64_t>units << 4)


cdef inline void note_access(State* state, Entry* entry) noexcept nogil:
    """The entry is used: what the policy wants to know of that, and the time."""
    cdef uint32_t counter
    cdef uint64_t odds
    if state.kind == BY_S3FIFO:
        if entry.counter < S3FIFO_COUNTER_MAX:
            entry.counter += 1
    elif state.kind == BY_LFU:
        counter = decayed(state, entry)
        if counter < 255:
            odds = 1
            if counter > LFU_COUNTER_INITIAL:
                odds += (counter - LFU_COUNTER_INITIAL) * <uint64_t>state.lfu_log_factor
            if random_below(state, odds) == 0:
                counter += 1
        entry.counter = <uint8_t>counter
    entry.accessed = access_unit(state.now_ms)


cdef inline Log* log_for(Space* space, uint8_t flags, const Entry* before, uint64_t hash) noexcept nogil:
    """Where an entry with such flags goes, which replaces another or (NULL) is new."""
    cdef State* state = space.state
    cdef Log* log
    if not may_go(state, flags):
        return &space.logs[UNTRACKED]
    if before != NULL:
        log = segment_of(before).log
        if log != &space.logs[UNTRACKED]:
            return log
    if state.kind != BY_S3FIFO or ghost_take(&space.ghosts, hash):
        return &space.logs[MAIN]
    return &space.logs[SMALL]


cdef inline Entry* write_entry(
    State* state, Log* log, const char* key, size_t key_bytes, const Content* content
) noexcept:
    """A new entry in a log, in no table yet; NULL without memory."""
    cdef bint has_deadline = content.flags & DEADLINE
    cdef size_t value_bytes = content.value_bytes if content.object == NULL else OBJECT_BYTES
    cdef Entry* entry = log_append(state, log, footprint(key_bytes, value_bytes, has_deadline))
    if entry == NULL:
        return NULL
    entry.accessed = access_unit(state.now_ms)
    entry.key_bytes = <uint32_t>key_bytes
    entry.value_bytes = <unsigned short>value_bytes
    entry.counter = LFU_COUNTER_INITIAL if state.kind == BY_LFU else 0
    entry.flags = content.flags
    if has_deadline:
        put_deadline(entry, content.deadline_ms)
    memcpy(key_of(entry), key, key_bytes)
    if content.object == NULL:
        memcpy(value_of(entry), content.value, value_bytes)
    else:
        entry.flags |= OBJECT
        Py_INCREF(<object>content.object)
        put_object(entry, content.object, content.object_bytes)
    log_added(log, entry)
    return entry


cdef inline Entry* space_insert(
    Space* space, const char* key, size_t key_bytes, Place* place, const Content* content
) noexcept:
    """Enter a key that was looked for and not found; NULL without memory."""
    cdef Log* log = log_for(space, content.flags, NULL, place.hash)
    cdef Entry* entry
    if not space_open(space):
        return NULL
    entry = write_entry(space.state, log, key, key_bytes, content)
    if entry == NULL:
        return NULL
    if not insert_bucket(space, place.slot, place.hash, entry, &place.table):
        log_kill(space.state, entry, True)
        return NULL
    if content.flags & DEADLINE and not _expect_deadline(space, place.table):
        remove_bucket(place.table, bucket_of(place.table, place.hash, entry))
        log_kill(space.state, entry, True)
        return NULL
    space.count += 1
    space.counts[place.slot] += 1
    space.groups[place.slot // GROUPS] += 1
    _count_in(space, place, entry)
    return entry


cdef inline void space_resized(Space* space, Entry* entry, size_t size) noexcept:
    """Account another size for the object of an entry."""
    cdef int64_t more = <int64_t>size - <int64_t>object_bytes(entry)
    put_object(entry, object_of(entry), size)
    charge(space, more)
    segment_of(entry).log.accounted_bytes += more


cdef inline Entry* space_replace(
    Space* space, const char* key, size_t key_bytes, Place* place, const Content* content
) noexcept:
    """Give the entry that was found another content; NULL without memory.

    What is noted of its accesses stays. ``key`` may be that of the entry itself, and its value too
    if its flags change.
    """
    cdef Entry* before = entry_in(place.bucket[0])
    cdef Entry* entry
    cdef size_t new_bytes = footprint(key_bytes, content.value_bytes, content.flags & DEADLINE)
    cdef size_t old_bytes = footprint(key_bytes, before.value_bytes, before.flags & DEADLINE)
    if content.flags & DEADLINE and not _expect_deadline(space, place.table):
        return NULL
    if before.flags == content.flags and content.object == NULL and new_bytes == old_bytes:
        if not before.flags & DEADLINE:  # the hot case
            before.value_bytes = <unsigned short>content.value_bytes
            memcpy(value_of(before), content.value, content.value_bytes)
            return before
        _count_out(space, place, before)
        before.value_bytes = <unsigned short>content.value_bytes
        memcpy(value_of(before), content.value, content.value_bytes)
        put_deadline(before, content.deadline_ms)
        _count_in(space, place, before)
        return before
    entry = write_entry(
        space.state, log_for(space, content.flags, before, place.hash), key, key_bytes, content
    )
    if entry == NULL:
        return NULL
    entry.counter = before.counter
    entry.accessed = before.accessed
    _count_out(space, place, before)
    place.bucket[0] = bucket_for(place.hash, entry)
    log_kill(space.state, before, True)
    _count_in(space, place, entry)
    due_release(place.table)
    return entry

"""Cleaning: segments in which too little lives are emptied, and their memory is used again.

The cleaner sweeps over the segments of a log from the oldest to the youngest. Those in which more
has died than on the average it copies, in their order, into segments that stand in their place. So
the order of the log, which eviction goes by, stays what it was. Nothing is done as long as the dead
take a tenth of what the living do, and 16 MiB, at most: cleaning earlier would copy more to gain the
same. Small stores keep to less.

What a flushed database leaves behind is taken apart here too, a piece at a time.
"""

from cpython.ref cimport Py_DECREF
from libc.stdint cimport int64_t, uint64_t
from libc.stdlib cimport free
from libc.string cimport memcpy

from ._entries cimport entry_bytes, key_of, object_bytes, object_of
from ._hashing cimport slot_of
from ._logs cimport log_drop, log_insert, segment_append
from ._segments cimport has_room, segment_free, segment_new
from ._structs cimport (
    DEAD,
    OBJECT,
    SLOTS,
    Entry,
    Garbage,
    Log,
    Segment,
    Space,
    State,
    Table,
)
from ._tables cimport bucket_for, bucket_of, free_slot, hash_of, table_for

cdef enum:
    DEAD_SHARE = 10  # to so many living bytes one may be dead,
    DEAD_BYTES_MORE = 16777216  # and so many more,
    DEAD_SHARE_MORE = 4  # but of those no more than one to so many,
    DEAD_BYTES_MIN = 1048576  # and so many in any case
    GARBAGE_SLOTS = 128  # tables that are freed in one step
    GARBAGE_SEGMENTS = 4
    GARBAGE_BYTES = 1048576  # of objects
    GARBAGE_OBJECT_BYTES = 16384  # what it takes to free one, in bytes of those


cdef inline bint is_dirty(const State* state) noexcept nogil:
    """Whether there is something for `clean_some` to do."""
    cdef uint64_t more = min(<uint64_t>DEAD_BYTES_MORE, state.live_bytes // DEAD_SHARE_MORE)
    return state.dead_bytes > DEAD_BYTES_MIN + more + state.live_bytes // DEAD_SHARE


cdef inline void relink(Space* space, Entry* before, Entry* entry) noexcept nogil:
    """Let the table know an entry by its new address."""
    cdef uint64_t hash = hash_of(space.state, entry)
    cdef Table* table = table_for(space, slot_of(key_of(entry), entry.key_bytes), hash)
    bucket_of(table, hash, before)[0] = bucket_for(hash, entry)


cdef inline bint _clean_segment(State* state, Segment* segment) noexcept nogil:
    """Move what lives out of a segment and free it; False without memory."""
    cdef Log* log = segment.log
    cdef Segment* target = log.survivors
    cdef char* position = <char*>segment + sizeof(Segment)
    cdef char* end = <char*>segment + segment.used_bytes
    cdef Entry* entry
    cdef Entry* moved
    cdef size_t size
    while position < end:
        entry = <Entry*>position
        size = entry_bytes(entry)
        position += size
        if entry.flags & DEAD:
            continue
        if target == NULL or not has_room(target, size):
            target = segment_new(state, size)
            if target == NULL:
                return False
            log_insert(log, target, segment)
            log.survivors = target
        moved = segment_append(state, target, size)
        memcpy(moved, entry, size)
        relink(log.space, entry, moved)
        if entry.flags & OBJECT:
            segment.objects -= 1
            target.objects += 1
        entry.flags |= DEAD
        segment.live_bytes -= size
        state.live_bytes -= size
        state.dead_bytes += size
    log_drop(state, segment)
    return True


cdef inline Segment* _next_victim(State* state) noexcept nogil:
    """The next segment of the sweep that is worth it; NULL if no log has any."""
    cdef uint64_t whole = state.live_bytes + state.dead_bytes
    cdef uint64_t filled
    cdef size_t logs_left = state.log_count + 1
    cdef Log* log
    cdef Segment* segment
    while logs_left:
        log = state.logs[state.sweep]
        segment = log.cursor if log.cursor != NULL else log.oldest
        while segment != NULL and segment != log.youngest:
            filled = segment.used_bytes - sizeof(Segment)
            if (
                segment != log.survivors
                and segment.live_bytes < filled
                and (filled - segment.live_bytes) * whole >= state.dead_bytes * filled
            ):
                log.cursor = segment
                return segment
            segment = segment.younger
        log.cursor = NULL
        log.survivors = NULL
        state.sweep = (state.sweep + 1) % state.log_count
        logs_left -= 1
    return NULL


cdef inline bint clean_some(State* state, int segments) noexcept nogil:
    """Clean up to so many segments; whether there may be more to do."""
    cdef Segment* segment
    while segments and is_dirty(state):
        segment = _next_victim(state)
        if segment == NULL or not _clean_segment(state, segment):
            return False
        segments -= 1
    return is_dirty(state)


cdef inline int64_t _let_go(Garbage* garbage, int64_t budget_bytes) noexcept:
    """Let go of objects that entries of the first segment refer to; return what is left to do."""
    cdef Segment* segment = garbage.segments
    cdef Entry* entry
    while segment.objects and budget_bytes > 0:
        entry = <Entry*>(<char*>segment + garbage.hand)
        garbage.hand += entry_bytes(entry)
        if entry.flags & OBJECT and not entry.flags & DEAD:
            segment.objects -= 1
            budget_bytes -= GARBAGE_OBJECT_BYTES + <int64_t>object_bytes(entry)
            Py_DECREF(<object>object_of(entry))
    return budget_bytes


cdef inline bint collect_garbage(State* state) noexcept:
    """Free a piece of what a flush has left; whether there is more."""
    cdef Garbage* garbage
    cdef Segment* segment
    cdef int64_t budget_bytes = GARBAGE_BYTES
    cdef int i
    if state.garbage_count == 0:
        return False
    garbage = &state.garbage[state.garbage_count - 1]
    for i in range(GARBAGE_SEGMENTS):
        segment = garbage.segments
        if segment == NULL:
            break
        budget_bytes = _let_go(garbage, budget_bytes)
        if segment.objects:
            break
        garbage.segments = segment.younger
        garbage.hand = sizeof(Segment)
        segment_free(state, segment)
    if garbage.tables != NULL:
        for i in range(GARBAGE_SLOTS):
            if garbage.slot == SLOTS:
                free(garbage.tables)
                garbage.tables = NULL
                break
            free_slot(garbage.tables[garbage.slot])
            garbage.slot += 1
    if garbage.segments == NULL and garbage.tables == NULL:
        state.garbage_count -= 1
    return state.garbage_count != 0
